"""Convolutions of integers: patches gathered by slices and multiplied, or tap by tap [S9.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.integer_product import IntegerWeights, integer_product
from msq_ref.kernels.patches import Patches
from msq_ref.kernels.paths import asked_path
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.shapes import ConvShape

__all__ = ["by_taps", "convolve", "depthwise"]

WORK = 2**18
"""Products of a part of a depthwise convolution: some 100 microseconds."""


def by_taps(shape: ConvShape) -> bool:
    """Tell whether `depthwise` is faster than matrix products, and none is asked for."""
    return shape.groups > 1 and shape.group_inputs == 1 and asked_path() in (None, "int64")


def convolve(
    x: NDArray[Any], weights: list[IntegerWeights], kernel: tuple[int, ...], shape: ConvShape,
    padding: int,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the cross-correlation by products with patches, of which a slice is ever held.

    Parameters
    ----------
    x : ndarray, (batch, height, width, channels)
        In the dtype of `narrow`.
    weights : list of IntegerWeights
        One a group, its filters as (kernel * kernel * channels / groups, outputs / groups).
    """
    y = np.empty(shape.output, np.int64)
    x = np.ascontiguousarray(x)
    for group, packed in enumerate(weights):
        inputs, outputs = shape.channels(group)
        source = Patches(
            x, (shape.rows, shape.columns), (kernel[0], kernel[1]), shape.stride,
            (padding, padding), inputs,
        )  # fmt: skip
        flat = y.reshape(shape.positions, shape.output[3])[:, outputs]
        integer_product(source.rows, packed, flat)
    return y


def depthwise(
    x: NDArray[Any], v: NDArray[np.int32], shape: ConvShape, padding: int
) -> NDArray[np.int64]:
    """Return the cross-correlation of every channel with filters of its own.

    Parameters
    ----------
    x : ndarray, (batch, height, width, channels)
    v : ndarray of int32, (kernel height, kernel width, 1, outputs)
    """
    y = np.zeros(shape.output, np.int64)
    # The filters of all channels with the same place among those of their channel, side by side.
    side = (*v.shape[:2], shape.groups, shape.group_outputs)
    filters = np.ascontiguousarray(v.reshape(side).transpose(3, 0, 1, 2)).astype(np.int64)
    parts = cut(len(x) * shape.rows, WORK // max(1, shape.columns * v.size))

    def part(index: int) -> None:
        _depthwise(x, filters, y, shape.stride, padding, *parts[index])

    run_parts(part, len(parts))
    return y


@njit(cache=True, nogil=True)
def _depthwise(x: Any, v: Any, y: Any, stride: int, padding: int, first: int, last: int) -> None:
    multiple, down, across, channels = v.shape
    for line in range(first, last):
        image, row = line // y.shape[1], line % y.shape[1]
        for i in range(down):
            r = row * stride - padding + i
            if r < 0 or r >= x.shape[1]:
                continue
            for column in range(y.shape[2]):
                for j in range(across):
                    s = column * stride - padding + j
                    if s < 0 or s >= x.shape[2]:
                        continue
                    pixel, out = x[image, r, s], y[image, row, column]
                    for m in range(multiple):
                        taps = v[m, i, j]
                        for c in range(channels):
                            out[c * multiple + m] += np.int64(pixel[c]) * taps[c]
