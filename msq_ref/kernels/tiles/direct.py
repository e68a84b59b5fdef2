"""Convolutions of any filters, tap by tap [S11.1].

A tile is a number of positions by a block of outputs, and sums over taps and channels. Its
positions lie along a row, or along the batch where rows are short. Taps above and below an image
are skipped; beside it they meet zeros.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from msq_ref.kernels.tiles.lines import (
    aligned,
    copy_image,
    fetch_to_read,
    fetch_to_write,
    whole,
    zeros,
)
from msq_ref.kernels.tiles.vectors import multiply

__all__ = ["correlate"]


@njit(cache=True, nogil=True)
def correlate(
    tile: Any, x: Any, filters: Any, y: Any, stride: int, origin: Any, phase: Any, step: int,
    first: int, last: int,
) -> None:  # fmt: skip
    """Correlate images first to last - 1 with filters.

    ``y[b, phase + step p] = sum_{i, c} x[b, stride p + i - origin, c] filters[i, c]``, for rows
    and columns alike.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`.
    x : ndarray, (batch, height, width, channels)
    filters : ndarray, (blocks, kernel height, kernel width, channels, outputs of a block)
    y : ndarray, (batch, rows, columns, outputs)
        Set to the results, at the positions named above.
    stride : int
        Distance of positions in x.
    origin : two int
        Row and column of the first tap before those of the position in x.
    phase : two int
        Row and column of the first position in y.
    step : int
        Distance of positions in y.
    """
    height, channels = x.shape[1], x.shape[3]
    blocks, down, across, _, block = filters.shape
    rows, columns = -(-(y.shape[1] - phase[0]) // step), -(-(y.shape[2] - phase[1]) // step)
    pixels = len(tile) or 1
    along_row = 4 * columns >= 3 * whole(columns, pixels)
    images, run = (1, pixels) if along_row else (pixels, 1)
    taps = across * channels
    line = (whole(columns, run) - 1) * stride * channels + taps
    size = ((rows - 1) * stride + down) * line
    room = zeros(x, images * size).reshape(images, size // line, line // channels, channels)
    next_pixel = stride * channels if along_row else size
    next_result = step * y.shape[3] if along_row else y[0].size
    flat, rest = y.reshape(-1), aligned(x, pixels * block)
    # The next images are fetched while some are multiplied, a share with each tile.
    tiles = blocks * rows * (whole(columns, run) // run)
    share_x = whole(images * x[0].size // tiles, block)
    share_y = whole(images * y[0].size // tiles, block)
    for b in range(first, last, images):
        next_x, next_y = (b + images) * x[0].size, (b + images) * y[0].size
        together = min(images, last - b)
        for n in range(together):
            copy_image(x[b + n], room[n], origin[0], origin[1])
        for k in range(blocks):
            outputs = min(block, y.shape[3] - k * block)
            for p in range(rows):
                # Taps that lie in the image.
                begin = max(0, origin[0] - p * stride)
                end = min(down, height + origin[0] - p * stride)
                for q in range(0, columns, run):
                    fetch_to_read(x, next_x, share_x)
                    fetch_to_write(y, next_y, share_y)
                    next_x, next_y = next_x + share_x, next_y + share_y
                    r, s = phase[0] + p * step, phase[1] + q * step
                    at = ((b * y.shape[1] + r) * y.shape[2] + s) * y.shape[3] + k * block
                    count = min(run, columns - q) if along_row else together
                    straight = count == pixels and outputs == block and begin < end
                    out, place, row = (flat, at, next_result) if straight else (rest, 0, block)
                    if begin < end:
                        multiply(
                            tile, out, room, filters,
                            (place, (p * stride + begin) * line + q * stride * channels,
                             (k * down + begin) * taps * block),
                            (1, end - begin, taps), (0, line, 1), (0, taps * block, block),
                            (row, next_pixel),
                        )  # fmt: skip
                    else:
                        rest[:] = 0
                    if not straight:
                        for n in range(count):
                            for c in range(outputs):
                                flat[at + n * next_result + c] = rest[n * block + c]
