"""What every source of cases shares: the level, seeded numbers, the few shapes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.seeds import generator

__all__ = [
    "BIG", "CHUNKED", "FLOATS", "INTEGERS", "LEVELS", "MAIN", "SMALL_SHAPES", "WIDTHS", "Plan",
    "flag_name", "neighbours", "slices",
]  # fmt: skip

LEVELS = ("quick", "full", "deep")
"""From seconds to minutes; each has the cases of the one before, and more."""

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
"""The float dtypes [S0.1]."""

INTEGERS = tuple(np.dtype(f"{sign}int{8 << i}") for sign in ("", "u") for i in range(4))
"""Every integer dtype, the signed ones first."""

WIDTHS = range(1, 17)
"""Of unsigned codes [S0.2]."""

MAIN = 5 * 7 * 7 * 13
"""Elements of most arrays: one shape, since some backends compile anew for each; odd, so that
there is a rest behind the last whole vector, and composite, so that it has other shapes."""

BIG = 150_001
"""Enough for several threads, and for sums of codes above 2^32."""

CHUNKED = (31, 32, 33, 8191, 8192, 8193)
"""Around the lanes and chunks of [S0.5]."""

SMALL_SHAPES: tuple[tuple[int, ...], ...] = (
    (), (1,), (0,), (7,), (2, 3, 5), (3, 0, 2),
    (1, 2, 1, 3, 2, 1),
)
"""None, one and several axes, empty ones too."""


@dataclass(frozen=True)
class Plan:
    """A level and a seed."""

    level: str
    seed: int

    def rng(self, *labels: object) -> np.random.Generator:
        """Return a generator of its own for every use, whatever else is generated."""
        return generator("seed", self.seed, zlib.crc32(repr(labels).encode()))

    def at_least(self, level: str) -> bool:
        """Tell whether the level is this one or a later one."""
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def pick(self, quick: int, full: int, deep: int) -> int:
        """Return the number for the level."""
        return (quick, full, deep)[LEVELS.index(self.level)]


def flag_name(flag: Any) -> str:
    """Return a name for a Python or a NumPy boolean."""
    return f"{'numpy' if isinstance(flag, np.bool_) else 'python'}-{bool(flag)}".lower()


def slices(widths: range = WIDTHS) -> Iterator[tuple[int, int]]:
    """Yield every legal width and number of low bits."""
    for n in widths:
        for k in range(1, n):
            yield n, k


def neighbours(values: NDArray[Any]) -> NDArray[Any]:
    """Return values and the floats one ulp below and above."""
    kind = values.dtype.type
    low, high = np.nextafter(values, kind(-np.inf)), np.nextafter(values, kind(np.inf))
    return np.concatenate([low, values, high])
