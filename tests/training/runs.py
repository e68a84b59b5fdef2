"""Short runs on a few digits: everything built anew each time, as a new process would."""

import functools

import numpy as np
from threadpoolctl import threadpool_limits

from msq_ref import kernels, models
from msq_ref.formats.datasets import load_dataset
from msq_ref.hessian import hutchinson_layers
from msq_ref.methods import MSQ, DoReFa, Float
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import DOMAINS
from msq_ref.training.batches import Arrays
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer, accuracy

EPOCHS = 5
METHODS = ["float", "dorefa", "msq offset", "msq signed"]


@functools.cache
def digits(dtype=np.float32, count=90):
    part = load_dataset("digits").train
    return part.images[:count].astype(dtype), part.labels[:count]


def msq(network, domain, backend, images, labels, seed, **settings):
    """MSQ whose rounds come every epoch and prune whatever there is to prune, until the fourth."""
    usual = {"interval": 1, "prune_until": 4, "target": 9.0, "n_min": 2, "alpha": 1, "alpha_low": 1}
    config = MSQConfig.model_validate({"domain": domain, "lambda": 1e-3, **usual, **settings})

    def traces(epoch):
        found = hutchinson_layers(
            network, images[:20], labels[:20], seed=[seed, epoch + 1], max_samples=2
        )
        return {name: estimate.trace for name, estimate in found.items()}

    return MSQ(network, DOMAINS[domain], backend, config, traces)


def trainer(method, *, seed=0, dtype=np.float32, backend=kernels, width=4, start=True,
            batches_ahead=1, **settings):  # fmt: skip
    """A fresh network, method and trainer."""
    images, labels = digits(dtype)
    network = models.build("digits-cnn", seed=seed, dtype=dtype, backend=backend, width=width)
    kind, _, domain = method.partition(" ")
    if kind == "float":
        how = Float(network)
    elif kind == "dorefa":
        how = DoReFa(network, backend, 4)
    else:
        how = msq(network, domain, backend, images, labels, seed)
        if start:
            how.start()
    usual = {"epochs": EPOCHS, "batch_size": 16, "learning_rate": 0.1, "weight_decay": 1e-3}
    config = TrainingConfig.model_validate(usual | settings)
    return Trainer(network, how, config, backend, seed, batches_ahead=batches_ahead)


def run(state, on_epoch=lambda state: None, on_checkpoint=lambda state: None):
    """Train to the end on one BLAS thread, as the command does; the validation data are its own."""
    images, labels = digits(state.network.parameters()["fc.weight"].dtype.type)
    with threadpool_limits(limits=1):
        source = Arrays(images, labels)
        state.run(source, lambda: accuracy(state.network, images, labels), on_epoch, on_checkpoint)
    return state


def outcome(state):
    """Everything a run leaves: its arrays as bytes, its rows, the state of its method."""
    arrays = {name: (value.dtype, value.tobytes()) for name, value in state.arrays().items()}
    return arrays, state.rows, state.method.state()
