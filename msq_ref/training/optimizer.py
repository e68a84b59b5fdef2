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

    Returns
    -------
    float
        Between 0 and `start`, falling with `step`.
    """
    return start / 2 * (1 + math.cos(math.pi * step / steps))


class SGD:
    """Momentum descent over named parameters; the update itself is `sgd_step` [S12.1].

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Updated in place.
    backend : module
        Where `sgd_step` comes from.
    momentum, weight_decay : float
        Not negative; decay acts on every parameter, also of normalization.

    Attributes
    ----------
    velocity : dict of str to ndarray
        By parameter, 0 at first.
    """

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
        """Update every parameter in place.

        Parameters
        ----------
        gradients : mapping of str to ndarray
            One per parameter, of its shape and dtype.
        rate : float
            Learning rate of this step.

        Raises
        ------
        ValueError
            If a gradient is not finite.
        """
        for name, value in self.parameters.items():
            new, self.velocity[name] = self._backend.sgd_step(
                value, gradients[name], self.velocity[name], rate, self._momentum,
                self._weight_decay,
            )  # fmt: skip
            value[...] = new
