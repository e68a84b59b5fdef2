"""Generators of random numbers from several numbers at once, such as a run's seed and an epoch."""

from __future__ import annotations

import numpy as np

from msq_ref import checks

__all__ = ["generator"]

WORD = 32
"""Bits of the words that NumPy cuts the numbers of a seed into."""


def generator(name: str, *parts: int) -> np.random.Generator:
    """Return a generator that other parts, as many of them, never share.

    NumPy joins the 32-bit words of a list of numbers without marking where one ends, and takes
    missing words for 0, so that (2^33, 0) and (0, 2) would be one seed. Where every part is one
    word the list is taken as it is; otherwise each number comes after the count of its words. That
    is longer than the list, and than the words that NumPy fills up with 0, so it is never the same.

    Parameters
    ----------
    name : str
        What the parts are called in an error.
    parts : int
        Not negative, of any size; at least one.

    Raises
    ------
    ValueError
        If a part is no integer or negative.
    """
    numbers = [checks.integer(name, part, 0) for part in parts]
    if len(numbers) > 1 and max(numbers) >= 1 << WORD:
        numbers = [word for number in numbers for word in _counted_words(number)]
    return np.random.default_rng(numbers)


def _counted_words(number: int) -> list[int]:
    """Return how many words a number has, at least one, and these, the lowest first."""
    count = max(1, -(-number.bit_length() // WORD))
    return [count, *(number >> WORD * i & (1 << WORD) - 1 for i in range(count))]
