"""Twin of `msq_ref.reference.sums`: the order of [S0.5], compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK, LANES

__all__ = ["ordered_sum"]


def ordered_sum(values: NDArray[Any]) -> float:
    """Twin of `msq_ref.reference.ordered_sum`, bit-identical."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    totals = np.zeros(-(-flat.size // CHUNK))
    run_chunks(_chunk_sums, flat.size, flat, totals)
    return float(in_order(totals))


@njit(cache=True, nogil=True)
def _chunk_sums(first: int, last: int, values: Any, totals: Any) -> None:
    for chunk in range(first, last):
        totals[chunk] = chunk_sum(values[chunk * CHUNK : min((chunk + 1) * CHUNK, values.size)])


@njit(cache=True, nogil=True)
def chunk_sum(values: Any) -> float:
    """Sum the float64 values of a chunk, in the lanes of [S0.5]."""
    lanes = np.zeros(LANES)
    whole = values.size // LANES * LANES
    for row in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += values[row + lane]
    for i in range(whole, values.size):
        lanes[i - whole] += values[i]
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return total


@njit(cache=True, nogil=True)
def in_order(totals: Any) -> float:
    """Sum the totals of chunks in their order."""
    result = 0.0
    for total in totals:
        result += total
    return result
