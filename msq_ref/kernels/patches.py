"""What a convolution reads, as a matrix of patches of which only slices of rows are ever held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.memory import scratch
from msq_ref.shapes import ConvShape

__all__ = ["Patches", "patches", "scatter"]


@dataclass(frozen=True)
class Patches:
    """The matrix (batch * rows * columns, kernel * kernel * channels) of what each position sees.

    Parameters
    ----------
    x : ndarray, C-contiguous, (batch, height, width, all channels)
        Any dtype; taps over the padding are 0.
    grid : (int, int)
        Rows and columns of output positions.
    kernel : (int, int)
    stride : int
    padding : (int, int)
        Above and to the left; negative where the first taps lie inside.
    channels : slice
        Those that are read.
    """

    x: NDArray[Any]
    grid: tuple[int, int]
    kernel: tuple[int, int]
    stride: int
    padding: tuple[int, int]
    channels: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        taps = self.kernel[0] * self.kernel[1]
        width = self.channels.stop - self.channels.start
        return len(self.x) * self.grid[0] * self.grid[1], taps * width

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """Return a slice of rows, in scratch space of this thread."""
        columns = scratch("patches", (last - first, self.shape[1]), self.x.dtype)
        self.fill(columns, first, (0, self.kernel[0]), (0, self.kernel[1]), self.channels)
        return columns

    def tap(self, first: int, last: int, tap: int, channels: slice) -> NDArray[Any]:
        """Return the columns of some channels under one tap, for a slice of rows, in scratch."""
        i, j = divmod(tap, self.kernel[1])
        width = channels.stop - channels.start
        columns = scratch("patches", (last - first, width), self.x.dtype)
        self.fill(columns, first, (i, i + 1), (j, j + 1), channels)
        return columns

    def fill(
        self, columns: NDArray[Any], first: int, across: tuple[int, int], along: tuple[int, int],
        channels: slice,
    ) -> None:  # fmt: skip
        """Write rows from `first` on: taps of a range of kernel rows and one of kernel columns."""
        _, height, width, depth = self.x.shape
        if columns.size:
            _gather(
                self.x.reshape(-1), columns.reshape(-1), first, len(columns), *self.grid,
                height, width, depth, *across, *along, channels.start,
                channels.stop - channels.start, self.stride, *self.padding,
            )  # fmt: skip


def patches(
    x: NDArray[Any], kernel: tuple[int, ...], shape: ConvShape, padding: int
) -> NDArray[Any]:
    """Return all of the matrix, (batch * rows * columns, kernel * kernel * channels)."""
    source = Patches(
        np.ascontiguousarray(x), (shape.rows, shape.columns), (kernel[0], kernel[1]), shape.stride,
        (padding, padding), slice(0, x.shape[3]),
    )  # fmt: skip
    columns = np.empty(source.shape, x.dtype)
    source.fill(columns, 0, (0, kernel[0]), (0, kernel[1]), source.channels)
    return columns


def scatter(columns: NDArray[Any], into: Patches, first: int) -> None:
    """Add rows of the matrix, from `first` on, to what they were read from."""
    _, height, width, depth = into.x.shape
    if columns.size:
        _scatter(
            columns.reshape(-1), into.x.reshape(-1), first, len(columns), *into.grid, height, width,
            depth, *into.kernel, into.channels.start, into.channels.stop - into.channels.start,
            into.stride, *into.padding,
        )  # fmt: skip


# Indices are made unsigned where they are known not to be negative: Numba then need not ask
# whether they count from the end, and the innermost loops become vector instructions.


@njit(cache=True, nogil=True)
def _gather(
    x: Any, columns: Any, first: int, count: int, rows: int, cols: int, height: int, width: int,
    depth: int, i0: int, i1: int, j0: int, j1: int, channel: int, channels: int, stride: int,
    padding_r: int, padding_s: int,
) -> None:  # fmt: skip
    done = 0
    at = 0
    while done < count:
        line = (first + done) // cols
        q0 = first + done - line * cols
        q1 = min(cols, q0 + count - done)
        image = line // rows
        top = (line - image * rows) * stride - padding_r
        for q in range(q0, q1):
            left = q * stride - padding_s
            for i in range(i0, i1):
                r = top + i
                # Taps lo to hi - 1 lie on the image: one run of memory if all channels are read.
                lo = min(max(j0, -left), j1)
                hi = max(min(j1, width - left), lo)
                if r < 0 or r >= height:
                    lo, hi = j1, j1
                base = ((image * height + r) * width + left) * depth + channel
                at = _zeros(columns, at, (lo - j0) * channels)
                if channels == depth:
                    at = _copy(columns, at, x, base + lo * depth, (hi - lo) * depth)
                else:
                    for j in range(lo, hi):
                        at = _copy(columns, at, x, base + j * depth, channels)
                at = _zeros(columns, at, (j1 - hi) * channels)
        done += q1 - q0


@njit(cache=True, nogil=True)
def _scatter(
    columns: Any, x: Any, first: int, count: int, rows: int, cols: int, height: int, width: int,
    depth: int, kh: int, kw: int, channel: int, channels: int, stride: int, padding_r: int,
    padding_s: int,
) -> None:  # fmt: skip
    at = 0
    for position in range(first, first + count):
        line = position // cols
        image = line // rows
        top = (line - image * rows) * stride - padding_r
        left = (position - line * cols) * stride - padding_s
        lo = min(max(0, -left), kw)
        hi = max(min(kw, width - left), lo)
        for i in range(kh):
            r = top + i
            if 0 <= r < height:
                base = ((image * height + r) * width + left) * depth + channel
                if channels == depth:
                    _add(columns, at + lo * depth, x, base + lo * depth, (hi - lo) * depth)
                else:
                    for j in range(lo, hi):
                        _add(columns, at + j * channels, x, base + j * depth, channels)
            at += kw * channels


@njit(cache=True, nogil=True, inline="always")
def _copy(columns: Any, at: int, x: Any, source: int, length: int) -> int:
    for c in range(length):
        columns[np.uintp(at) + np.uintp(c)] = x[np.uintp(source) + np.uintp(c)]
    return at + length


@njit(cache=True, nogil=True, inline="always")
def _add(columns: Any, at: int, x: Any, to: int, length: int) -> None:
    for c in range(length):
        x[np.uintp(to) + np.uintp(c)] += columns[np.uintp(at) + np.uintp(c)]


@njit(cache=True, nogil=True, inline="always")
def _zeros(columns: Any, at: int, length: int) -> int:
    for c in range(length):
        columns[np.uintp(at) + np.uintp(c)] = 0
    return at + length
