"""Numbers worth asking about: edges and their neighbours, extremes, and seeded others."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.exact.ieee import rounded

__all__ = [
    "DTYPES",
    "WIDTHS",
    "Edges",
    "around",
    "dorefa_edges",
    "floats",
    "generator",
    "neighbours",
    "roundclamp_edges",
    "some",
    "units",
]

DTYPES = ("float32", "float64")
"""Names of the float dtypes, as files have them."""

WIDTHS = range(1, 17)
"""Of unsigned codes [S0.2]."""


def generator(name: str) -> random.Random:
    """Return a generator seeded by a name; its `random` and `getrandbits` never change."""
    return random.Random(f"msq vectors {name}")


class Edges(Sequence[Fraction]):
    """The bin edges ``(j + 1/2) / scale`` for ``0 <= j < scale``, made when asked for."""

    def __init__(self, scale: int) -> None:
        self._scale = scale

    def __len__(self) -> int:
        return self._scale

    @overload
    def __getitem__(self, index: int) -> Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fraction]: ...
    def __getitem__(self, index: int | slice) -> Fraction | list[Fraction]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._scale))]
        if not 0 <= index < self._scale:
            raise IndexError(index)
        return Fraction(2 * index + 1, 2 * self._scale)


def roundclamp_edges(bits: int) -> Edges:
    """Return every bin edge of RoundClamp, the one that clamps included."""
    return Edges(2**bits)


def dorefa_edges(bits: int) -> Edges:
    """Return every bin edge of DoReFa."""
    return Edges(2**bits - 1)


def some(edges: Edges, rng: random.Random) -> list[Fraction]:
    """Return the outer edges, the middle ones and one drawn."""
    chosen = {0, 1, len(edges) // 2 - 1, len(edges) // 2, len(edges) - 2, len(edges) - 1}
    chosen.add(rng.getrandbits(20) % len(edges))
    return [edges[i] for i in sorted(chosen) if 0 <= i < len(edges)]


def around(points: Iterable[Fraction], dtype: str, steps: int = 1) -> NDArray[Any]:
    """Return the nearest float of each point and its neighbours, those in [0, 1], ascending.

    The subnormal neighbours of 0 are left out: a backend that flushes them would skip the case.
    """
    kind = np.dtype(dtype).type
    found: set[float] = set()
    for point in points:
        low = high = kind(rounded(point, dtype))
        found.add(float(low))
        for _ in range(steps):
            low, high = np.nextafter(low, kind(-1)), np.nextafter(high, kind(2))
            found |= {float(low), float(high)}
    tiny = float(np.finfo(dtype).tiny)
    return np.array(sorted(v for v in found if v == 0 or tiny <= v <= 1), dtype)


def neighbours(value: float, dtype: str) -> tuple[float, float]:
    """Return the floats below and above."""
    kind = np.dtype(dtype).type
    return float(np.nextafter(kind(value), kind(-np.inf))), float(
        np.nextafter(kind(value), kind(np.inf))
    )


def units(rng: random.Random, count: int, dtype: str) -> NDArray[Any]:
    """Return numbers in [0, 1), all the bits of the dtype drawn."""
    digits = 24 if dtype == "float32" else 53
    return np.array([rng.getrandbits(digits) / 2**digits for _ in range(count)], dtype)


def floats(rng: random.Random, count: int, dtype: str, spread: float = 1.0) -> NDArray[Any]:
    """Return numbers in (-spread, spread), spread a power of two."""
    digits = 24 if dtype == "float32" else 53
    values = [
        (1 - 2 * rng.getrandbits(1)) * rng.getrandbits(digits) / 2**digits * spread
        for _ in range(count)
    ]
    return np.array(values, dtype)
