"""Bit planes of finished codes, in C [S3.3], [S9.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call

__all__ = ["bit_planes", "from_bit_planes"]


def bit_planes(codes: NDArray[Any], bits: int, signed: bool = False) -> NDArray[np.uint8]:
    """Split codes into bit planes [S3.3], ``bitexact``; as `msq_ref.reference.bit_planes`."""
    n = checks.bit_width(bits)
    low, high = checks.code_range(n, signed)
    c = checks.integer_array("codes", codes, low, high).astype(np.int32)
    planes = np.empty((n, *c.shape), np.uint8)
    call("bit_planes", c.size, c, n, planes)
    return planes


def from_bit_planes(planes: NDArray[Any], signed: bool = False) -> NDArray[np.int32]:
    """Put codes together [S3.3], ``bitexact``; as `msq_ref.reference.from_bit_planes`."""
    b = checks.integer_array("planes", planes, 0, 1).astype(np.uint8)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (bits, ...)")
    n = checks.bit_width(b.shape[0], name="planes.shape[0]")
    codes = np.empty(b.shape[1:], np.int32)
    call("from_bit_planes", codes.size, b, n, bool(signed), codes)
    return codes
