"""Pooling over windows and over whole images (NHWC)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.shapes import Windows

__all__ = [
    "avgpool2d",
    "avgpool2d_backward",
    "global_avgpool",
    "global_avgpool_backward",
    "maxpool2d",
    "maxpool2d_backward",
    "maxpool2d_take",
]


def avgpool2d(x: NDArray[Any], size: int, stride: int) -> NDArray[Any]:
    """Return the mean of each ``size x size`` window; no padding.

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    size, stride : int

    Raises
    ------
    TypeError, ValueError
        If `x` is not float, not 4-dimensional or smaller than the window.
    """
    x, windows = checks.pool_arguments(x, size, stride)
    total = sum(windows.window(x, i, j) for i in range(size) for j in range(size))
    return np.asarray(total / x.dtype.type(size * size))


def avgpool2d_backward(
    grad_y: NDArray[Any], x: NDArray[Any], size: int, stride: int
) -> NDArray[Any]:
    """Return the gradient of `avgpool2d`: each window spreads its gradient evenly."""
    x, windows = checks.pool_arguments(x, size, stride)
    grad_y = checks.layer_gradient(grad_y, windows.over(x.shape), x)
    grad_x = np.zeros_like(x)
    share = grad_y / x.dtype.type(size * size)
    for i in range(size):
        for j in range(size):
            target = windows.window(grad_x, i, j)
            target += share
    return grad_x


def maxpool2d(x: NDArray[Any], size: int, stride: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the maximum of each ``size x size`` window and where it is; no padding.

    Returns
    -------
    (ndarray, ndarray of int64)
        The maxima, and for each the index ``i size + j`` of the first tap that attains it [S5.2].
    """
    x, windows = checks.pool_arguments(x, size, stride)
    stacked = _taps(x, windows, size)
    where = stacked.argmax(axis=0)
    return np.take_along_axis(stacked, where[None], axis=0)[0], where


def maxpool2d_take(
    x: NDArray[Any], where: NDArray[np.int64], size: int, stride: int
) -> NDArray[Any]:
    """Return the element of each window that `where` points to: the tangent of `maxpool2d`."""
    x, windows = checks.pool_arguments(x, size, stride)
    stacked = _taps(x, windows, size)
    where = _taken(where, windows.over(x.shape), size)
    return np.take_along_axis(stacked, where[None], axis=0)[0]


def maxpool2d_backward(
    grad_y: NDArray[Any], where: NDArray[np.int64], x: NDArray[Any], size: int, stride: int
) -> NDArray[Any]:
    """Return the gradient of `maxpool2d`: all of it goes to the first maximum [S5.2]."""
    x, windows = checks.pool_arguments(x, size, stride)
    grad_y = checks.layer_gradient(grad_y, windows.over(x.shape), x)
    where = _taken(where, grad_y.shape, size)
    grad_x = np.zeros_like(x)
    for i in range(size):
        for j in range(size):
            target = windows.window(grad_x, i, j)
            target += np.where(where == i * size + j, grad_y, x.dtype.type(0))
    return grad_x


def global_avgpool(x: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over all positions, (batch, channels)."""
    x, _ = checks.pool_arguments(x, 1, 1)
    return np.asarray(x.mean(axis=(1, 2)))


def global_avgpool_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient of `global_avgpool`."""
    x, _ = checks.pool_arguments(x, 1, 1)
    grad_y = checks.layer_gradient(grad_y, (x.shape[0], x.shape[3]), x)
    share = grad_y / x.dtype.type(x.shape[1] * x.shape[2])
    return np.ascontiguousarray(np.broadcast_to(share[:, None, None], x.shape))


def _taken(where: object, shape: tuple[int, ...], size: int) -> NDArray[np.int64]:
    taps = checks.integer_array("where", where, 0, size * size - 1).astype(np.int64)
    checks.same_shape("where", taps.shape, shape)
    return taps


def _taps(x: NDArray[Any], windows: Windows, size: int) -> NDArray[Any]:
    return np.stack([windows.window(x, i, j) for i in range(size) for j in range(size)])
