"""Twins of `msq_ref.reference.excitation`: one pass over the images each; parts are images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts

__all__ = ["gate", "gate_backward"]

PART = 2**18
"""Values of a part: some 70 microseconds; waking a thread may cost as much."""


def gate(x: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gate`, equal to it [S11.1]."""
    x, factors = checks.gate_arguments(x, factors)
    y = empty(x.shape, x.dtype)
    _over_images(_forward, x, factors, y)
    return y


def gate_backward(
    grad_y: NDArray[Any], x: NDArray[Any], factors: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.gate_backward`, within its class [S11.1]."""
    x, factors = checks.gate_arguments(x, factors)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    grad_x, grad_factors = empty(x.shape, x.dtype), empty(factors.shape, x.dtype)
    _over_images(_backward, x, grad_y, factors, grad_x, grad_factors)
    return grad_x, grad_factors


def _over_images(kernel: Callable[..., None], x: NDArray[Any], *others: NDArray[Any]) -> None:
    images = cut(len(x), -(-PART // max(1, x[:1].size)))
    # Positions in one axis, and all in one order in memory: one compiled form serves.
    arrays = [_positions(np.ascontiguousarray(array)) for array in (x, *others)]
    run_parts(lambda part: kernel(*images[part], *arrays), len(images))


def _positions(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 2:
        return array
    batch, height, width, channels = array.shape
    return array.reshape(batch, height * width, channels)


@njit(cache=True, nogil=True)
def _forward(first: int, last: int, x: Any, factors: Any, y: Any) -> None:
    for b in range(first, last):
        factor = factors[b]
        for p in range(x.shape[1]):
            seen, out = x[b, p], y[b, p]
            for c in range(seen.size):
                out[c] = seen[c] * factor[c]


@njit(cache=True, nogil=True)
def _backward(
    first: int, last: int, x: Any, grad_y: Any, factors: Any, grad_x: Any, grad_factors: Any
) -> None:
    for b in range(first, last):
        factor, total = factors[b], grad_factors[b]
        total[:] = 0
        for p in range(x.shape[1]):
            seen, grad, out = x[b, p], grad_y[b, p], grad_x[b, p]
            for c in range(seen.size):
                out[c] = grad[c] * factor[c]
                total[c] += grad[c] * seen[c]
