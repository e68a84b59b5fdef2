"""DoReFa's quantizer, the rival with scale ``2^n - 1`` [S2.2]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["dorefa"]


def dorefa(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize the unit interval with scale ``2^bits - 1``: ``rint((2^n - 1) u)``.

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
    [S2.2], ``bitexact`` for a given dtype: the product is rounded to the dtype of `u` before
    rint, so float32 and float64 may differ at bin edges. Zhou et al. 2016, arXiv 1606.06160.
    """
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return np.asarray(np.rint(u.dtype.type(2**n - 1) * u)).astype(np.int32)
