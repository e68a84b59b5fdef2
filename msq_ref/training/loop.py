"""The training loop: epochs of seeded batches, a method, an optimizer, a line of log each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.methods import Method
from msq_ref.nn import Network
from msq_ref.nn.network import copy_arrays
from msq_ref.training.config import TrainingConfig
from msq_ref.training.optimizer import SGD, cosine_rate

__all__ = ["Diverged", "Row", "Trainer", "accuracy"]

Row = dict[str, Any]
"""One line of the log."""


class Diverged(RuntimeError):
    """The loss, a gradient or an array of the network is no longer a finite number."""


class Trainer:
    """A run in progress; its state goes into a checkpoint and comes back to the same bits.

    Parameters
    ----------
    network : Network
    method : Method
    config : TrainingConfig
    backend : module
    seed : int
        Orders the batches, not negative; epoch e draws its order from (seed, e), so that no
        generator's state needs keeping.

    Attributes
    ----------
    epoch : int
        Number of whole epochs done.
    rows : list of Row
        The log, a row an epoch.
    optimizer : SGD

    Raises
    ------
    ValueError
        If `seed` is no such number.
    """

    def __init__(
        self,
        network: Network,
        method: Method,
        config: TrainingConfig,
        backend: ModuleType,
        seed: int,
    ) -> None:
        self.network = network
        self.method = method
        self.config = config
        self.seed = checks.integer("seed", seed, 0)
        self.epoch = 0
        self.rows: list[Row] = []
        self.optimizer = SGD(network.parameters(), backend, config.momentum, config.weight_decay)
        self._backend = backend

    def run(
        self,
        images: NDArray[Any],
        labels: NDArray[np.int64],
        validate: Callable[[], float],
        on_epoch: Callable[[Trainer], None],
    ) -> None:
        """Train from the present epoch to the last.

        Parameters
        ----------
        images : ndarray, NHWC, the dtype of the network
        labels : ndarray of int64, one per image
        validate : callable
            Gives the accuracy to log; called with the effective weights set.
        on_epoch : callable
            Called after each epoch, to write a checkpoint and show progress.

        Raises
        ------
        ValueError
            If there are no images, or not as many labels.
        Diverged
            If the loss, a gradient or an array becomes NaN or infinite, naming it, the epoch and
            the step, both counted from 0; the state after the last good epoch is what `on_epoch`
            saw last.
        """
        if not len(images) or len(images) != len(labels):
            raise ValueError(
                f"images has {len(images)} entries, labels {len(labels)}: "
                f"expected as many, at least one"
            )
        while self.epoch < self.config.epochs:
            with np.errstate(all="ignore"):  # the steps themselves look for NaN
                row = self._epoch(images, labels)
            self.method.end_epoch(self.epoch)
            self.method.quantize()
            row["accuracy"] = validate()
            row["compression"] = float(self.method.compression())
            row["average_bits"] = float(self.method.average_bits())
            row.update(_by_layer(self.method))
            self.rows.append(row)
            self.epoch += 1
            on_epoch(self)

    def _epoch(self, images: NDArray[Any], labels: NDArray[np.int64]) -> Row:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(labels))
        size = self.config.batch_size
        batches = -(-len(order) // size)
        losses, penalties, rate = 0.0, 0.0, 0.0
        for batch in range(batches):
            step = self.epoch * batches + batch
            rate = cosine_rate(self.config.learning_rate, step, self.config.epochs * batches)
            chosen = order[batch * size : (batch + 1) * size]
            loss, penalty = self._step(images[chosen], labels[chosen], rate, batch)
            losses += loss * len(chosen)
            penalties += penalty
        return {
            "epoch": self.epoch,
            "learning_rate": rate,
            "loss": losses / len(order),
            "penalty": penalties / batches,
            "lambda": self.method.penalty_strength(),
        }

    def _step(
        self, images: NDArray[Any], labels: NDArray[np.int64], rate: float, batch: int
    ) -> tuple[float, float]:
        penalty = self.method.quantize()
        logits = self.network.forward(images, training=True)
        loss, grad = self._backend.cross_entropy(logits, labels)
        self._demand_finite({"the loss": loss}, batch)
        self.network.backward(grad)
        gradients = self.network.gradients()
        self._demand_finite({f"the gradient of {n}": g for n, g in gradients.items()}, batch)
        self.method.backward()
        self.optimizer.step(self.network.gradients(), rate)
        self._demand_finite(self.network.state(), batch)
        return float(loss), penalty

    def _demand_finite(self, values: Mapping[str, NDArray[Any] | float], batch: int) -> None:
        for name, value in values.items():
            finite = np.isfinite(value)
            if not finite.all():
                bad = np.asarray(value)[~finite].flat[0]
                raise Diverged(f"{name} became {bad} in epoch {self.epoch}, step {batch}")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return every array that decides what follows."""
        velocity = {f"velocity/{name}": v for name, v in self.optimizer.velocity.items()}
        return {**self.network.state(), **velocity}

    def state(self) -> dict[str, Any]:
        """Return every other value that decides what follows, as plain JSON values."""
        return {"epoch": self.epoch, "rows": self.rows, "method": self.method.state()}

    def load(self, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Take up the arrays and the state of a checkpoint; no `MSQ.start` is needed then.

        Raises
        ------
        ValueError
            Naming what is missing, unexpected or out of range.
        """
        epoch = checks.integer("epoch", state.get("epoch"), 0, self.config.epochs)
        rows = state.get("rows")
        if not isinstance(rows, list) or [type(row) for row in rows] != [dict] * epoch:
            raise ValueError(f"epoch = {epoch}: expected as many rows of the log")
        self.method.load_state(state.get("method", {}))
        copy_arrays(self.arrays(), arrays)
        self.epoch, self.rows = epoch, list(rows)


def accuracy(network: Network, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the fraction of images classified right, in inference mode, in batches of 256.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    images : ndarray, NHWC
    labels : ndarray of int64, (images,), at least one
    """
    right = 0
    for start in range(0, len(labels), 256):
        logits = network.forward(images[start : start + 256])
        right += int((logits.argmax(axis=1) == labels[start : start + 256]).sum())
    return right / len(labels)


def _by_layer(method: Method) -> Row:
    state = method.round()
    columns = {"bits": state.bits, "beta": state.beta, "k": state.k, "omega": state.omega}
    return {
        f"{column}.{layer}": value
        for column, values in columns.items()
        for layer, value in values.items()
    }
