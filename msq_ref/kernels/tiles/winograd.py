"""Convolutions of 3 x 3 filters at stride 1 by Winograd's algorithm [S11.1].

A *patch* is the 4 x 4 input of 2 x 2 results. Rows of patches are taken a few at a time, so that
their transforms stay in the cache from step to step: transform the patches, multiply each of
their 16 places by a matrix of its own (channels, outputs), transform back.

The error of a result is relative to the largest values of its patch, not only to those it is made
of; in the 2-norm, for random values, it is that of the direct way: 2e-7 in float32.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from msq_ref.kernels.tiles.lines import (
    aligned,
    all_finite,
    copy_image,
    fetch_to_read,
    fetch_to_write,
    whole,
    zeros,
)
from msq_ref.kernels.tiles.transforms import (
    transform_filter,
    transform_input,
    transform_output,
)
from msq_ref.kernels.tiles.vectors import lanes, multiply

__all__ = ["correlate", "transform_filters", "transform_row"]


@njit(cache=True, nogil=True)
def transform_filters(w: Any, out: Any) -> None:
    """Set ``out = G w G'``, (4, 4, channels, outputs), of w (3, 3, channels, outputs)."""
    size = w.shape[2] * w.shape[3]
    for at in range(0, size, lanes(w)):
        transform_filter(out, w, (at, at), (4 * size, size, 3 * size, size))


@njit(cache=True, nogil=True)
def correlate(tile: Any, x: Any, filters: Any, y: Any, padding: int, first: int, last: int) -> bool:
    """Correlate images first to last - 1 with filters; tell whether all results are finite.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`.
    x : ndarray, (batch, height, width, channels)
    filters : ndarray, (4, 4, channels, padded outputs)
        From `transform_filters`; the outputs filled up with 0 to whole blocks.
    y : ndarray, (batch, rows, columns, outputs)
        Set to the results.
    padding : 0, 1 or 2

    Notes
    -----
    Where an input is not finite or a transform overflows, no result of its patch can be trusted,
    and at least one of them is not finite.
    """
    channels, padded = filters.shape[2:]
    rows, columns, outputs = y.shape[1:]
    block, height = lanes(x), len(tile) or 1
    down, across = (rows + 1) // 2, (columns + 1) // 2
    lined, group = whole(channels, block), max(1, 16 // across)
    places = whole(group * across, height) + 1
    image = zeros(x, (2 * down + 2) * (2 * across + 2) * lined)
    image = image.reshape(2 * down + 2, 2 * across + 2, lined)
    patches = aligned(x, 16 * places * lined).reshape(16, places, lined)
    products = aligned(x, 16 * places * padded).reshape(16, places, padded)
    corner = aligned(x, 4 * block).reshape(2, 2, block)
    flat, finite = y.reshape(-1), True
    # The next image is fetched while one is multiplied, a share with each tile.
    tiles = 16 * (padded // block) * (places // height)
    read = whole(group * x[0].size // down // tiles, block)
    written = whole(group * y[0].size // down // tiles, block)
    for start in range(first * down, last * down, group):
        stop = min(start + group, last * down)
        for row in range(start, stop):
            if row % down == 0:
                copy_image(x[row // down], image, padding, padding)
            transform_row(image, row % down, patches, (row - start) * across)
        next_read = (start + down) * (x[0].size // down)
        next_written = start * (y[0].size // down)
        for place in range(16):
            for k in range(0, padded, block):
                for p in range(0, (stop - start) * across, height):
                    fetch_to_read(x, next_read, read)
                    fetch_to_write(y, next_written, written)
                    next_read, next_written = next_read + read, next_written + written
                    multiply(
                        tile, products, patches, filters,
                        ((place * places + p) * padded + k, (place * places + p) * lined,
                         place * channels * padded + k),
                        (1, 1, channels), (0, 0, 1), (0, 0, padded), (padded, lined),
                    )  # fmt: skip
        for row in range(start, stop):
            _transform_back(products, (row - start) * across, y, row // down, row % down, corner)
            top = row // down * rows + row % down * 2
            bottom = min(top + 2, (row // down + 1) * rows)
            finite &= all_finite(flat[top * columns * outputs : bottom * columns * outputs])
    return finite


@njit(cache=True, nogil=True)
def transform_row(image: Any, row: int, patches: Any, at: int) -> None:
    """Transform a row of patches of an image, (16, patches, channels), from place `at` on."""
    line, lined = image.shape[1:]
    size = patches.shape[1] * lined
    for p in range(line // 2 - 1):
        for c in range(0, lined, lanes(image)):
            transform_input(
                patches, image, ((at + p) * lined + c, (2 * row * line + 2 * p) * lined + c),
                (4 * size, size, line * lined, lined),
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _transform_back(products: Any, at: int, y: Any, b: int, row: int, corner: Any) -> None:
    """Turn a row of products into two rows of results."""
    rows, columns, outputs = y.shape[1:]
    size, padded = products.shape[1] * products.shape[2], products.shape[2]
    block = lanes(y)
    for p in range((columns + 1) // 2):
        inside = 2 * row + 1 < rows and 2 * p + 1 < columns
        to = ((b * rows + 2 * row) * columns + 2 * p) * outputs
        for k in range(0, padded, block):
            source = (at + p) * padded + k
            if inside and k + block <= outputs:
                transform_output(
                    y, products, (to + k, source), (columns * outputs, outputs, 4 * size, size)
                )
                continue
            transform_output(corner, products, (0, source), (2 * block, block, 4 * size, size))
            for i in range(min(2, rows - 2 * row)):
                for j in range(min(2, columns - 2 * p)):
                    for c in range(min(block, outputs - k)):
                        y[b, 2 * row + i, 2 * p + j, k + c] = corner[i, j, c]
