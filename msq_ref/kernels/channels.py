"""Values of channels last, read as one row in which the channels repeat.

Sums are kept for some multiple of the channels side by side, each in float64: short rows become
vector instructions too. Parts are cut by shape, and their sums added in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.threads import cut, run_parts

__all__ = ["Channels", "fold", "repeated", "sum_channels"]

LANES = 512
"""Sums side by side, about."""

PART = 2**16
"""Values of a part at least: some 20 microseconds."""

PARTS = 256
"""Parts at most."""


class Channels:
    """How `size` values of so many channels are read: parts of whole rows of lanes.

    Kernels are called as ``kernel(first, last, lanes, *arguments)``: a range of values, and how
    many lie side by side.
    """

    def __init__(self, size: int, channels: int) -> None:
        self.size, self.channels = size, channels
        self.lanes = max(1, max(1, LANES // max(1, channels)) * channels)
        rows = -(-size // self.lanes)
        self.parts = cut(rows, max(1, PART // self.lanes, -(-rows // PARTS)))

    def run(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Call a kernel for all parts."""
        run_parts(lambda part: kernel(*self._range(part), *arguments), len(self.parts))

    def total(self, kernel: Callable[..., None], sums: int, *arguments: Any) -> NDArray[np.float64]:
        """Return what a kernel sums, (sums, channels); the sums of a part are its last argument.

        Parameters
        ----------
        sums : int
            Number of different sums of each channel.
        """
        total = np.empty((sums, self.channels))
        _add_up(self.partial(kernel, sums, *arguments), total)
        return total

    def partial(
        self, kernel: Callable[..., None], sums: int, *arguments: Any
    ) -> NDArray[np.float64]:
        """Return what `total` adds up, (parts, sums, lanes)."""
        partial = np.empty((len(self.parts), sums, self.lanes))
        run_parts(
            lambda part: kernel(*self._range(part), *arguments, partial[part]), len(self.parts)
        )
        return partial

    def ranges(self) -> NDArray[np.int64]:
        """Return the first value of every part and one past its last, (parts, 2)."""
        return np.array([self._range(part)[:2] for part in range(len(self.parts))])

    def _range(self, part: int) -> tuple[int, int, int]:
        first, last = self.parts[part]
        return first * self.lanes, min(last * self.lanes, self.size), self.lanes


@njit(cache=True, nogil=True)
def repeated(values: Any, lanes: int) -> Any:
    """Return a value per channel, repeated to the lanes."""
    out = np.empty(lanes, values.dtype)
    for start in range(0, lanes, max(1, values.size)):
        out[start : start + values.size] = values
    return out


@njit(cache=True, nogil=True)
def _add_up(partial: Any, total: Any) -> None:
    """Add up the lanes of every part, in order, then those of a channel."""
    for index in range(total.shape[0]):
        lanes = partial[0, index].copy()
        for part in range(1, len(partial)):
            lanes += partial[part, index]
        fold(lanes, total[index])


@njit(cache=True, nogil=True)
def fold(lanes: Any, total: Any) -> None:
    """Set a total per channel to the sum of its lanes."""
    total[:] = 0
    for start in range(0, lanes.size, max(1, total.size)):
        for c in range(total.size):
            total[c] += lanes[start + c]


@njit(cache=True, nogil=True)
def sum_channels(first: int, last: int, lanes: int, x: Any, sums: Any) -> None:
    """Set ``sums[0]`` to the sums of ``x[first:last]``, one a lane."""
    total = sums[0]
    total[:] = 0
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            total[k] += x[at + k]
