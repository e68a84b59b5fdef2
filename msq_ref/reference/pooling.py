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


def maxpool2d(
    x: NDArray[Any], size: int, stride: int, padding: int = 0
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the maximum of each ``size x size`` window and where it is.

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    size, stride : int
    padding : int
        Rows and columns around the image, at most half the window. They never win: the maximum
        is over what a window has of the image.

    Returns
    -------
    (ndarray, ndarray of int64)
        The maxima, and for each the index ``i size + j`` of the first tap of the image that
        attains it [S5.2]. A window with NaN in it gives NaN, the first.

    Raises
    ------
    TypeError, ValueError
        As `avgpool2d`; also if the padding is out of range.
    """
    x, windows = checks.pool_arguments(x, size, stride, padding)
    stacked = _taps(_pad(x, padding, -np.inf), windows, size)
    inside = _taps(_pad(np.ones_like(x, bool), padding, False), windows, size)
    y = stacked.max(axis=0)
    where = (inside & ((stacked == y) | np.isnan(stacked))).argmax(axis=0)
    return y, where


def maxpool2d_take(
    x: NDArray[Any], where: NDArray[np.int64], size: int, stride: int, padding: int = 0
) -> NDArray[Any]:
    """Return the element of each window that `where` points to: the tangent of `maxpool2d`.

    Padding counts as 0.
    """
    x, windows = checks.pool_arguments(x, size, stride, padding)
    stacked = _taps(_pad(x, padding, 0), windows, size)
    where = _taken(where, windows.over(x.shape), size)
    return np.take_along_axis(stacked, where[None], axis=0)[0]


def maxpool2d_backward(
    grad_y: NDArray[Any],
    where: NDArray[np.int64],
    x: NDArray[Any],
    size: int,
    stride: int,
    padding: int = 0,
) -> NDArray[Any]:
    """Return the gradient of `maxpool2d`: all of it goes to the first maximum [S5.2]."""
    x, windows = checks.pool_arguments(x, size, stride, padding)
    grad_y = checks.layer_gradient(grad_y, windows.over(x.shape), x)
    where = _taken(where, grad_y.shape, size)
    grad_padded = _pad(np.zeros_like(x), padding, 0)
    for i in range(size):
        for j in range(size):
            target = windows.window(grad_padded, i, j)
            target += np.where(where == i * size + j, grad_y, x.dtype.type(0))
    height, width = x.shape[1:3]
    inner = grad_padded[:, padding : padding + height, padding : padding + width]
    return np.ascontiguousarray(inner)


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


def _pad(x: NDArray[Any], padding: int, value: float) -> NDArray[Any]:
    around = (padding, padding)
    return np.pad(x, ((0, 0), around, around, (0, 0)), constant_values=value)


def _taken(where: object, shape: tuple[int, ...], size: int) -> NDArray[np.int64]:
    taps = checks.integer_array("where", where, 0, size * size - 1).astype(np.int64)
    checks.same_shape("where", taps.shape, shape)
    return taps


def _taps(x: NDArray[Any], windows: Windows, size: int) -> NDArray[Any]:
    return np.stack([windows.window(x, i, j) for i in range(size) for j in range(size)])
