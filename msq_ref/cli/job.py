"""A run from its settings to its figures: data, network, method, training, integers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from msq_ref import kernels, models
from msq_ref.cli.figures import run_figures
from msq_ref.cli.folder import RunFolder
from msq_ref.cli.integers import integer_figures, lower_run, no_integer_form
from msq_ref.cli.plots import plot_run
from msq_ref.files import remove_leftovers, write_text
from msq_ref.formats.datasets import Dataset, load_dataset
from msq_ref.formats.integer_file import save_integer_network
from msq_ref.hessian import TraceEstimate, hutchinson_layers
from msq_ref.kernels.memory import Pool, use_pool
from msq_ref.methods import MSQ, DoReFa, Float, Method
from msq_ref.methods.domains import domain
from msq_ref.names import known_name
from msq_ref.nn import Network
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from msq_ref.training.config import RunConfig
from msq_ref.training.loop import Trainer, accuracy_on

__all__ = ["Job", "load_trained", "make_job", "run_job"]

Progress = Callable[[Trainer], None]
"""Called after every step and every epoch."""


@dataclass
class Job:
    """A network with its method and data, ready to train or trained."""

    config: RunConfig
    data: Dataset
    network: Network
    method: Method

    def traces(self, seed: list[int], samples: int, images: int) -> dict[str, TraceEstimate]:
        """Estimate the Hessian trace of each layer on the first training images [S5.1]."""
        self.method.quantize()
        return hutchinson_layers(
            self.network,
            *self.data.train.batch(slice(0, images)),
            seed=seed,
            max_samples=samples,
        )


def make_job(config: RunConfig) -> Job:
    """Build what the settings name; raises ``ValueError`` for unknown names before any work."""
    known_name("model", config.model, models.names())
    data = load_dataset(config.data)
    network = _network(config, data)
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


def _network(config: RunConfig, data: Dataset) -> Network:
    """Build the network for the data's images and classes, with its first weights."""
    height, width, _ = shape = data.train.image_shape
    sizes: dict[str, Any] = {"classes": data.classes, **config.sizes}
    if height == width and "input_size" in models.size_names(config.model):
        sizes.setdefault("input_size", height)
    taken = models.input_shape(config.model, **sizes)
    if taken != shape:
        raise ValueError(
            f"data = {config.data!r} has images of {shape}: model {config.model!r} takes {taken}"
        )
    classes = sizes["classes"]
    if not isinstance(classes, int) or classes < data.classes:
        raise ValueError(f"sizes.classes = {classes}: data = {config.data!r} has {data.classes}")
    options: dict[str, Any] = {"seed": config.seed, "backend": kernels, **sizes}
    if config.init:
        return models.load(config.model, config.init, **options)
    return models.build(config.model, **options)


def run_job(job: Job, folder: RunFolder, progress: Progress, *, resume: bool = False) -> None:
    """Train, lower to integers, test once, and write the run folder.

    A run that was killed goes on, with `resume`, from its last checkpoint to the same bits.
    One BLAS thread: the kernels cut their work by shape and spread the parts themselves, so that
    the bits never depend on the number of threads.
    """
    config, data = job.config, job.data
    started = time.perf_counter()
    folder.path.mkdir(parents=True, exist_ok=True)
    write_text(folder.config, config.to_toml())
    pool = Pool()
    with threadpool_limits(limits=1), use_pool(pool):
        trainer = Trainer(job.network, job.method, config.training, kernels, config.seed)
        remove_leftovers(folder.checkpoint)  # of a run that was killed while it wrote one
        if resume and folder.checkpoint.exists():
            trainer.load(*load_checkpoint(folder.checkpoint))
        elif isinstance(job.method, MSQ):
            job.method.start()
            pool.clear()

        def save(state: Trainer) -> None:
            save_checkpoint(folder.checkpoint, state.arrays(), state.state())

        def on_epoch(state: Trainer) -> None:
            folder.write_log(state.rows)
            save(state)
            progress(state)
            pool.clear()  # of the sizes that traces and validation needed

        trainer.run(
            data.train,
            lambda: accuracy_on(job.network, data.validation),
            on_epoch,
            save,
            progress,
        )
        save_checkpoint(folder.model, job.network.state(), {"method": job.method.state()})
        figures = run_figures(job, trainer)
        missing = no_integer_form(job.network)
        if missing:
            figures["not_in_integers"] = missing
        elif job.method.weights:
            network = lower_run(job)
            save_integer_network(folder.integer, network)
            figures |= integer_figures(job, network)
    figures["seconds"] = time.perf_counter() - started
    plot_run(folder)
    folder.write_report(figures)  # last: it says that the run is finished
    folder.checkpoint.unlink(missing_ok=True)


def load_trained(folder: RunFolder) -> Job:
    """Read a finished run's network back, its effective weights set."""
    # Its weights are in the folder, whatever has become of the file it began with.
    job = make_job(folder.read_config().model_copy(update={"init": ""}))
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
