"""The Gaussian error linear unit as a layer [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.layer import Layer

__all__ = ["GELU"]


class GELU(Layer):
    """``x Phi(x)``, Phi the standard normal distribution, by erf [S11.1]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.gelu(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        self._grad = None if self._training else grad
        return np.asarray(self.backend.gelu_backward(grad, x))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (x,) = self.inference()
        self._x_dot = x_dot
        return None if x_dot is None else np.asarray(self.backend.gelu_backward(x_dot, x))

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.inference()
        if self._x_dot is None:
            return np.asarray(self.backend.gelu_backward(grad_dot, x))
        return np.asarray(
            self.backend.gelu_backward_tangent(self._grad, grad_dot, x, self._x_dot)
        )
