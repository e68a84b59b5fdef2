"""Gradient descent with momentum and a cosine rate [S12]."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SGD", "cosine_rate"]


def cosine_rate(start: float, step: int, steps: int) -> float:
    """Return the learning rate of a step: ``start / 2 * (1 + cos(pi * step / steps))``.

    Parameters
    ----------
    start : float
        The rate at step 0.
    step, steps : int
        0 <= step < steps.
    """
    return start / 2 * (1 + math.cos(math.pi * step / steps))


class SGD:
    """Momentum descent over named parameters; the update itself is `sgd_step` [S12.1]."""

    def __init__(
        self,
        parameters: Mapping[str, NDArray[Any]],
        backend: ModuleType,
        momentum: float,
        weight_decay: float,
    ) -> None:
        self.parameters = parameters
        self.velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._backend = backend
        self._momentum = momentum
        self._weight_decay = weight_decay

    def step(self, gradients: Mapping[str, NDArray[Any]], rate: float) -> None:
        """Update every parameter in place."""
        for name, value in self.parameters.items():
            new, self.velocity[name] = self._backend.sgd_step(
                value, gradients[name], self.velocity[name], rate, self._momentum,
                self._weight_decay,
            )  # fmt: skip
            value[...] = new
