"""The low bits and the force on them, in C [S3], [S4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix

__all__ = ["lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate"]


def lsb(u: NDArray[Any], bits: int, k: int) -> NDArray[np.int32]:
    """Slice the k low bits off by rounding [S3.1], ``bitexact``; as `msq_ref.reference.lsb`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    low = np.empty(u.shape, np.int32)
    call(f"lsb_{suffix(u.dtype)}", u.size, u, n, k, low)
    return low


def lsb_l1_codes(u: NDArray[Any], bits: int, k: int) -> int:
    """Return ``sum |B_k|`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1_codes`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    return int(call(f"lsb_l1_codes_{suffix(u.dtype)}", u.size, u, n, k))


def lsb_l1(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``sum |B_k| / 2^n`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    return float(call(f"lsb_l1_{suffix(u.dtype)}", u.size, u, n, k))


def lsb_l1_grad(u: NDArray[Any], bits: int, k: int) -> NDArray[Any]:
    """Return ``sign(B_k)`` [S4.2], ``bitexact``; as `msq_ref.reference.lsb_l1_grad`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    grad = np.empty(u.shape, u.dtype)
    call(f"lsb_l1_grad_{suffix(u.dtype)}", u.size, u, n, k, grad)
    return grad


def lsb_nonzero_rate(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``nnz(B_k) / size`` [S3.4], ``bitexact``; as `msq_ref.reference.lsb_nonzero_rate`."""
    checks.float_array("u", u, allow_empty=False)
    u, n, k = checks.slice_arguments(u, bits, k)
    return float(call(f"lsb_nonzero_rate_{suffix(u.dtype)}", u.size, u, n, k))
