"""Everything a training step needs of a layer's weights, as one operation [S2]-[S4]."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.dequantize import dequantize
from msq_ref.reference.regularizer import lsb_l1_codes, lsb_l1_grad
from msq_ref.reference.roundclamp import roundclamp
from msq_ref.reference.slicing import lsb

__all__ = ["Sliced", "sliced"]


class Sliced(NamedTuple):
    """What `sliced` returns."""

    q: NDArray[Any]
    """Dequantized RoundClamp codes [S2.1], [S2.3]; the dtype of u."""
    lsb_grad: NDArray[Any]
    """Gradient of the regularizer with respect to u [S4.2]; the dtype of u."""
    l1_codes: int
    """``sum |B_k|`` in code units [S4.1]."""
    nonzero: int
    """Number of weights whose low bits are not zero [S3.4]."""


def sliced(u: NDArray[Any], bits: int, k: int) -> Sliced:
    """Quantize, slice and regularize at once; the twin does so in a single pass over memory.

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
    Sliced

    Raises
    ------
    TypeError
        If `u` is not float32 or float64.
    ValueError
        If `u` leaves [0, 1], is not finite, or `bits` or `k` is out of range.

    Notes
    -----
    ``bitexact``: a composition of the operations named in `Sliced`.
    """
    u = checks.unit_array("u", u)
    return Sliced(
        q=dequantize(roundclamp(u, bits), bits, u.dtype),
        lsb_grad=lsb_l1_grad(u, bits, k),
        l1_codes=lsb_l1_codes(u, bits, k),
        nonzero=int(np.count_nonzero(lsb(u, bits, k))),
    )
