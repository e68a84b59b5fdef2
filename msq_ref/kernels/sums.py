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
    return float(_in_order(totals))


@njit(cache=True, nogil=True)
def _chunk_sums(first: int, last: int, values: Any, totals: Any) -> None:
    lanes = np.empty(LANES)
    for chunk in range(first, last):
        lanes[:] = 0.0
        start = chunk * CHUNK
        stop = min(start + CHUNK, values.size)
        whole = start + (stop - start) // LANES * LANES
        for row in range(start, whole, LANES):
            for lane in range(LANES):
                lanes[lane] += values[row + lane]
        for i in range(whole, stop):
            lanes[i - whole] += values[i]
        total = 0.0
        for lane in range(LANES):
            total += lanes[lane]
        totals[chunk] = total


@njit(cache=True, nogil=True)
def _in_order(totals: Any) -> float:
    result = 0.0
    for total in totals:
        result += total
    return result
