"""Twins of `msq_ref.reference.batchnorm`: one pass over memory for each sum and each result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.channels import Channels, fold, repeated, sum_channels
from msq_ref.kernels.joined import NOTHING, Activation, activated, through
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
    return _scaled(NOTHING, x, mean, gamma * _inverse_deviation(variance, eps), beta)


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
    inverse, zero = _inverse_deviation(variance, eps), np.zeros_like(gamma)
    grad_gamma, grad_beta = _parameter_gradients(NOTHING, grad_y, x, mean, inverse, zero, zero)
    return _scaled(NOTHING, grad_y, zero, gamma * inverse, zero), grad_gamma, grad_beta


def batchnorm_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Twin of `msq_ref.reference.batchnorm_train`, within its class [S11.1]."""
    return normalized(NOTHING, x, gamma, beta, eps)


def batchnorm_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.batchnorm_train_backward`, within its class [S11.1]."""
    return normalized_backward(NOTHING, grad_y, x, gamma, gamma, statistics, eps)


def normalized(
    kind: Activation, x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float
) -> tuple[NDArray[Any], BatchStatistics]:
    """Return an activation of what `batchnorm_train` returns, and the statistics: two passes."""
    x, gamma, beta = checks.channel_arrays(x, gamma=gamma, beta=beta)
    statistics = _batch_statistics(x)
    scale = gamma * _inverse_deviation(statistics.variance, eps)
    return _scaled(kind, x, statistics.mean, scale, beta), statistics


def normalized_backward(
    kind: Activation,
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `normalized` with respect to x, gamma and beta: two passes.

    What the activation was of is computed again in both, rather than kept; where there is no
    activation `beta` is not looked at.
    """
    x, gamma, beta, mean, variance = checks.channel_arrays(
        x, gamma=gamma, beta=beta, mean=statistics.mean, variance=statistics.variance
    )
    checks.some_values(x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = _inverse_deviation(variance, eps)
    scale, count = gamma * inverse, x.dtype.type(statistics.size)
    grads = _parameter_gradients(kind, grad_y, x, mean, inverse, scale, beta)
    grad_gamma, grad_beta = grads
    layout, grad_x = Channels(x.size, x.shape[-1]), empty(x.shape, x.dtype)
    layout.run(
        _centred, kind, grad_y.reshape(-1), x.reshape(-1), mean, scale, beta,
        grad_beta / count, inverse * (grad_gamma / count), grad_x.reshape(-1),
    )  # fmt: skip
    return grad_x, grad_gamma, grad_beta


def _batch_statistics(x: NDArray[Any]) -> BatchStatistics:
    """Return mean and biased variance of each channel, summed in float64, in one pass over memory.

    A part takes the squares around means of its own while it is in a cache. They are put together
    as by Chan, Golub and LeVeque (1979): ``sum_p (squares_p + n_p (mean_p - mean)^2)``.
    """
    checks.some_values(x)
    channels = x.shape[-1]
    layout = Channels(x.size, channels)
    partial = layout.partial(_sums_and_squares, 2, x.reshape(-1))
    mean, variance = np.empty((2, channels), x.dtype)
    _put_together(partial, layout.ranges(), x.size // channels, mean, variance)
    return BatchStatistics(mean, variance, x.size // channels)


def _inverse_deviation(variance: NDArray[Any], eps: float) -> NDArray[Any]:
    """Return ``1 / sqrt(variance + eps)``."""
    eps = checks.real("eps", eps, 0)
    return np.asarray(1 / np.sqrt(variance + variance.dtype.type(eps)))


def _scaled(
    kind: Activation, x: NDArray[Any], mean: NDArray[Any], scale: NDArray[Any],
    shift: NDArray[Any],
) -> NDArray[Any]:  # fmt: skip
    """Return the activation of ``(x - mean) scale + shift``."""
    y = empty(x.shape, x.dtype)
    layout = Channels(x.size, x.shape[-1])
    layout.run(_scale, kind, x.reshape(-1), mean, scale, shift, y.reshape(-1))
    return y


def _parameter_gradients(
    kind: Activation, grad: NDArray[Any], x: NDArray[Any], mean: NDArray[Any],
    inverse: NDArray[Any], scale: NDArray[Any], shift: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any]]:  # fmt: skip
    """Return dL/dgamma and dL/dbeta."""
    layout, arrays = Channels(x.size, x.shape[-1]), (grad.reshape(-1), x.reshape(-1))
    total, products = layout.total(_products, 2, kind, *arrays, mean, scale, shift)
    return (products * inverse).astype(x.dtype), total.astype(x.dtype)


@njit(cache=True, nogil=True)
def _sums_and_squares(first: int, last: int, lanes: int, x: Any, sums: Any) -> None:
    """Set sums of a part, a lane each, and of the squares around the lane's own mean."""
    sum_channels(first, last, lanes, x, sums)
    total, squares = sums[0], sums[1]
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
def _put_together(partial: Any, ranges: Any, count: int, mean: Any, variance: Any) -> None:
    """Set mean and variance to those of all lanes of all parts."""
    lanes, channels = partial.shape[2], mean.size
    total = partial[0, 0].copy()
    for part in range(1, len(partial)):
        total += partial[part, 0]
    wide = np.empty(channels)
    fold(total, wide)
    total[:] = 0
    for c in range(channels):
        wide[c] /= count
    for part in range(len(partial)):
        length = ranges[part, 1] - ranges[part, 0]
        for start in range(0, lanes, channels):
            for c in range(channels):
                lane = start + c
                values = (length - lane + lanes - 1) // lanes
                apart = partial[part, 0, lane] / max(values, 1) - wide[c]
                total[lane] += partial[part, 1, lane] + values * (apart * apart)
    mean[:] = wide
    fold(total, wide)
    for c in range(channels):
        variance[c] = wide[c] / count


@njit(cache=True, nogil=True, error_model="numpy")
def _products(
    first: int, last: int, lanes: int, kind: Any, grad: Any, x: Any, mean: Any, scale: Any,
    shift: Any, sums: Any,
) -> None:  # fmt: skip
    number = x.dtype.type
    constants = number(0), number(3), number(6)
    mean, scale, shift = repeated(mean, lanes), repeated(scale, lanes), repeated(shift, lanes)
    total, products = sums[0], sums[1]
    sums[:] = 0
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            centred = x[at + k] - mean[k]
            g = through(kind, grad[at + k], centred * scale[k] + shift[k], *constants)
            total[k] += g
            products[k] += np.float64(g) * centred


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(
    first: int, last: int, lanes: int, kind: Any, x: Any, mean: Any, scale: Any, shift: Any, y: Any
) -> None:
    number = x.dtype.type
    constants = number(0), number(3), number(6)
    mean, scale, shift = repeated(mean, lanes), repeated(scale, lanes), repeated(shift, lanes)
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            y[at + k] = activated(kind, (x[at + k] - mean[k]) * scale[k] + shift[k], *constants)


@njit(cache=True, nogil=True, error_model="numpy")
def _centred(
    first: int, last: int, lanes: int, kind: Any, grad: Any, x: Any, mean: Any, scale: Any,
    shift: Any, grad_mean: Any, along: Any, out: Any,
) -> None:  # fmt: skip
    number = x.dtype.type
    constants = number(0), number(3), number(6)
    mean, scale, shift = repeated(mean, lanes), repeated(scale, lanes), repeated(shift, lanes)
    grad_mean, along = repeated(grad_mean, lanes), repeated(along, lanes)
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            centred = x[at + k] - mean[k]
            g = through(kind, grad[at + k], centred * scale[k] + shift[k], *constants)
            out[at + k] = (g - grad_mean[k] - centred * along[k]) * scale[k]
