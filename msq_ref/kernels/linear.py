"""Twin of `msq_ref.reference.linear`: products cut into parts by shape."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.products import gradient_product, product

__all__ = ["linear", "linear_backward"]


def linear(x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.linear`, within its class [S11.1]."""
    x, w = checks.layer_arrays(x=x, w=w)
    checks.product_shapes(x.shape, w.shape)
    y = empty((*x.shape[:-1], w.shape[1]), x.dtype)
    rows = math.prod(x.shape[:-1])
    product(x.reshape(rows, w.shape[0]), w, y.reshape(rows, w.shape[1]))
    return y


def linear_backward(
    grad_y: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.linear_backward`, within its class [S11.1]."""
    x, w = checks.layer_arrays(x=x, w=w)
    checks.product_shapes(x.shape, w.shape)
    grad_y = checks.layer_gradient(grad_y, (*x.shape[:-1], w.shape[1]), x)
    rows = math.prod(x.shape[:-1])
    grad = grad_y.reshape(rows, w.shape[1])
    grad_x, grad_w = empty(x.shape, x.dtype), empty(w.shape, x.dtype)
    product(grad, w.T, grad_x.reshape(rows, w.shape[0]))
    gradient_product(x.reshape(rows, w.shape[0]), grad, grad_w)
    return grad_x, grad_w
