"""A run from its settings to its figures: data, network, method, training, integers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from msq_ref import kernels, models
from msq_ref.cli.folder import RunFolder
from msq_ref.cli.integers import integer_figures, lower_run
from msq_ref.cli.plots import plot_run
from msq_ref.files import write_text
from msq_ref.formats.datasets import Dataset, load_dataset
from msq_ref.formats.integer_file import save_integer_network
from msq_ref.hessian import TraceEstimate, hutchinson_layers
from msq_ref.methods import MSQ, DoReFa, Float, Method
from msq_ref.methods.domains import domain
from msq_ref.names import known_name
from msq_ref.nn import Network
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from msq_ref.training.config import RunConfig
from msq_ref.training.loop import Trainer, accuracy

__all__ = ["Job", "load_trained", "make_job", "run_job"]

Progress = Callable[[Trainer], None]
"""Called after every epoch."""


@dataclass
class Job:
    """A network with its method and data, ready to train or trained."""

    config: RunConfig
    data: Dataset
    network: Network
    method: Method

    def traces(
        self,
        seed: list[int],
        samples: int,
        images: int,
        on_sample: Callable[[int], None] = lambda sample: None,
    ) -> dict[str, TraceEstimate]:
        """Estimate the Hessian trace of each layer on the first training images [S5.1]."""
        part = self.data.train
        self.method.quantize()
        return hutchinson_layers(
            self.network,
            part.images[:images],
            part.labels[:images],
            seed=seed,
            max_samples=samples,
            on_sample=on_sample,
        )


def make_job(config: RunConfig) -> Job:
    """Build what the settings name; raises ``ValueError`` for unknown names before any work."""
    known_name("model", config.model, models.names())
    data = load_dataset(config.data)
    network = models.build(config.model, seed=config.seed, backend=kernels)
    if data.train.images.shape[1:] != models.input_shape(config.model):
        raise ValueError(
            f"data = {config.data!r} has images of {data.train.images.shape[1:]}: model "
            f"{config.model!r} takes {models.input_shape(config.model)}"
        )
    job = Job(config, data, network, Float(network))
    if config.method == "dorefa":
        job.method = DoReFa(network, kernels, config.dorefa.bits)
    elif config.method == "msq":
        settings = config.msq

        def traces(epoch: int) -> Mapping[str, float]:
            seed = [config.seed, epoch + 1]
            found = job.traces(seed, settings.hessian_samples, settings.hessian_images)
            return {name: estimate.trace for name, estimate in found.items()}

        job.method = MSQ(network, domain(settings.domain), kernels, settings, traces)
    return job


def run_job(job: Job, folder: RunFolder, progress: Progress, *, resume: bool = False) -> None:
    """Train, lower to integers, test once, and write the run folder.

    A run that was killed goes on, with `resume`, from its last whole epoch to the same bits.
    One BLAS thread: the matrices are small, and the bits never depend on how many there are.
    """
    config, data = job.config, job.data
    started = time.perf_counter()
    folder.path.mkdir(parents=True, exist_ok=True)
    write_text(folder.config, config.to_toml())
    with threadpool_limits(limits=1):
        trainer = Trainer(job.network, job.method, config.training, kernels, config.seed)
        if resume and folder.checkpoint.exists():
            trainer.load(*load_checkpoint(folder.checkpoint))
        elif isinstance(job.method, MSQ):
            job.method.start()

        def on_epoch(state: Trainer) -> None:
            folder.write_log(state.rows)
            save_checkpoint(folder.checkpoint, state.arrays(), state.state())
            progress(state)

        trainer.run(
            data.train.images,
            data.train.labels,
            lambda: accuracy(job.network, data.validation.images, data.validation.labels),
            on_epoch,
        )
        save_checkpoint(folder.model, job.network.state(), {"method": job.method.state()})
        figures = _figures(job, trainer)
        if job.method.weights:
            network = lower_run(job)
            save_integer_network(folder.integer, network)
            figures |= integer_figures(job, network)
    figures["seconds"] = time.perf_counter() - started
    plot_run(folder)
    folder.write_report(figures)  # last: it says that the run is finished
    folder.checkpoint.unlink(missing_ok=True)


def load_trained(folder: RunFolder) -> Job:
    """Read a finished run's network back, its effective weights set."""
    job = make_job(folder.read_config())
    if not folder.model.exists():
        raise ValueError(f"{folder.path}: the run is not finished (no model.safetensors)")
    arrays, state = load_checkpoint(folder.model)
    try:
        job.network.load_state(arrays)
        job.method.load_state(state["method"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder.model}: {error}") from None
    job.method.quantize()
    return job


def _figures(job: Job, trainer: Trainer) -> dict[str, Any]:
    method, test = job.method, job.data.test
    method.quantize()
    bits = method.bits()
    sizes = {
        name: layer.parameters["weight"].size
        for name, layer in job.network.quantized_layers().items()
    }
    weights = sum(sizes.values())
    others = sum(value.size for value in job.network.parameters().values()) - weights
    stored = sum(bits[name] * sizes[name] for name in sizes)
    signs = method.sign_bits()
    return {
        "method": job.config.method,
        "seed": job.config.seed,
        "epochs": trainer.epoch,
        "accuracy": accuracy(job.network, test.images, test.labels),
        "validation_accuracy": trainer.rows[-1]["accuracy"] if trainer.rows else None,
        "test_images": len(test),
        "compression": float(method.compression()),
        "average_bits": float(method.average_bits()),
        # [S6.5] some papers do not count the sign; [S6.3] some parameters stay in float.
        "average_bits_without_sign": float(method.average_bits()) - signs,
        "compression_with_float_parameters": 32 * (weights + others) / (stored + 32 * others),
        "bits": bits,
        "weights": sizes,
        "float_parameters": int(others),
    }
