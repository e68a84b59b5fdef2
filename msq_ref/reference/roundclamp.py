"""RoundClamp: the quantizer of MSQ [S2.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["roundclamp"]


def roundclamp(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize the unit interval with scale ``2^bits``: ``min(rint(2^n u), 2^n - 1)``.

    Parameters
    ----------
    u : ndarray, float32 or float64, any shape
        Values in [0, 1].
    bits : int
        Code width n, 1 to 16.

    Returns
    -------
    ndarray of int32
        Codes in [0, 2^n - 1], the shape of `u`.

    Raises
    ------
    TypeError
        If `u` is not float32 or float64.
    ValueError
        If `u` leaves [0, 1], is not finite, or `bits` is out of range.

    Notes
    -----
    [S2.1], ``bitexact``: ``2^n u`` is exact in binary floating point. Ties go to even [S0.1].
    """
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return np.asarray(np.minimum(np.rint(2.0**n * u), 2**n - 1)).astype(np.int32)
