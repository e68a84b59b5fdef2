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
        tiled = np.empty((self.repeats, self.channels), values.dtype)
        tiled[:] = values  # `numpy.tile`, in a tenth of its time
        return tiled.reshape(-1)

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
        partial = self.partial(kernel, sums, *arguments)
        return np.stack([self.by_channel(partial[:, index]) for index in range(sums)])

    def partial(
        self, kernel: Callable[..., None], sums: int, *arguments: Any
    ) -> NDArray[np.float64]:
        """Return what `total` adds up, (parts, sums, lanes)."""
        partial = np.empty((len(self.parts), sums, self.lanes))
        run_parts(
            lambda part: kernel(*self._range(part), *arguments, partial[part]), len(self.parts)
        )
        return partial

    def by_channel(self, lanes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up values of the lanes of every part, (parts, lanes), to values of the channels."""
        total = np.add.reduce(lanes, axis=0)[: self.repeats * self.channels]
        return np.asarray(total.reshape(self.repeats, self.channels).sum(axis=0))

    def counts(self) -> NDArray[np.int64]:
        """Return the number of values in each lane of every part, (parts, lanes)."""
        sizes = np.array([last - first for first, last in map(self._range, range(len(self.parts)))])
        return (sizes[:, None] - np.arange(self.lanes) + self.lanes - 1) // self.lanes

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
