"""The shortcut without parameters of ResNets for small images: subsampling and new channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["pad_shortcut", "pad_shortcut_backward"]


def pad_shortcut(x: NDArray[Any], stride: int, channels: int) -> NDArray[Any]:
    """Keep every `stride`-th row and column, and put channels of zeros on both sides.

    ``y[b, p, q, c] = x[b, p s, q s, c - before]`` where that channel exists, else 0, with
    ``before = (channels - x.shape[3]) // 2``: option A of He et al. (2016, section 4.2).

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels of x)
    stride : int
    channels : int
        Of the result, not fewer than those of `x`.

    Returns
    -------
    ndarray, (batch, ceil(height / stride), ceil(width / stride), channels)

    Raises
    ------
    TypeError, ValueError
        If `x` is not float or not 4-dimensional, or a size is out of range.
    """
    x, windows = checks.pool_arguments(x, 1, stride)
    return np.pad(windows.window(x, 0, 0), _around(x, channels))


def pad_shortcut_backward(
    grad_y: NDArray[Any], x: NDArray[Any], stride: int, channels: int
) -> NDArray[Any]:
    """Return the gradient of `pad_shortcut`: what was kept gets its own, the rest 0."""
    x, windows = checks.pool_arguments(x, 1, stride)
    before = _around(x, channels)[3][0]
    grad_y = checks.layer_gradient(grad_y, (*windows.over(x.shape)[:3], channels), x)
    grad_x = np.zeros_like(x)
    kept = windows.window(grad_x, 0, 0)
    kept[...] = grad_y[..., before : before + x.shape[3]]
    return grad_x


def _around(x: NDArray[Any], channels: int) -> list[tuple[int, int]]:
    new = checks.integer("channels", channels, x.shape[3]) - x.shape[3]
    return [(0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)]
