"""Twins of `msq_ref.reference.rectified`: no pass over memory for the rectification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.batchnorm import batch_statistics, inverse_deviation, scaled
from msq_ref.kernels.channels import Channels
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.memory import empty
from msq_ref.reference.batchnorm import EPS, BatchStatistics

__all__ = ["add", "add_relu", "batchnorm_relu_train", "batchnorm_relu_train_backward"]

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
    x, gamma, beta = checks.channel_arrays(x, gamma=gamma, beta=beta)
    statistics = batch_statistics(x)
    scale = gamma * inverse_deviation(statistics.variance, eps)
    return scaled(x, statistics.mean, scale, beta, _scale_relu), statistics


def batchnorm_relu_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_relu_train_backward`, within its class [S11.1]."""
    x, gamma, beta, mean, variance = checks.channel_arrays(
        x, gamma=gamma, beta=beta, mean=statistics.mean, variance=statistics.variance
    )
    checks.some_values(x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = inverse_deviation(variance, eps)
    layout, grad_x = Channels(x.size, x.shape[-1]), empty(x.shape, x.dtype)
    arrays = grad_y.reshape(-1), x.reshape(-1)
    # What decides where the gradient passes: the output, computed anew.
    output = [layout.tiled(values) for values in (mean, gamma * inverse, beta)]
    sums = layout.total(_products_relu, 2, *arrays, *output)
    grad_beta, grad_gamma = sums[0].astype(x.dtype), (sums[1] * inverse).astype(x.dtype)
    count = x.dtype.type(statistics.size)
    along = inverse * (grad_gamma / count)
    means = layout.tiled(grad_beta / count), layout.tiled(along)
    layout.run(_centred_relu, *arrays, *output, *means, grad_x.reshape(-1))
    return grad_x, grad_gamma, grad_beta


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


@njit(cache=True, nogil=True)
def _scale_relu(first: int, last: int, x: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            value = (x[at + k] - mean[k]) * scale[k] + shift[k]
            y[at + k] = zero if value <= 0 else value


@njit(cache=True, nogil=True)
def _products_relu(
    first: int, last: int, grad: Any, x: Any, mean: Any, scale: Any, shift: Any, sums: Any
) -> None:
    total, products, zero = sums[0], sums[1], x.dtype.type(0)
    sums[:] = 0
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            centred = x[at + k] - mean[k]
            g = grad[at + k] if centred * scale[k] + shift[k] > 0 else zero
            total[k] += g
            products[k] += np.float64(g) * centred


@njit(cache=True, nogil=True)
def _centred_relu(
    first: int, last: int, grad: Any, x: Any, mean: Any, scale: Any, shift: Any, grad_mean: Any,
    along: Any, out: Any,
) -> None:  # fmt: skip
    zero = x.dtype.type(0)
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            centred = x[at + k] - mean[k]
            g = grad[at + k] if centred * scale[k] + shift[k] > 0 else zero
            out[at + k] = (g - grad_mean[k] - centred * along[k]) * scale[k]
