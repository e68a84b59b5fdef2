"""Twins of `msq_ref.reference.batchnorm`: one pass over memory for each sum and each result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.channels import Channels, sum_channels
from msq_ref.kernels.memory import empty
from msq_ref.reference.batchnorm import EPS, BatchStatistics

__all__ = [
    "BatchStatistics",
    "batchnorm",
    "batchnorm_backward",
    "batchnorm_train",
    "batchnorm_train_backward",
]


def batchnorm(
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    eps: float = EPS,
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.batchnorm`, within its class [S11.1]."""
    x, gamma, beta, mean, variance = checks.channel_arrays(
        x, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    return scaled(x, mean, gamma * inverse_deviation(variance, eps), beta)


def batchnorm_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_backward`, within its class [S11.1]."""
    x, gamma, mean, variance = checks.channel_arrays(x, gamma=gamma, mean=mean, variance=variance)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = inverse_deviation(variance, eps)
    grad_beta, grad_gamma = _parameter_gradients(grad_y, x, mean, inverse)
    zero = np.zeros_like(gamma)
    return scaled(grad_y, zero, gamma * inverse, zero), grad_gamma, grad_beta


def batchnorm_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Twin of `msq_ref.reference.batchnorm_train`, within its class [S11.1]."""
    x, gamma, beta = checks.channel_arrays(x, gamma=gamma, beta=beta)
    statistics = batch_statistics(x)
    scale = gamma * inverse_deviation(statistics.variance, eps)
    return scaled(x, statistics.mean, scale, beta), statistics


def batchnorm_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_train_backward`, within its class [S11.1]."""
    x, gamma, mean, variance = checks.channel_arrays(
        x, gamma=gamma, mean=statistics.mean, variance=statistics.variance
    )
    checks.some_values(x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = inverse_deviation(variance, eps)
    grad_beta, grad_gamma = _parameter_gradients(grad_y, x, mean, inverse)
    count = x.dtype.type(statistics.size)
    along = inverse * (grad_gamma / count)
    layout, grad_x = _layout(x), empty(x.shape, x.dtype)
    layout.run(
        _centred, grad_y.reshape(-1), x.reshape(-1), layout.tiled(mean),
        layout.tiled(grad_beta / count), layout.tiled(along), layout.tiled(gamma * inverse),
        grad_x.reshape(-1),
    )  # fmt: skip
    return grad_x, grad_gamma, grad_beta


def batch_statistics(x: NDArray[Any]) -> BatchStatistics:
    """Return mean and biased variance of each channel, summed in float64, in one pass over memory.

    A part takes the squares around means of its own while it is in a cache. They are put together
    as by Chan, Golub and LeVeque (1979): ``sum_p (squares_p + n_p (mean_p - mean)^2)``.
    """
    checks.some_values(x)
    layout, channels = _layout(x), x.shape[-1]
    sums = layout.partial(_sums_and_squares, 2, x.reshape(-1))
    counts = layout.counts()
    count = x.size // channels
    mean = layout.by_channel(sums[:, 0]) / count
    with np.errstate(all="ignore"):  # infinities and NaN go their way, as in the definition
        apart = sums[:, 0] / np.maximum(counts, 1) - layout.tiled(mean)
        variance = layout.by_channel(sums[:, 1] + counts * apart**2) / count
    return BatchStatistics(mean.astype(x.dtype), variance.astype(x.dtype), count)


def inverse_deviation(variance: NDArray[Any], eps: float) -> NDArray[Any]:
    """Return ``1 / sqrt(variance + eps)``."""
    eps = checks.real("eps", eps, 0)
    return np.asarray(1 / np.sqrt(variance + variance.dtype.type(eps)))


def _layout(x: NDArray[Any]) -> Channels:
    return Channels(x.size, x.shape[-1])


def scaled(
    x: NDArray[Any],
    mean: NDArray[Any],
    scale: NDArray[Any],
    shift: NDArray[Any],
    kernel: Callable[..., None] | None = None,
) -> NDArray[Any]:
    """Return ``(x - mean) scale + shift``, or what another kernel makes of these, by channel."""
    layout, y = _layout(x), empty(x.shape, x.dtype)
    channels = [layout.tiled(values) for values in (mean, scale, shift)]
    layout.run(kernel or _scale, x.reshape(-1), *channels, y.reshape(-1))
    return y


def _parameter_gradients(
    grad: NDArray[Any], x: NDArray[Any], mean: NDArray[Any], inverse: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    layout = _layout(x)
    grad_beta, products = layout.total(
        _products, 2, grad.reshape(-1), x.reshape(-1), layout.tiled(mean)
    )
    return grad_beta.astype(x.dtype), (products * inverse).astype(x.dtype)


@njit(cache=True, nogil=True)
def _sums_and_squares(first: int, last: int, x: Any, sums: Any) -> None:
    """Set sums of a part, a lane each, and of the squares around the lane's own mean."""
    sum_channels(first, last, x, sums)
    total, squares = sums[0], sums[1]
    lanes = total.size
    mean = np.empty(lanes)
    for lane in range(lanes):
        mean[lane] = total[lane] / max(1, (last - first - lane + lanes - 1) // lanes)
    squares[:] = 0
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            difference = x[at + k] - mean[k]
            squares[k] += difference * difference


@njit(cache=True, nogil=True)
def _products(first: int, last: int, grad: Any, x: Any, mean: Any, sums: Any) -> None:
    total, products = sums[0], sums[1]
    sums[:] = 0
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            total[k] += grad[at + k]
            products[k] += np.float64(grad[at + k]) * (x[at + k] - mean[k])


@njit(cache=True, nogil=True)
def _scale(first: int, last: int, x: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            y[at + k] = (x[at + k] - mean[k]) * scale[k] + shift[k]


@njit(cache=True, nogil=True)
def _centred(
    first: int, last: int, grad: Any, x: Any, mean: Any, grad_mean: Any, along: Any, slope: Any,
    out: Any,
) -> None:  # fmt: skip
    for i in range(first, last, mean.size):
        at = np.uintp(i)
        for c in range(min(mean.size, last - i)):
            k = np.uintp(c)
            across = (x[at + k] - mean[k]) * along[k]
            out[at + k] = (grad[at + k] - grad_mean[k] - across) * slope[k]
