"""The training loop: epochs of seeded batches, a method, an optimizer, a line of log each."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.methods import Method
from msq_ref.nn import Network
from msq_ref.nn.network import copy_arrays
from msq_ref.training.batches import Source, ahead, epoch_batches
from msq_ref.training.config import TrainingConfig
from msq_ref.training.divergence import Diverged, demand_finite
from msq_ref.training.evaluation import accuracy, accuracy_on
from msq_ref.training.memory import peak_resident_bytes, reset_peak
from msq_ref.training.optimizer import make_optimizer
from msq_ref.training.position import Position, demand_same_run, run_settings
from msq_ref.training.schedule import learning_rate
from msq_ref.training.step import forget_gradients, loss_and_gradients

__all__ = ["Diverged", "Row", "Trainer", "accuracy", "accuracy_on"]

Row = dict[str, Any]
"""One line of the log."""


class Trainer:
    """A run in progress; its state goes into a checkpoint and comes back to the same bits.

    Parameters
    ----------
    network : Network
    method : Method
    config : TrainingConfig
    backend : module
    seed : int
        Orders and augments the images, not negative; epoch e draws from (seed, e), so that the
        position in the run stands for the state of any generator.
    batches_ahead : int
        Batches that another thread prepares beside the computation; 0: none, to the same bits.

    Attributes
    ----------
    epoch, step, steps : int
        Number of whole epochs done, of steps of the next one, and of steps of an epoch.
    rows : list of Row
        The log, a row an epoch.
    optimizer : Optimizer
    peak_bytes : int or None
        The most memory that this process had during the steps of an epoch; None before the first
        one, and where the operating system does not tell.

    Raises
    ------
    ValueError
        If `seed` or `batches_ahead` is no such number.

    Notes
    -----
    Give BLAS one thread, ``threadpoolctl.threadpool_limits(1)``, as `msq train` does: the kernels
    spread the work themselves, the bits do not depend on the count of threads, and small products
    on several threads of BLAS wait for each other on a busy machine.
    """

    def __init__(
        self,
        network: Network,
        method: Method,
        config: TrainingConfig,
        backend: ModuleType,
        seed: int,
        *,
        batches_ahead: int = 1,
    ) -> None:
        self.network = network
        self.method = method
        self.config = config
        self.seed = checks.integer("seed", seed, 0)
        self.rows: list[Row] = []
        self.optimizer = make_optimizer(network.parameters(), backend, config)
        self.peak_bytes: int | None = None
        self._position = Position()
        self._backend = backend
        self._ahead = checks.integer("batches_ahead", batches_ahead, 0, 16)

    @property
    def epoch(self) -> int:
        """Number of whole epochs done."""
        return self._position.epoch

    @property
    def step(self) -> int:
        """Number of steps done of the epoch after them."""
        return self._position.step

    @property
    def steps(self) -> int:
        """Number of steps of an epoch; 0 before `run`."""
        return self._position.steps

    def run(
        self,
        source: Source,
        validate: Callable[[], float],
        on_epoch: Callable[[Trainer], None],
        on_checkpoint: Callable[[Trainer], None] = lambda trainer: None,
        on_step: Callable[[Trainer], None] = lambda trainer: None,
    ) -> None:
        """Train from the present position to the end of the last epoch.

        Parameters
        ----------
        source : Source
            The training images.
        validate : callable
            Gives the accuracy to log; called with the effective weights set.
        on_epoch : callable
            Called after each epoch, to write a checkpoint and show progress.
        on_checkpoint : callable
            Called within an epoch after every ``checkpoint_every`` steps, to write a checkpoint.
        on_step : callable
            Called after each step, to show progress.

        Raises
        ------
        ValueError
            If there are no images, or not as many as in the run that a checkpoint is of.
        Diverged
            If the loss, a gradient or an array becomes NaN or infinite, naming it, its layer, the
            epoch and the step, both counted from 0; the last good state is what `on_epoch` or
            `on_checkpoint` saw last.
        """
        self._position.begin(len(source), self.config.batch_size)
        while self.epoch < self.config.epochs:
            with np.errstate(all="ignore"):  # the steps themselves look for NaN
                row = self._epoch(source, on_checkpoint, on_step)
            self.method.end_epoch(self.epoch)
            forget_gradients(self.network)  # those of Hessian products, where there were any
            self.method.quantize()
            row["accuracy"] = validate()
            row["compression"] = float(self.method.compression())
            row["average_bits"] = float(self.method.average_bits())
            row.update(_by_layer(self.method))
            self.rows.append(row)
            self._position.next_epoch()
            on_epoch(self)

    def _epoch(
        self,
        source: Source,
        on_checkpoint: Callable[[Trainer], None],
        on_step: Callable[[Trainer], None],
    ) -> Row:
        config, at = self.config, self._position
        steps = at.steps
        make = epoch_batches(
            source, self.seed, at.epoch, config.batch_size, config.augmentation, self._dtype()
        )
        reset_peak()
        with ahead(make, at.step, steps, self._ahead) as batches:
            for images, labels in batches:
                loss, penalty = self._step(images, labels, self._rate(at.step))
                at.advance(loss, penalty, len(labels))
                del images, labels  # the next ones are on the way
                if at.step < steps and at.step % (config.checkpoint_every or steps) == 0:
                    on_checkpoint(self)
                on_step(self)
        peak = peak_resident_bytes()
        self.peak_bytes = peak if peak is None else max(peak, self.peak_bytes or 0)
        return {
            "epoch": at.epoch,
            "learning_rate": self._rate(steps - 1),
            "loss": at.loss / at.images,
            "penalty": at.penalty / steps,
            "lambda": self.method.penalty_strength(),
        }

    def _step(
        self, images: NDArray[Any], labels: NDArray[np.int64], rate: float
    ) -> tuple[float, float]:
        config, network = self.config, self.network
        where = f"in epoch {self.epoch}, step {self.step}"
        penalty = self.method.quantize()
        loss = loss_and_gradients(
            network, self._backend, images, labels, micro_batch_size=config.micro_batch_size,
            smoothing=config.label_smoothing, where=where,
        )  # fmt: skip
        demand_finite(network.gradients(), "the gradient", where)
        self.method.backward()
        bad = self.optimizer.step(network.gradients(), rate)
        forget_gradients(network)
        for name in bad:
            demand_finite({name: self.optimizer.parameters[name]}, "the update", where)
            demand_finite(self.optimizer.arrays(), "the moment", where)
        demand_finite(network.buffers(), "the statistics", where)
        return loss, penalty

    def _rate(self, step: int) -> float:
        steps = self._position.steps
        return learning_rate(self.config, self.epoch * steps + step, self.config.epochs * steps)

    def _dtype(self) -> np.dtype[Any]:
        return next(iter(self.optimizer.parameters.values())).dtype

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return every array that decides what follows."""
        return {**self.network.state(), **self.optimizer.arrays()}

    def state(self) -> dict[str, Any]:
        """Return every other value that decides what follows, as plain JSON values."""
        return {
            **self._position.state(),
            "rows": self.rows,
            "method": self.method.state(),
            "optimizer": self.optimizer.state(),
            "settings": run_settings(self.config, self.seed, self.method),
        }

    def load(self, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Take up the arrays and the state of a checkpoint; no `MSQ.start` is needed then.

        All or nothing.

        Raises
        ------
        ValueError
            Naming what is missing, unexpected, out of range, or set otherwise than here.
        """
        demand_same_run(state, run_settings(self.config, self.seed, self.method))
        position = Position.stored(state, self.config)
        rows = state.get("rows")
        if not isinstance(rows, list) or [type(row) for row in rows] != [dict] * position.epoch:
            raise ValueError(f"epoch = {position.epoch}: expected as many rows of the log")
        before = self.method.state(), self.optimizer.state()
        try:
            self.method.load_state(state.get("method", {}))
            self.optimizer.load_state(state.get("optimizer"))
            copy_arrays(self.arrays(), arrays)
        except ValueError:
            self.method.load_state(before[0])
            self.optimizer.load_state(before[1])
            raise
        self._position, self.rows = position, list(rows)


def _by_layer(method: Method) -> Row:
    state = method.round()
    columns = {"bits": state.bits, "beta": state.beta, "k": state.k, "omega": state.omega}
    return {
        f"{column}.{layer}": value
        for column, values in columns.items()
        for layer, value in values.items()
    }
