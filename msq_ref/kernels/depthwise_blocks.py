"""Depthwise convolution by rows of blocks, see `msq_ref.kernels.depthwise_tiles` [S11.1].

Images are taken in groups that a second-level cache holds, and each block of channels goes through
all images of a group, so that its taps stay in the first-level cache, or its sums in registers.
The last block of channels overlaps the one before it: the same values are computed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.depthwise_tiles import filter_gradient, filter_row
from msq_ref.kernels.memory import empty
from msq_ref.kernels.products import add_in_order
from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles import support
from msq_ref.kernels.tiles.lines import aligned
from msq_ref.kernels.tiles.vectors import BLOCK_BYTES, lanes

__all__ = ["forward", "input_gradient", "suits", "weight_gradient"]

TOGETHER = 2**16
"""Values of a group of images, about. Sums of a group each also lose less to rounding than one."""

SIDES, STRIDES = (3, 5), (1, 2)

Parts = list[tuple[int, int]]
Kind = tuple[tuple[None, ...], ...]


def suits(w: NDArray[Any], stride: int, padding: int) -> bool:
    """Tell whether filters (height, width, channels) can go by blocks on this processor."""
    return (
        len(support.tile()) > 0
        and set(w.shape[:2]) <= set(SIDES)
        and stride in STRIDES
        and padding < min(w.shape[:2])
        and w.shape[2] * w.itemsize >= BLOCK_BYTES
    )


def forward(
    x: NDArray[Any], w: NDArray[Any], y: NDArray[Any], stride: int, padding: int, parts: Parts
) -> None:
    """Set `y` to the convolution of `x` with filters (height, width, channels)."""
    if y.size:
        kind, taps = _kind(x, y.shape[2], w, stride, padding), _nones(*w.shape[:2])
        together, w = _together(x, y), np.ascontiguousarray(w).reshape(-1, w.shape[2])
        along = (y.shape[1], 0, padding), (y.shape[2], 0, padding)
        run_parts(
            lambda part: _filter(kind, taps, *parts[part], together, x, w, y, *along), len(parts)
        )


def input_gradient(
    grad_y: NDArray[Any], w: NDArray[Any], grad_x: NDArray[Any], stride: int, padding: int,
    parts: Parts,
) -> None:  # fmt: skip
    """Set `grad_x` to the gradient of `forward` with respect to `x`.

    With stride 1 that is a convolution itself, by filters turned by 180 degrees. With stride s it
    is one for every s-th row and column of `grad_x`, by every s-th row and column of taps.
    """
    if not grad_x.size:
        return
    parity = range(stride)
    sides = zip(w.shape, grad_x.shape[1:3], strict=False)
    along = [tuple(_phase(a, *side, stride, padding) for a in parity) for side in sides]
    turned = [w[a::stride, b::stride][::-1, ::-1] for a in parity for b in parity]
    taps = tuple(_nones(*filters.shape[:2]) for filters in turned)
    kinds = tuple(
        _kind(grad_y, count, turned[b], 1, before) for b, (count, _, before) in enumerate(along[1])
    )
    w = np.concatenate([filters.reshape(-1, w.shape[2]) for filters in turned])
    together = _together(grad_x, grad_y)
    if stride == 1:
        rows, columns = along[0][0], along[1][0]
        run_parts(
            lambda part: _filter(
                kinds[0], taps[0], *parts[part], together, grad_y, w, grad_x, rows, columns
            ),
            len(parts),
        )
    else:
        run_parts(
            lambda part: _filter_phases(
                kinds, taps, *parts[part], together, grad_y, w, grad_x, *along
            ),
            len(parts),
        )


def weight_gradient(
    grad_y: NDArray[Any], x: NDArray[Any], grad_w: NDArray[Any], stride: int, padding: int,
    parts: Parts,
) -> None:  # fmt: skip
    """Set `grad_w` to the gradient of `forward` with respect to `w`: a sum for each part."""
    block, channels = BLOCK_BYTES // grad_w.itemsize, grad_w.shape[2]
    blocks, sides = -(-channels // block), grad_w.shape[:2]
    kind = _gradient_kind(x, grad_y.shape[2], sides[1], stride, padding)
    taps, together = _nones(*sides), _together(x, grad_y)
    partial = empty((len(parts), blocks, *sides, block), grad_w.dtype)
    run_parts(
        lambda part: _products(
            kind, taps, *parts[part], together, grad_y, x, partial[part], padding
        ),
        len(parts),
    )
    total = partial[0]
    add_in_order(partial, total)
    for k in range(blocks):
        c = min(k * block, channels - block)
        grad_w[:, :, c : c + block] = total[k]


def _phase(a: int, side: int, length: int, stride: int, padding: int) -> tuple[int, int, int]:
    """Return what taps of remainder a along an axis reach: see `_filter_image`."""
    first = (a - padding) % stride
    taps = -(-(side - a) // stride)
    return -(-(length - first) // stride), first, taps - 1 - (first + padding - a) // stride


def _together(x: NDArray[Any], y: NDArray[Any]) -> int:
    return max(1, TOGETHER // max(1, x[:1].size + y[:1].size))


def _kind(x: NDArray[Any], columns: int, w: NDArray[Any], stride: int, left: int) -> Kind:
    """Return the kind of a tile: a whole row if it is short, where it lies in the image known."""
    most, taps = len(support.tile()), w.shape[1]
    if 0 < columns <= most and left >= 0:
        high = min(stride * (columns - 1) + taps, left + x.shape[2])
        return _nones(columns, stride, left, high)
    return _nones(2 ** (min(max(1, columns), most).bit_length() - 1), stride, 0, 0)


def _gradient_kind(x: NDArray[Any], columns: int, taps: int, stride: int, padding: int) -> Kind:
    if columns <= 4:
        high = min(stride * (columns - 1) + taps, padding + x.shape[2])
        return _nones(columns, stride, padding, high)
    outputs = next(count for count in (4, 2, 1) if columns % count == 0)
    return _nones(outputs, stride, 0, 0)


def _nones(*sizes: int) -> Kind:
    return tuple((None,) * size for size in sizes)


@njit(cache=True, nogil=True)
def _filter(
    kind: Any, taps: Any, first: int, last: int, together: int, x: Any, w: Any, y: Any,
    rows: Any, columns: Any,
) -> None:  # fmt: skip
    block = aligned(x, len(w) * lanes(x))
    for group in range(first, last, together):
        for start in range(0, x.shape[3], lanes(x)):
            c = min(start, x.shape[3] - lanes(x))
            _copy_taps(w, c, block)
            for b in range(group, min(last, group + together)):
                _filter_image(kind, taps, b, c, x, block, 0, y, rows, columns, 1)


@njit(cache=True, nogil=True)
def _filter_phases(
    kinds: Any, taps: Any, first: int, last: int, together: int, x: Any, w: Any, y: Any,
    rows: Any, columns: Any,
) -> None:  # fmt: skip
    block = aligned(x, len(w) * lanes(x))
    second = len(taps[0][0]) * len(taps[0][1])
    third = second + len(taps[1][0]) * len(taps[1][1])
    fourth = third + len(taps[2][0]) * len(taps[2][1])
    even, odd = kinds
    for group in range(first, last, together):
        for start in range(0, x.shape[3], lanes(x)):
            c = min(start, x.shape[3] - lanes(x))
            _copy_taps(w, c, block)
            for b in range(group, min(last, group + together)):
                _filter_image(even, taps[0], b, c, x, block, 0, y, rows[0], columns[0], 2)
                _filter_image(odd, taps[1], b, c, x, block, second, y, rows[0], columns[1], 2)
                _filter_image(even, taps[2], b, c, x, block, third, y, rows[1], columns[0], 2)
                _filter_image(odd, taps[3], b, c, x, block, fourth, y, rows[1], columns[1], 2)


@njit(cache=True, nogil=True)
def _copy_taps(w: Any, c: int, block: Any) -> None:
    for n in range(len(w)):
        for k in range(lanes(w)):
            block[n * lanes(w) + k] = w[n, c + k]


@njit(cache=True, nogil=True)
def _filter_image(
    kind: Any, taps: Any, b: int, c: int, x: Any, w: Any, tap: int, y: Any, row: Any,
    column: Any, apart: int,
) -> None:  # fmt: skip
    """Set rows and columns of an image of `y` that lie `apart`, in a block of channels from c on.

    `row` and `column` say how many there are, the first one, and how much of the first window lies
    before the image.
    """
    _, height, width, depth = x.shape
    stride, outputs = len(kind[1]), len(kind[0])
    steps = width * depth, depth, apart * depth
    for p in range(row[0]):
        r = p * stride - row[2]
        target = (b * y.shape[1] + row[1] + p * apart) * y.shape[2] + column[1]
        for position in range(0, column[0], outputs):
            q = min(position, column[0] - outputs)
            s = q * stride - column[2]
            start = (
                ((b * height + r) * width + s) * depth + c,
                tap * lanes(x),
                (target + q * apart) * depth + c,
            )
            inside = (-r, height - r), (-s, width - s)
            filter_row(kind, taps, x, w, y, start, steps, inside[0], inside[1])


@njit(cache=True, nogil=True)
def _products(
    kind: Any, taps: Any, first: int, last: int, together: int, grad_y: Any, x: Any, sums: Any,
    padding: int,
) -> None:  # fmt: skip
    _, height, width, depth = x.shape
    _, grad_rows, grad_cols, _ = grad_y.shape
    x_steps = height * width * depth, width * depth, depth
    grad_steps = grad_rows * grad_cols * depth, grad_cols * depth, depth
    image, size = (height, width, padding), len(taps[0]) * len(taps[1]) * lanes(x)
    sums[:] = 0
    for b in range(first, last, together):
        count = min(together, last - b), grad_rows, grad_cols // len(kind[0])
        for k in range(sums.shape[0]):
            c = min(k * lanes(x), depth - lanes(x))
            start = b * x_steps[0] + c, b * grad_steps[0] + c, k * size
            filter_gradient(
                kind, taps, x, grad_y, sums, start, x_steps, grad_steps, count, image
            )
