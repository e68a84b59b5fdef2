"""Scratch memory, and images copied to where tiles can read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from msq_ref.kernels.tiles.vectors import lanes, prefetch

__all__ = [
    "aligned",
    "all_finite",
    "copy_blocks",
    "copy_image",
    "fetch_to_read",
    "fetch_to_write",
    "pack",
    "whole",
    "zeros",
]


@njit(cache=True, nogil=True)
def aligned(like: Any, size: int) -> Any:
    """Return an array of any values, of the dtype of another, that starts a cache line."""
    room = np.empty(size + lanes(like), like.dtype)
    skip = -(room.ctypes.data // like.itemsize) % lanes(like)
    return room[skip : skip + size]


@njit(cache=True, nogil=True)
def zeros(like: Any, size: int) -> Any:
    """Return an `aligned` array of zeros."""
    room = aligned(like, size)
    room[:] = 0
    return room


@njit(cache=True, nogil=True)
def whole(size: int, unit: int) -> int:
    """Return a size rounded up to a multiple of a unit."""
    return -(-size // unit) * unit


@njit(cache=True, nogil=True)
def copy_image(image: Any, out: Any, top: int, left: int) -> None:
    """Copy what fits of an image into another, (height, width, channels), its corner at top, left.

    What is not covered stays as it is.
    """
    channels = image.shape[2]
    rows = min(image.shape[0], out.shape[0] - top)
    columns = min(image.shape[1], out.shape[1] - left)
    for r in range(max(0, -top), rows):
        for s in range(max(0, -left), columns):
            source, target = image[r, s], out[top + r, left + s]
            for c in range(channels):
                target[c] = source[c]


@njit(cache=True, nogil=True)
def copy_blocks(image: Any, out: Any) -> None:
    """Copy an image (height, width, channels) to (blocks, height, width, channels of a block)."""
    block = out.shape[3]
    for k in range(out.shape[0]):
        channels = min(block, image.shape[2] - k * block)
        for r in range(image.shape[0]):
            for s in range(image.shape[1]):
                source, target = image[r, s, k * block :], out[k, r, s]
                for c in range(channels):
                    target[c] = source[c]


@njit(cache=True, nogil=True)
def pack(w: Any, out: Any, begin: Any, step: int, back: bool) -> None:
    """Copy filters to (blocks, height, width, channels, outputs of a block), the rest 0.

    Parameters
    ----------
    w : ndarray, (height, width, channels, outputs)
    out : ndarray
        Set to the taps begin, begin + step, ... as far as it reaches.
    begin : two int
        Row and column of the first tap.
    step : int
    back : bool
        Whether the taps come in reverse order, and lead from outputs to channels.
    """
    blocks, height, width, channels, block = out.shape
    for k in range(blocks):
        outputs = min(block, w.shape[2 if back else 3] - k * block)
        for i in range(height):
            for j in range(width):
                r = begin[0] + step * (height - 1 - i if back else i)
                s = begin[1] + step * (width - 1 - j if back else j)
                taps = w[r, s]
                for c in range(channels):
                    target = out[k, i, j, c]
                    for m in range(outputs):
                        n = k * block + m
                        target[m] = taps[n, c] if back else taps[c, n]
                    target[outputs:] = 0


@njit(cache=True, nogil=True)
def all_finite(values: Any) -> bool:
    """Tell whether no value is an infinity or a NaN."""
    finite = 0
    for n in range(values.size):
        finite += values[n] - values[n] == 0
    return finite == values.size


@njit(cache=True, nogil=True)
def fetch_to_read(array: Any, start: int, count: int) -> None:
    """Ask for the cache lines of elements that will be read, while something else is done."""
    for n in range(start, start + count, lanes(array)):
        prefetch(array, n, ())


@njit(cache=True, nogil=True)
def fetch_to_write(array: Any, start: int, count: int) -> None:
    """Ask for the cache lines of elements that will be written."""
    for n in range(start, start + count, lanes(array)):
        prefetch(array, n, (None,))
