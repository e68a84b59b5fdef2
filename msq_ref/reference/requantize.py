"""From an accumulator back to a code, by an integer multiplier and a shift [S9.4]."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["FACTOR_HIGH", "FACTOR_LOW", "requantize", "requantize_factor"]

FACTOR_LOW = 2.0**-32
"""The least real factor that has a multiplier and a shift [S9.4]."""

FACTOR_HIGH = 2.0**30
"""Real factors lie below it [S9.4]."""


def requantize(
    acc: NDArray[Any],
    multiplier: int | NDArray[Any],
    shift: int | NDArray[Any],
    zero_point: int | NDArray[Any],
    bits: int,
    signed: bool,
) -> NDArray[np.int32]:
    """Return ``((acc * m + 2^(s-1)) >> s) + z``, clamped to the range of the width.

    Parameters
    ----------
    acc : ndarray of integers, (..., channels)
        ``|acc| < 2^31``.
    multiplier : int or ndarray of integers (channels,)
        m, ``2^30 <= m < 2^31``.
    shift : int or ndarray of integers (channels,)
        s, 1 to 62.
    zero_point : int or ndarray of integers (channels,)
        z, inside the output range.
    bits : int
        Output width, 1 to 16.
    signed : bool
        Output range ``[-2^(bits-1), 2^(bits-1) - 1]``, else ``[0, 2^bits - 1]``.

    Returns
    -------
    ndarray of int32, the shape of `acc`

    Raises
    ------
    TypeError
        If an array is not of integers.
    ValueError
        If a value is out of range, or an array is not one per channel.

    Notes
    -----
    [S9.4], ``bitexact``: int64, arithmetic shift, half up, one rounding.
    """
    a, m, s, z, low, high = checks.requantize_arguments(
        acc, multiplier, shift, zero_point, bits, signed
    )
    scaled = (a * m + (np.int64(1) << (s - 1))) >> s
    return np.asarray(np.clip(scaled + z, low, high)).astype(np.int32)


def requantize_factor(factor: float) -> tuple[int, int]:
    """Return the multiplier and shift that stand for a real factor: ``m / 2^s``.

    Parameters
    ----------
    factor : float
        In [2^-32, 2^30).

    Returns
    -------
    (int, int)
        m and s; the relative error of ``m / 2^s`` is at most 2^-31.

    Raises
    ------
    TypeError
        If `factor` is not a real number.
    ValueError
        If it is out of range, or so close below 2^30 that s would be 0.

    Notes
    -----
    [S9.4], ``bitexact``: ``s = 30 - floor(log2 f)``, ``m = rint(f 2^s)``, by exact scaling.
    """
    f = checks.real("factor", factor)
    if not FACTOR_LOW <= f < FACTOR_HIGH:
        raise ValueError(f"factor = {f}: expected a real number in [2^-32, 2^30)")
    shift = 30 - (math.frexp(f)[1] - 1)
    multiplier = round(Fraction(f) * 2**shift)  # ties to even
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift - 1
    if shift < 1:
        raise ValueError(f"factor = {f}: rounds to 2^30, which has no shift >= 1")
    return multiplier, shift
