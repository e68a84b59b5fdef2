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

__all__ = ["gate", "gate_backward", "gate_factors_gradient", "gate_input_gradient"]

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


def gate_factors_gradient(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gate_factors_gradient`, within its class [S11.1]."""
    x, grad_y = checks.alike_images(x, grad_y)
    grad_factors = empty((len(x), x.shape[3]), x.dtype)
    _over_images(_sum_products, x, grad_y, grad_factors)
    return grad_factors


def gate_input_gradient(
    grad_y: NDArray[Any], factors: NDArray[Any], grad_means: NDArray[Any]
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gate_input_gradient`, equal to it [S11.1]."""
    grad_y, factors, grad_means = checks.excitation_gradients(grad_y, factors, grad_means)
    grad_x = empty(grad_y.shape, grad_y.dtype)
    share = grad_means / grad_y.dtype.type(grad_y.shape[1] * grad_y.shape[2])
    _over_images(_through_both, grad_y, factors, share, grad_x)
    return grad_x


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


@njit(cache=True, nogil=True)
def _sum_products(first: int, last: int, x: Any, grad_y: Any, grad_factors: Any) -> None:
    for b in range(first, last):
        total = grad_factors[b]
        total[:] = 0
        for p in range(x.shape[1]):
            seen, grad = x[b, p], grad_y[b, p]
            for c in range(seen.size):
                total[c] += grad[c] * seen[c]


@njit(cache=True, nogil=True)
def _through_both(
    first: int, last: int, grad_y: Any, factors: Any, share: Any, grad_x: Any
) -> None:
    for b in range(first, last):
        factor, rest = factors[b], share[b]
        for p in range(grad_y.shape[1]):
            grad, out = grad_y[b, p], grad_x[b, p]
            for c in range(out.size):
                out[c] = grad[c] * factor[c] + rest[c]
