"""Which points are still to run, as ranges of their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["chunks_of", "gaps", "ranges_of"]

Span = tuple[int, int]
"""From the first up to the second, without it."""

LARGEST_CHUNK = 256
"""Points that are run, and written, together: about a second of work."""

EACH = 16
"""Chunks for each worker, if there are few points: all should be done at about the same time."""


def ranges_of(numbers: NDArray[np.int64]) -> list[Span]:
    """Return numbers as sorted ranges; ``ValueError`` if one occurs twice."""
    numbers = np.sort(numbers)
    steps = np.diff(numbers)
    if not steps.all():
        raise ValueError(f"point {numbers[:-1][steps == 0][0]} is there twice")
    ends = np.flatnonzero(steps > 1)
    first = numbers[np.r_[0, ends + 1]] if len(numbers) else numbers
    last = numbers[np.r_[ends, len(numbers) - 1]] if len(numbers) else numbers
    return list(zip(first.tolist(), (last + 1).tolist(), strict=True))


def gaps(done: Iterable[Span], count: int) -> list[Span]:
    """Return what of the numbers below `count` is in none of the ranges, which are sorted.

    Raises
    ------
    ValueError
        If ranges overlap or reach beyond.
    """
    found, at = [], 0
    for first, stop in done:
        if not at <= first < stop <= count:
            raise ValueError(f"points {first} to {stop - 1} are there twice, or beyond {count - 1}")
        if first > at:
            found.append((at, first))
        at = stop
    return [*found, (at, count)] if at < count else found


def chunks_of(ranges: list[Span], workers: int) -> Iterator[Span]:
    """Give the ranges in pieces that are small beside the work of each worker, one by one."""
    total = sum(stop - first for first, stop in ranges)
    size = min(LARGEST_CHUNK, max(1, total // (EACH * workers)))
    for first, stop in ranges:
        for at in range(first, stop, size):
            yield at, min(at + size, stop)
