"""How much a layer's quantization may hurt, and how fast it loses bits, in C [S5.5], [S5.6]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix

__all__ = ["assign_k", "sensitivity"]


def sensitivity(trace: float, quantized: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return ``Tr(H) * ||W_n - W||_2`` [S5.5], ``bitexact``; as `msq_ref.reference.sensitivity`."""
    trace = checks.real("trace", trace)
    quantized = checks.float_array("quantized", quantized)
    weights = checks.like("weights", weights, quantized)
    kind = suffix(weights.dtype)
    return float(call(f"sensitivity_{kind}", weights.size, trace, quantized, weights))


def assign_k(omegas: Sequence[float]) -> list[int]:
    """Return 2 for each layer below the mean, else 1 [S5.6], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.assign_k`; the comparison is exact in C.
    """
    values = [checks.real(f"omegas[{index}]", omega) for index, omega in enumerate(omegas)]
    if not values:
        raise ValueError("omegas is empty: expected at least one layer")
    ks = np.empty(len(values), np.int32)
    call("assign_k", len(values), np.array(values), ks)
    return [int(k) for k in ks]
