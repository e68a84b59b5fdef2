"""A network of three layers whose low bits are known, and traces that are given."""

import numpy as np

from msq_ref import reference
from msq_ref.methods import MSQ
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import DOMAINS
from msq_ref.nn import Linear, Network

EVEN = {"a": 1.0, "b": 1.0, "c": 1.0}


class Traces:
    """Gives fixed traces, and records when it was asked and what the layers used then."""

    def __init__(self, network, values):
        self.network, self.values = network, values
        self.epochs, self.effective = [], []

    def __call__(self, epoch):
        self.epochs.append(epoch)
        layers = self.network.quantized_layers()
        self.effective.append({name: layer.effective.copy() for name, layer in layers.items()})
        return self.values


def still(count, shape=(4, 4)):
    """Weights of which `count` are at the maximum and all others 0: beta is count / size.

    The maximum is u = 1, whose low bits are never 0 (the clamp, [S3.2]); 0 is on every grid.
    """
    w = np.zeros(shape)
    w.ravel()[:count] = 1.0
    return w


def noisy(seed, shape=(4, 4)):
    """Weights of every size: about half of their last bits are not 0."""
    return np.random.default_rng(seed).standard_normal(shape)


def schedule(weights, domain="signed", traces=EVEN, backend=reference, **settings):
    """MSQ on a network of linear layers with these weights; thresholds of [S6.4]."""
    rng = np.random.default_rng(0)
    network = Network(
        {
            name: Linear(*w.shape, rng=rng, dtype=np.float64, backend=backend)
            for name, w in weights.items()
        }
    )
    for name, w in weights.items():
        network.layers[name].parameters["weight"][...] = w
    space = DOMAINS[domain]
    usual = {"n_min": 1 + space.sign_bits, "alpha": 0.3, "alpha_low": 0.1}
    config = MSQConfig(domain=domain, **usual | settings)
    given = Traces(network, traces)
    return MSQ(network, space, backend, config, given), given


def history(method, epochs, first=0):
    """Bits after each epoch."""
    found = []
    for epoch in range(first, first + epochs):
        method.end_epoch(epoch)
        found.append(list(method.bits().values()))
    return found
