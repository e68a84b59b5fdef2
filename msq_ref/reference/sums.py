"""The one order in which reported sums are added [S0.5]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHUNK", "LANES", "ordered_sum"]

CHUNK = 8192
"""Elements in a chunk [S0.5]."""

LANES = 32
"""Interleaved lanes in a chunk [S0.5]."""


def ordered_sum(values: NDArray[Any]) -> float:
    """Sum in float64 in the fixed order of [S0.5], whatever the number of threads.

    Element ``i`` of a chunk of 8192 goes to lane ``i mod 32``; a lane adds its elements in index
    order, a chunk adds its lanes in index order, the result adds its chunks in index order.

    Parameters
    ----------
    values : ndarray of floats, any shape
        Taken in C order.

    Returns
    -------
    float
        The sum; 0.0 of nothing.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    chunks = -(-flat.size // CHUNK)
    # Zeros behind the end change no sum: every lane starts from +0.
    padded = np.zeros(chunks * CHUNK)
    padded[: flat.size] = flat
    rows = padded.reshape(chunks, CHUNK // LANES, LANES)
    lanes = np.zeros((chunks, LANES))
    for row in range(min(CHUNK, flat.size + LANES - 1) // LANES):
        lanes += rows[:, row]
    totals = np.zeros(chunks)
    for lane in range(LANES):
        totals += lanes[:, lane]
    result = 0.0
    for total in totals:
        result += float(total)
    return result
