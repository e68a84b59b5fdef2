"""Gradients of 3 x 3 filters at stride 1 by Winograd's algorithm [S11.1].

``dL/dg = G' [sum over patches (B' d B) * (A dL/dy A')] G``: each of the 16 places sums its own
products of a patch (channels) with a gradient (outputs).
"""

from __future__ import annotations

from typing import Any

from numba import njit

from msq_ref.kernels.tiles.lines import aligned, copy_image, fetch_to_read, whole, zeros
from msq_ref.kernels.tiles.transforms import transform_filter_gradient, transform_output_gradient
from msq_ref.kernels.tiles.vectors import lanes, multiply_add
from msq_ref.kernels.tiles.winograd import transform_row

__all__ = ["filter_gradient"]

SCRATCH = 1 << 18
"""Bytes for the transforms of the patches taken at a time: half a second-level cache."""


@njit(cache=True, nogil=True)
def filter_gradient(
    tile: Any, x: Any, grad_y: Any, grad_w: Any, padding: int, first: int, last: int
) -> None:
    """Set `grad_w` to the sum over images first to last - 1.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`.
    x, grad_y : ndarray, NHWC
    grad_w : ndarray, (3, 3, channels, outputs)
    padding : 0, 1 or 2
    """
    rows, columns, outputs = grad_y.shape[1:]
    channels = x.shape[3]
    block, height = lanes(x), len(tile) or 1
    down, across = (rows + 1) // 2, (columns + 1) // 2
    lined, padded = whole(channels, max(block, height)), whole(outputs, block)
    group = max(1, SCRATCH // (16 * across * (lined + padded) * x.itemsize))
    group = min(group, (last - first) * down)
    image = zeros(x, (2 * down + 2) * (2 * across + 2) * lined)
    image = image.reshape(2 * down + 2, 2 * across + 2, lined)
    grads = zeros(x, 4 * down * across * padded).reshape(2 * down, 2 * across, padded)
    places = group * across | 1  # the 16 places of a patch in different sets of the cache
    patches = aligned(x, 16 * places * lined).reshape(16, places, lined)
    turned = aligned(x, 16 * places * padded).reshape(16, places, padded)
    sums = zeros(x, 16 * lined * padded).reshape(16, lined, padded)
    # The next images are fetched while some are multiplied, a share with each tile.
    tiles = 16 * (lined // height) * (padded // block)
    share_x = whole(group * x[0].size // down // tiles, block)
    share_y = whole(group * grad_y[0].size // down // tiles, block)
    for start in range(first * down, last * down, group):
        stop = min(start + group, last * down)
        for row in range(start, stop):
            if row % down == 0:
                copy_image(x[row // down], image, padding, padding)
                copy_image(grad_y[row // down], grads, 0, 0)
            transform_row(image, row % down, patches, (row - start) * across)
            _transform_gradients(grads, row % down, turned, (row - start) * across)
        next_x = (start + max(group, down)) * (x[0].size // down)
        next_y = (start + max(group, down)) * (grad_y[0].size // down)
        for place in range(16):
            for c in range(0, lined, height):
                for k in range(0, padded, block):
                    fetch_to_read(x, next_x, share_x)
                    fetch_to_read(grad_y, next_y, share_y)
                    next_x, next_y = next_x + share_x, next_y + share_y
                    multiply_add(
                        tile, sums, patches, turned,
                        ((place * lined + c) * padded + k, place * places * lined + c,
                         place * places * padded + k),
                        (1, 1, (stop - start) * across), (0, 0, lined), (0, 0, padded),
                        (padded, 1),
                    )  # fmt: skip
    _transform_back(sums, grad_w)


@njit(cache=True, nogil=True)
def _transform_gradients(grads: Any, row: int, turned: Any, at: int) -> None:
    """Transform a row of 2 x 2 gradients, (16, patches, outputs), from place `at` on."""
    line, padded = grads.shape[1:]
    size = turned.shape[1] * padded
    for p in range(line // 2):
        for k in range(0, padded, lanes(grads)):
            transform_output_gradient(
                turned, grads, ((at + p) * padded + k, (2 * row * line + 2 * p) * padded + k),
                (4 * size, size, line * padded, padded),
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _transform_back(sums: Any, grad_w: Any) -> None:
    """Turn sums of the 16 places into the gradient of the filters."""
    channels, outputs = grad_w.shape[2:]
    lined, padded = sums.shape[1:]
    size = lined * padded
    filters = aligned(sums, 9 * padded)
    for c in range(channels):
        for k in range(0, padded, lanes(sums)):
            transform_filter_gradient(
                filters, sums, (k, c * padded + k), (3 * padded, padded, 4 * size, size)
            )
        for tap in range(9):
            for k in range(outputs):
                grad_w[tap // 3, tap % 3, c, k] = filters[tap * padded + k]
