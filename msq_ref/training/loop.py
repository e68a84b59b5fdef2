"""The training loop: epochs of seeded batches, a method, an optimizer, a line of log each."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.methods import Method
from msq_ref.nn import Network
from msq_ref.training.config import TrainingConfig
from msq_ref.training.optimizer import SGD, cosine_rate

__all__ = ["Diverged", "Row", "Trainer", "accuracy"]

Row = dict[str, Any]
"""One line of the log."""


class Diverged(RuntimeError):
    """The loss is no longer a number."""


class Trainer:
    """A run in progress; its state goes into a checkpoint and comes back to the same bits.

    Parameters
    ----------
    network : Network
    method : Method
    config : TrainingConfig
    backend : module
    seed : int
        Orders the batches; epoch e draws its order from (seed, e), so that no generator's state
        needs keeping.
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
        self.seed = seed
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
        images : ndarray, NHWC
        labels : ndarray of int64
        validate : callable
            Gives the accuracy to log; called with the effective weights set.
        on_epoch : callable
            Called after each epoch, to write a checkpoint and show progress.

        Raises
        ------
        Diverged
            If the loss becomes NaN or infinite; the state after the last good epoch is what
            `on_epoch` saw last.
        """
        while self.epoch < self.config.epochs:
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
            loss, penalty = self._step(images[chosen], labels[chosen], rate)
            if not np.isfinite(loss):
                raise Diverged(
                    f"the loss became {loss} in epoch {self.epoch}, step {batch}; "
                    f"{_first_bad(self.network)}"
                )
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
        self, images: NDArray[Any], labels: NDArray[np.int64], rate: float
    ) -> tuple[float, float]:
        penalty = self.method.quantize()
        logits = self.network.forward(images, training=True)
        loss, grad = self._backend.cross_entropy(logits, labels)
        self.network.backward(grad)
        self.method.backward()
        self.optimizer.step(self.network.gradients(), rate)
        return float(loss), penalty

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return every array that decides what follows."""
        velocity = {f"velocity/{name}": v for name, v in self.optimizer.velocity.items()}
        return {**self.network.state(), **velocity}

    def state(self) -> dict[str, Any]:
        """Return every other value that decides what follows, as plain JSON values."""
        return {"epoch": self.epoch, "rows": self.rows, "method": self.method.state()}

    def load(self, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Take up the arrays and the state of a checkpoint."""
        split = "velocity/"
        self.network.load_state({n: v for n, v in arrays.items() if not n.startswith(split)})
        for name in self.optimizer.velocity:
            self.optimizer.velocity[name] = arrays[split + name]
        self.epoch = int(state["epoch"])
        self.rows = list(state["rows"])
        self.method.load_state(state["method"])


def accuracy(network: Network, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the fraction of images classified right, in inference mode, in batches of 256."""
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


def _first_bad(network: Network) -> str:
    for name, value in network.parameters().items():
        if not np.isfinite(value).all():
            return f"first non-finite parameter: {name}"
    return "all parameters are finite"
