"""Twins of `msq_ref.reference.rectified`: no pass over memory for the activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.batchnorm import normalized, normalized_backward
from msq_ref.kernels.joined import HARD_SWISH, RELU
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.memory import empty
from msq_ref.reference.batchnorm import EPS, BatchStatistics

__all__ = [
    "add",
    "add_relu",
    "batchnorm_hard_swish_train",
    "batchnorm_hard_swish_train_backward",
    "batchnorm_relu_train",
    "batchnorm_relu_train_backward",
]

PART = 2**16
"""Values of a part: some 20 microseconds."""


def add(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.add`, bit-identical [S11.1]."""
    return _added(_add, a, b)


def add_relu(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.add_relu`, bit-identical [S11.1]."""
    return _added(_add_relu, a, b)


def batchnorm_relu_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Twin of `msq_ref.reference.batchnorm_relu_train`, within its class [S11.1]."""
    return normalized(RELU, x, gamma, beta, eps)


def batchnorm_relu_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_relu_train_backward`, within its class [S11.1]."""
    return normalized_backward(RELU, grad_y, x, gamma, beta, statistics, eps)


def batchnorm_hard_swish_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Twin of `msq_ref.reference.batchnorm_hard_swish_train`, within its class [S11.1]."""
    return normalized(HARD_SWISH, x, gamma, beta, eps)


def batchnorm_hard_swish_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_hard_swish_train_backward`, within its class [S11.1]."""
    return normalized_backward(HARD_SWISH, grad_y, x, gamma, beta, statistics, eps)


def _added(kernel: Callable[..., None], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    a, b = checks.alike_arrays(a=a, b=b)
    out = empty(a.shape, a.dtype)
    flat, parts = [array.reshape(-1) for array in (a, b, out)], cut(a.size, PART)
    run_parts(lambda part: kernel(*parts[part], *flat), len(parts))
    return out


@njit(cache=True, nogil=True)
def _add(first: int, last: int, a: Any, b: Any, out: Any) -> None:
    one, other, result = a[first:last], b[first:last], out[first:last]
    for i in range(result.size):
        result[i] = one[i] + other[i]


@njit(cache=True, nogil=True)
def _add_relu(first: int, last: int, a: Any, b: Any, out: Any) -> None:
    one, other, result, zero = a[first:last], b[first:last], out[first:last], a.dtype.type(0)
    for i in range(result.size):
        total = one[i] + other[i]
        result[i] = zero if total <= 0 else total  # NaN stays
