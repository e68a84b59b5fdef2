"""Rectification and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["relu", "relu_backward"]


def relu(x: NDArray[Any]) -> NDArray[Any]:
    """Return ``max(x, 0)``; float32 or float64, any shape."""
    (x,) = checks.layer_arrays(x=x)
    return np.asarray(np.maximum(x, x.dtype.type(0)))


def relu_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return ``grad_y`` where ``x > 0``, else 0: the derivative at 0 is 0 [S5.2]."""
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.where(x > 0, grad_y, x.dtype.type(0))
