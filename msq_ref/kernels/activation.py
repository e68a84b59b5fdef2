"""Twins of `msq_ref.reference.activation`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts

__all__ = ["relu", "relu_backward"]

PART = 2**16
"""Values of a part: some 20 microseconds."""


def relu(x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.relu`, bit-identical."""
    (x,) = checks.layer_arrays(x=x)
    y = empty(x.shape, x.dtype)
    flat, out, zero = x.reshape(-1), y.reshape(-1), x.dtype.type(0)
    parts = [slice(*part) for part in cut(x.size, PART)]
    run_parts(lambda i: np.maximum(flat[parts[i]], zero, out=out[parts[i]]), len(parts))
    return y


def relu_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.relu_backward`, bit-identical [S5.2]."""
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    grad_x = empty(x.shape, x.dtype)
    arrays = [array.reshape(-1) for array in (grad_y, x, grad_x)]
    parts = cut(x.size, PART)
    run_parts(lambda i: _relu_backward(*parts[i], *arrays), len(parts))
    return grad_x


@njit(cache=True, nogil=True)
def _relu_backward(first: int, last: int, grad: Any, x: Any, out: Any) -> None:
    start, zero = np.uintp(first), x.dtype.type(0)
    for i in range(last - first):
        at = start + np.uintp(i)
        out[at] = grad[at] if x[at] > 0 else zero
