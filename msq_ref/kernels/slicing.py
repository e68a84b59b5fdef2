"""Twins of `msq_ref.reference.slicing`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.fused import sliced
from msq_ref.kernels.roundclamp import roundclamp

__all__ = ["lsb", "lsb_nonzero_rate"]


def lsb(u: NDArray[Any], bits: int, k: int) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.lsb`, bit-identical [S3.1]."""
    n = checks.bit_width(bits)
    k = checks.slice_width(k, n)
    low = roundclamp(u, n)
    coarse = roundclamp(u, n - k)
    coarse <<= k
    low -= coarse
    return low


def lsb_nonzero_rate(u: NDArray[Any], bits: int, k: int) -> float:
    """Twin of `msq_ref.reference.lsb_nonzero_rate`, bit-identical [S3.4]."""
    u = checks.float_array("u", u, allow_empty=False)
    return sliced(u, bits, k).nonzero / u.size
