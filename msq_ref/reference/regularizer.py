"""The L1 force that pushes low bits to zero [S4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.slicing import lsb

__all__ = ["lsb_l1", "lsb_l1_codes", "lsb_l1_grad"]


def lsb_l1_codes(u: NDArray[Any], bits: int, k: int) -> int:
    """Return ``sum |B_k|`` in code units, an exact integer.

    Parameters and errors are those of `lsb`.

    Notes
    -----
    [S4.1], ``bitexact``: accumulated in int64.
    """
    return int(np.abs(lsb(u, bits, k)).sum(dtype=np.int64))


def lsb_l1(u: NDArray[Any], bits: int, k: int) -> float:
    """Return the regularizer ``R(B) = sum |B_k| / 2^n``, the L1 norm on the unit scale.

    Parameters and errors are those of `lsb`.

    Notes
    -----
    [S4.1], ``bitexact``: the int64 sum, divided once. On the unit scale lambda keeps its meaning
    while bits are dropped.
    """
    return lsb_l1_codes(u, bits, k) / 2 ** checks.bit_width(bits)


def lsb_l1_grad(u: NDArray[Any], bits: int, k: int) -> NDArray[Any]:
    """Return the gradient of the regularizer with respect to `u`: ``sign(B_k)``.

    Parameters and errors are those of `lsb`.

    Returns
    -------
    ndarray
        -1, 0 or 1, the shape and dtype of `u`.

    Notes
    -----
    [S4.2], ``bitexact``. The coarse code is held constant: through both terms of [S3.1] the
    straight-through gradient would be zero everywhere.
    """
    u = checks.unit_array("u", u)
    return np.asarray(np.sign(lsb(u, bits, k)).astype(u.dtype))
