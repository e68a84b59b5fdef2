"""``y[b, p, q, m] = sum_{i, j, c} x[b, p s + i - pad, q s + j - pad, c] w[i, j, c, m]`` [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles import direct, support, winograd

__all__ = ["correlate_winograd", "forward"]


def forward(x: NDArray[Any], w: NDArray[Any], y: NDArray[Any], stride: int, padding: int) -> bool:
    """Set `y` to the convolution of `x` with `w`, one group, if tiles can.

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    w : ndarray, (kernel height, kernel width, channels, outputs)
    y : ndarray, (batch, rows, columns, outputs)
    stride, padding : int

    Returns
    -------
    bool
        False if the result has to be computed otherwise: shapes or strides do not suit, or a
        value is not finite, see `support.suits` and `winograd.correlate`.
    """
    if not support.suits(w, padding, x, y):
        return False
    if support.winograd(w, y, stride, padding):
        return correlate_winograd(x, w, y, padding)
    filters, tile, origin = support.blocks(w), support.tile(), (padding, padding)
    parts = support.image_parts(x.shape[0], w[..., 0].size * y[0].size)

    def work(part: int) -> None:
        direct.correlate(tile, x, filters, y, stride, origin, (0, 0), 1, *parts[part])

    run_parts(work, len(parts))
    return True


def correlate_winograd(x: NDArray[Any], w: NDArray[Any], y: NDArray[Any], padding: int) -> bool:
    """Set `y` to the convolution of `x` with 3 x 3 filters; tell whether it is finite."""
    block = 64 // w.itemsize
    outputs = -(-w.shape[3] // block) * block
    if outputs > w.shape[3]:
        padded = np.zeros((*w.shape[:3], outputs), w.dtype)
        padded[..., : w.shape[3]] = w
        w = padded
    filters = np.empty((4, 4, *w.shape[2:]), w.dtype)
    winograd.transform_filters(w, filters)
    tile, parts = support.tile(), support.image_parts(x.shape[0], w[..., 0].size * y[0].size)
    finite = [False] * len(parts)

    def work(part: int) -> None:
        finite[part] = winograd.correlate(tile, x, filters, y, padding, *parts[part])

    run_parts(work, len(parts))
    return all(finite)
