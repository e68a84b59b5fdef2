"""Twin of `msq_ref.reference.sensitivity`; `assign_k` is exact fractions and has no faster form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.sums import ordered_sum
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sensitivity import assign_k
from msq_ref.reference.sums import CHUNK

__all__ = ["assign_k", "sensitivity"]


def sensitivity(trace: float, quantized: NDArray[Any], weights: NDArray[Any]) -> float:
    """Twin of `msq_ref.reference.sensitivity`, bit-identical [S5.5]."""
    trace = checks.real("trace", trace)
    quantized = checks.float_array("quantized", quantized)
    weights = checks.like("weights", weights, quantized)
    squares = np.empty(weights.size)
    run_chunks(_squares, weights.size, quantized.ravel(), weights.ravel(), squares)
    return trace * math.sqrt(ordered_sum(squares))


@njit(cache=True, nogil=True)
def _squares(first: int, last: int, a: Any, b: Any, squares: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, a.size)):
        difference = np.float64(a[i]) - np.float64(b[i])
        squares[i] = difference * difference
