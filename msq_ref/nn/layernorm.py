"""The layer normalization layer [S11.1]."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.nn.layer import Layer

__all__ = ["LayerNorm"]


class LayerNorm(Layer):
    """Normalize each row over its features, then scale and shift; the same in both modes.

    Parameters
    ----------
    features : int
        Length of the last axis.
    eps : float
        Added to the variance, not negative.
    dtype : float32 or float64
    backend : module

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, `features` is not positive, or `eps` is out of range.

    Notes
    -----
    [S11.1]: the biased variance normalizes.
    """

    def __init__(
        self, features: int, *, eps: float = 1e-5, dtype: DTypeLike, backend: ModuleType
    ) -> None:
        super().__init__(backend)
        size, kind = checks.integer("features", features, 1), checks.float_dtype("dtype", dtype)
        self.eps = checks.real("eps", eps, 0)
        self.parameters = {"gamma": np.ones(size, kind), "beta": np.zeros(size, kind)}

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        gamma, beta = self.parameters["gamma"], self.parameters["beta"]
        return np.asarray(self.backend.layernorm(x, gamma, beta, self.eps))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        self._grad = None if self._training else grad
        grads = self.backend.layernorm_backward(grad, x, self.parameters["gamma"], self.eps)
        grad_x, self.gradients["gamma"], self.gradients["beta"] = grads
        return np.asarray(grad_x)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (x,) = self.inference()
        self._x_dot = x_dot
        if x_dot is None:
            return None
        gamma = self.parameters["gamma"]
        return np.asarray(self.backend.layernorm_tangent(x_dot, x, gamma, self.eps))

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.inference()
        gamma = self.parameters["gamma"]
        # Zeros, rather than the gradient of grad_dot, whose sums may round another way.
        x_dot = np.zeros_like(x) if self._x_dot is None else self._x_dot
        return np.asarray(
            self.backend.layernorm_backward_tangent(
                self._grad, grad_dot, x, x_dot, gamma, self.eps
            )
        )
