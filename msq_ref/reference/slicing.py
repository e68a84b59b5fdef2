"""Bipartite bit slicing: the low bits of a weight, computed on the fly [S3.1], [S3.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.roundclamp import roundclamp

__all__ = ["lsb", "lsb_nonzero_rate"]


def lsb(u: NDArray[Any], bits: int, k: int) -> NDArray[np.int32]:
    """Slice the k low bits off by rounding: ``B_k = c_n(u) - 2^k c_{n-k}(u)``.

    This is rounding slicing, the paper's; for truncation slicing of finished codes see
    `bit_planes` [S3.3].

    Parameters
    ----------
    u : ndarray, float32 or float64, any shape
        Values in [0, 1].
    bits : int
        Code width n, 2 to 16.
    k : int
        Number of low bits, 1 <= k < n.

    Returns
    -------
    ndarray of int32
        In [-2^(k-1), 2^(k-1)], up to ``2^k - 1`` where the coarse code clamps [S3.2].

    Raises
    ------
    TypeError
        If `u` is not float32 or float64.
    ValueError
        If `u` leaves [0, 1], is not finite, or `bits` or `k` is out of range.

    Notes
    -----
    [S3.1], ``bitexact``.
    """
    n = checks.bit_width(bits)
    k = checks.slice_width(k, n)
    return np.asarray(roundclamp(u, n) - 2**k * roundclamp(u, n - k))


def lsb_nonzero_rate(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``beta``, the fraction of weights whose low bits are not zero: ``nnz(B_k) / size``.

    Parameters are those of `lsb`; the count is exact.

    Raises
    ------
    TypeError
        If `u` is not float32 or float64.
    ValueError
        As `lsb`; also if `u` is empty.

    Notes
    -----
    [S3.4], ``bitexact``: one division of two counts, in float64.
    """
    u = checks.float_array("u", u, allow_empty=False)
    sliced = lsb(u, bits, k)
    return int(np.count_nonzero(sliced)) / sliced.size
