"""Batch normalization over all axes but the last, and its derivatives [S11.1].

Sums over the batch are of many terms, and batch statistics amplify their rounding from layer to
layer: they are accumulated in float64 and rounded once to the dtype of `x`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = [
    "EPS",
    "BatchStatistics",
    "batchnorm",
    "batchnorm_backward",
    "batchnorm_train",
    "batchnorm_train_backward",
]

EPS = 1e-5
"""Added to the variance [S11.1]."""


class BatchStatistics(NamedTuple):
    """Mean and biased variance of each channel over a batch, and how many values they are of."""

    mean: NDArray[Any]
    variance: NDArray[Any]
    size: int


def batchnorm(
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    eps: float = EPS,
) -> NDArray[Any]:
    """Normalize with given statistics: ``gamma (x - mean) / sqrt(variance + eps) + beta``.

    Parameters
    ----------
    x : ndarray, float32 or float64, (..., channels)
    gamma, beta, mean, variance : ndarray, the dtype of `x`, (channels,)
    eps : float

    Returns
    -------
    ndarray, the shape of `x`

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit.

    Notes
    -----
    [S11.1], class ``tolerance``; inference mode.
    """
    x, gamma, beta, mean, variance = checks.channel_arrays(
        x, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    scale = gamma * _inverse(variance, eps)
    return np.asarray((x - mean) * scale + beta)


def batchnorm_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `batchnorm` with respect to `x`, `gamma` and `beta` [S11.1]."""
    x, gamma, mean, variance = checks.channel_arrays(x, gamma=gamma, mean=mean, variance=variance)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = _inverse(variance, eps)
    grad_gamma = _total(grad_y * ((x - mean) * inverse))
    return np.asarray(grad_y * (gamma * inverse)), grad_gamma, _total(grad_y)


def batchnorm_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Normalize with the statistics of the batch itself, and return them.

    Parameters are those of `batchnorm`.

    Notes
    -----
    [S11.1], class ``tolerance``: the biased variance normalizes.
    """
    x, gamma, beta = checks.channel_arrays(x, gamma=gamma, beta=beta)
    checks.some_values(x)
    over = tuple(range(x.ndim - 1))
    mean = x.mean(axis=over, dtype=np.float64)
    variance = np.square(x - mean).mean(axis=over).astype(x.dtype)
    mean = mean.astype(x.dtype)
    statistics = BatchStatistics(mean, variance, x.size // x.shape[-1])
    return batchnorm(x, gamma, beta, mean, variance, eps), statistics


def batchnorm_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `batchnorm_train`, through the statistics too.

    With ``h`` the normalized input: ``dL/dx = gamma / sqrt(variance + eps) *
    (g - mean(g) - h mean(g h))``.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, gamma, mean, variance = checks.channel_arrays(
        x, gamma=gamma, mean=statistics.mean, variance=statistics.variance
    )
    checks.some_values(x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    inverse = _inverse(variance, eps)
    normalized = (x - mean) * inverse
    grad_gamma, grad_beta = _total(grad_y * normalized), _total(grad_y)
    count = x.dtype.type(statistics.size)
    centred = grad_y - grad_beta / count - normalized * (grad_gamma / count)
    return np.asarray(centred * (gamma * inverse)), grad_gamma, grad_beta


def _total(values: NDArray[Any]) -> NDArray[Any]:
    over = tuple(range(values.ndim - 1))
    return np.asarray(values.sum(axis=over, dtype=np.float64).astype(values.dtype))


def _inverse(variance: NDArray[Any], eps: float) -> NDArray[Any]:
    eps = checks.real("eps", eps, 0)
    return np.asarray(1 / np.sqrt(variance + variance.dtype.type(eps)))
