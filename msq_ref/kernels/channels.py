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

__all__ = ["Channels", "sum_channels"]

LANES = 512
"""Sums side by side, about."""

PART = 2**16
"""Values of a part at least: some 20 microseconds."""

PARTS = 256
"""Parts at most."""


class Channels:
    """How `size` values of so many channels are read: parts of whole rows of lanes."""

    def __init__(self, size: int, channels: int) -> None:
        self.size, self.channels = size, channels
        self.repeats = max(1, LANES // max(1, channels))
        self.lanes = max(1, self.repeats * channels)
        rows = -(-size // self.lanes)
        self.parts = cut(rows, max(1, PART // self.lanes, -(-rows // PARTS)))

    def tiled(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a value per channel, repeated to the lanes."""
        return np.tile(values, self.repeats)

    def run(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Call ``kernel(first, last, *arguments)`` for all parts."""
        run_parts(lambda part: kernel(*self._range(part), *arguments), len(self.parts))

    def total(self, kernel: Callable[..., None], sums: int, *arguments: Any) -> NDArray[np.float64]:
        """Return what ``kernel(first, last, *arguments, sums of the part)`` sums, (sums, channels).

        Parameters
        ----------
        sums : int
            Number of different sums of each channel.
        """
        partial = np.empty((len(self.parts), sums, self.lanes))
        run_parts(
            lambda part: kernel(*self._range(part), *arguments, partial[part]), len(self.parts)
        )
        lanes = np.add.reduce(partial[:, :, : self.repeats * self.channels], axis=0)
        return np.asarray(lanes.reshape(sums, self.repeats, self.channels).sum(axis=1))

    def _range(self, part: int) -> tuple[int, int]:
        first, last = self.parts[part]
        return first * self.lanes, min(last * self.lanes, self.size)


@njit(cache=True, nogil=True)
def sum_channels(first: int, last: int, x: Any, sums: Any) -> None:
    """Set ``sums[0]`` to the sums of ``x[first:last]``, one a lane."""
    lanes = sums.shape[1]
    total = sums[0]
    total[:] = 0
    for i in range(first, last, lanes):
        at = np.uintp(i)
        for c in range(min(lanes, last - i)):
            k = np.uintp(c)
            total[k] += x[at + k]
