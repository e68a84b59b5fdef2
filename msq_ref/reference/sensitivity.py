"""How much a layer's quantization may hurt, and how fast it loses bits [S5.5], [S5.6]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.sums import ordered_sum

__all__ = ["assign_k", "sensitivity"]


def sensitivity(trace: float, quantized: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return ``Omega = Tr(H) * ||W_n - W||_2`` of a layer.

    Parameters
    ----------
    trace : float
        Trace of the layer's Hessian as estimated: sign included, not divided by the size.
    quantized, weights : ndarray, float32 or float64, the same shape and dtype
        Effective weights from q (``W_n``) and from u (``W``).

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If an array is not float32 or float64, dtypes differ, or `trace` is not a real number.
    ValueError
        If shapes differ or a value is not finite.

    Notes
    -----
    [S5.5], differences and squares in float64, added in the order of [S0.5].
    """
    trace = checks.real("trace", trace)
    quantized = checks.float_array("quantized", quantized)
    weights = checks.like("weights", weights, quantized)
    difference = quantized.astype(np.float64) - weights.astype(np.float64)
    return trace * math.sqrt(ordered_sum(difference * difference))


def assign_k(omegas: Sequence[float]) -> list[int]:
    """Choose how many bits each layer loses at a time: 2 if ``Omega_l < mean(Omega)``, else 1.

    Parameters
    ----------
    omegas : sequence of float
        One per layer, not empty.

    Returns
    -------
    list of int
        1 or 2 per layer; a tie with the mean gives 1.

    Raises
    ------
    TypeError
        If an entry is not a real number.
    ValueError
        If there is none, or one is not finite.

    Notes
    -----
    [S5.6], ``bitexact``: ``L * Omega_l < sum Omega`` over the rational values of the floats, for
    a float mean of equal values can exceed them.
    """
    exact = [
        Fraction(checks.real(f"omegas[{index}]", omega)) for index, omega in enumerate(omegas)
    ]
    if not exact:
        raise ValueError("omegas is empty: expected at least one layer")
    total = sum(exact)
    return [2 if len(exact) * omega < total else 1 for omega in exact]
