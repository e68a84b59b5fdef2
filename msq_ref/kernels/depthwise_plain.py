"""Depthwise convolution by plain loops, for any filter, stride and processor [S11.1].

Parts are images. With stride 1 neighbouring positions lie side by side with all their channels, so
that the innermost loop runs over several positions at once, along taps repeated as often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.memory import empty
from msq_ref.kernels.products import add_in_order
from msq_ref.kernels.threads import run_parts

__all__ = ["forward", "input_gradient", "weight_gradient"]

RUN = 1024
"""Elements of a run, about: the taps along it stay in a first-level cache."""

Parts = list[tuple[int, int]]


def forward(
    x: NDArray[Any], w: NDArray[Any], y: NDArray[Any], stride: int, padding: int, parts: Parts
) -> None:
    """Set `y` to the convolution of `x` with taps (height, width, channels)."""
    taps = np.tile(w, (1, 1, _span(y, stride)))
    _over_images(_forward, stride, padding, parts, x, taps, y)


def input_gradient(
    grad_y: NDArray[Any], w: NDArray[Any], grad_x: NDArray[Any], stride: int, padding: int,
    parts: Parts,
) -> None:  # fmt: skip
    """Set `grad_x` to the gradient of `forward` with respect to `x`."""
    taps = np.tile(w, (1, 1, _span(grad_y, stride)))
    _over_images(_input_gradient, stride, padding, parts, grad_y, taps, grad_x)


def weight_gradient(
    grad_y: NDArray[Any], x: NDArray[Any], grad_w: NDArray[Any], stride: int, padding: int,
    parts: Parts,
) -> None:  # fmt: skip
    """Set `grad_w` to the gradient of `forward` with respect to `w`: a sum for each part."""
    span, (kh, kw, channels) = _span(grad_y, stride), grad_w.shape
    partial = empty((len(parts), kh, kw, span * channels), grad_w.dtype)
    run_parts(
        lambda part: _weight_gradient(
            *parts[part], grad_y, x, partial[part], stride, padding
        ),
        len(parts),
    )
    lanes = partial.reshape(len(parts), kh, kw, span, channels)
    add_in_order(np.add.reduce(lanes, axis=3), grad_w)


def _over_images(
    kernel: Callable[..., None], stride: int, padding: int, parts: Parts,
    *arrays: NDArray[Any],
) -> None:  # fmt: skip
    run_parts(lambda part: kernel(*parts[part], *arrays, stride, padding), len(parts))


def _span(y: NDArray[Any], stride: int) -> int:
    """Return how many positions a run is long."""
    return max(1, min(y.shape[2], RUN // max(1, y.shape[3]))) if stride == 1 else 1


# Indices are made unsigned where they are known not to be negative; see `patches`.


@njit(cache=True, nogil=True)
def _forward(
    first: int, last: int, x: Any, taps: Any, y: Any, stride: int, padding: int
) -> None:
    _, rows, cols, depth = y.shape
    _, height, width, _ = x.shape
    kh, kw, lanes = taps.shape
    span = lanes // depth
    x_, taps_, y_ = x.reshape(x.size), taps.reshape(taps.size), y.reshape(y.size)
    for b in range(first, last):
        y[b] = 0
        for p in range(rows):
            for i in range(kh):
                r = p * stride + i - padding
                if 0 <= r < height:
                    for j in range(kw):
                        t = np.uintp((i * kw + j) * lanes)
                        q0, q1 = _inside(j - padding, stride, width, cols)
                        for q in range(q0, q1, span):
                            s = q * stride + j - padding
                            at = np.uintp(((b * height + r) * width + s) * depth)
                            to = np.uintp(((b * rows + p) * cols + q) * depth)
                            for c in range(min(span, q1 - q) * depth):
                                k = np.uintp(c)
                                y_[to + k] += x_[at + k] * taps_[t + k]


@njit(cache=True, nogil=True)
def _input_gradient(
    first: int, last: int, grad_y: Any, taps: Any, grad_x: Any, stride: int, padding: int
) -> None:
    _, rows, cols, depth = grad_y.shape
    _, height, width, _ = grad_x.shape
    kh, kw, lanes = taps.shape
    span = lanes // depth
    x_, y_ = grad_x.reshape(grad_x.size), grad_y.reshape(grad_y.size)
    taps_ = taps.reshape(taps.size)
    for b in range(first, last):
        grad_x[b] = 0
        for p in range(rows):
            for i in range(kh):
                r = p * stride + i - padding
                if 0 <= r < height:
                    for j in range(kw):
                        t = np.uintp((i * kw + j) * lanes)
                        q0, q1 = _inside(j - padding, stride, width, cols)
                        for q in range(q0, q1, span):
                            s = q * stride + j - padding
                            to = np.uintp(((b * height + r) * width + s) * depth)
                            at = np.uintp(((b * rows + p) * cols + q) * depth)
                            for c in range(min(span, q1 - q) * depth):
                                k = np.uintp(c)
                                x_[to + k] += y_[at + k] * taps_[t + k]


@njit(cache=True, nogil=True)
def _weight_gradient(
    first: int, last: int, grad_y: Any, x: Any, sums: Any, stride: int, padding: int
) -> None:
    _, rows, cols, depth = grad_y.shape
    _, height, width, _ = x.shape
    kh, kw, lanes = sums.shape
    span = lanes // depth
    x_, sums_, y_ = x.reshape(x.size), sums.reshape(sums.size), grad_y.reshape(grad_y.size)
    sums[:] = 0
    for b in range(first, last):
        for p in range(rows):
            for i in range(kh):
                r = p * stride + i - padding
                if 0 <= r < height:
                    for j in range(kw):
                        t = np.uintp((i * kw + j) * lanes)
                        q0, q1 = _inside(j - padding, stride, width, cols)
                        for q in range(q0, q1, span):
                            s = q * stride + j - padding
                            at = np.uintp(((b * height + r) * width + s) * depth)
                            g = np.uintp(((b * rows + p) * cols + q) * depth)
                            for c in range(min(span, q1 - q) * depth):
                                k = np.uintp(c)
                                sums_[t + k] += x_[at + k] * y_[g + k]


@njit(cache=True, nogil=True, inline="always")
def _inside(offset: int, stride: int, width: int, cols: int) -> tuple[int, int]:
    """Return the positions q, first and one past the last, with 0 <= q stride + offset < width."""
    first = max(0, -(offset // stride))
    return first, max(first, min(cols, (width - 1 - offset) // stride + 1))
