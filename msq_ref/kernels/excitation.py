"""Twin of `msq_ref.reference.excitation`: both gradients in one pass over the images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.excitation import gate

__all__ = ["gate", "gate_backward"]


def gate_backward(
    grad_y: NDArray[Any], x: NDArray[Any], factors: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.gate_backward`, within its class [S11.1]."""
    x, factors = checks.gate_arguments(x, factors)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    grad_x, grad_factors = np.empty(x.shape, x.dtype), np.zeros(factors.shape, x.dtype)
    _backward(grad_y, x, factors, grad_x, grad_factors)
    return grad_x, grad_factors


@njit(cache=True, nogil=True)
def _backward(grad_y: Any, x: Any, factors: Any, grad_x: Any, grad_factors: Any) -> None:
    batch, height, width, channels = x.shape
    for b in range(batch):
        for p in range(height):
            for q in range(width):
                for c in range(channels):
                    g = grad_y[b, p, q, c]
                    grad_x[b, p, q, c] = g * factors[b, c]
                    grad_factors[b, c] += g * x[b, p, q, c]
