"""Gradients of any filters, tap by tap [S11.1].

A tile is a number of channels by a block of outputs, and sums over images, rows and columns. The
channels of a row of taps lie side by side in an image, so a tile may span taps.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from msq_ref.kernels.tiles.lines import copy_blocks, copy_image, fetch_to_read, whole, zeros
from msq_ref.kernels.tiles.vectors import lanes, multiply_add

__all__ = ["filter_gradient"]

SCRATCH = 1 << 18
"""Bytes for images taken at a time: half a second-level cache."""


@njit(cache=True, nogil=True)
def filter_gradient(
    tile: Any, x: Any, grad_y: Any, grad_w: Any, stride: int, padding: int, first: int, last: int
) -> None:
    """Set `grad_w` to the sum over images first to last - 1.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`.
    x, grad_y : ndarray, NHWC
    grad_w : ndarray, (kernel height, kernel width, channels, outputs)
    stride, padding : int
    """
    height, channels = x.shape[1], x.shape[3]
    rows, columns, outputs = grad_y.shape[1:]
    down, across = grad_w.shape[:2]
    block, tall = lanes(x), len(tile) or 1
    blocks, depth = whole(outputs, block) // block, whole(across * channels, tall)
    line = ((columns - 1) * stride + across) * channels
    size, surface = ((rows - 1) * stride + down) * line, rows * columns * block
    images = max(1, min(last - first, SCRATCH // ((size + blocks * surface) * x.itemsize)))
    # The last tile of the last row reads past it.
    room = zeros(x, images * size + tall)
    grads = zeros(x, blocks * images * surface)
    sums = zeros(x, blocks * down * depth * block).reshape(blocks, down, depth, block)
    # The next images are fetched while some are multiplied, a share with each tile.
    tiles = blocks * down * (depth // tall)
    share_x = whole(images * x[0].size // tiles, block)
    share_y = whole(images * grad_y[0].size // tiles, block)
    for b in range(first, last, images):
        next_x, next_y = (b + images) * x[0].size, (b + images) * grad_y[0].size
        together = min(images, last - b)
        for n in range(together):
            image = room[n * size : (n + 1) * size]
            copy_image(
                x[b + n], image.reshape(size // line, line // channels, channels), padding, padding
            )
            surfaces = grads[n * blocks * surface : (n + 1) * blocks * surface]
            copy_blocks(grad_y[b + n], surfaces.reshape(blocks, rows, columns, block))
        for k in range(blocks):
            for i in range(down):
                # Positions whose tap i lies in the image.
                begin = max(0, -((i - padding) // stride))
                end = min(rows, -(-(height - i + padding) // stride))
                if begin >= end:
                    continue
                for c in range(0, depth, tall):
                    fetch_to_read(x, next_x, share_x)
                    fetch_to_read(grad_y, next_y, share_y)
                    next_x, next_y = next_x + share_x, next_y + share_y
                    multiply_add(
                        tile, sums, room, grads,
                        (((k * down + i) * depth + c) * block,
                         (begin * stride + i) * line + c,
                         k * surface + begin * columns * block),
                        (together, end - begin, columns),
                        (size, stride * line, stride * channels),
                        (blocks * surface, columns * block, block),
                        (block, 1),
                    )  # fmt: skip
    for i in range(down):
        for j in range(across):
            for c in range(channels):
                for k in range(outputs):
                    grad_w[i, j, c, k] = sums[k // block, i, j * channels + c, k % block]
