"""The unit interval to codes and back to weights, in C [S2], [S1.2], [S1.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix

__all__ = ["dequantize", "dorefa", "effective", "effective_signed", "roundclamp"]


def roundclamp(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits`` [S2.1], ``bitexact``; as `msq_ref.reference.roundclamp`."""
    return _quantize("roundclamp", u, bits)


def dorefa(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits - 1`` [S2.2], ``bitexact``; as `msq_ref.reference.dorefa`."""
    return _quantize("dorefa", u, bits)


def dequantize(codes: NDArray[Any], bits: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Map codes to the unit interval [S2.3], ``bitexact``; as `msq_ref.reference.dequantize`."""
    n = checks.bit_width(bits)
    c = checks.code_array("codes", codes, n)
    q = np.empty(c.shape, checks.float_dtype("dtype", dtype))
    call(f"dequantize_{suffix(q.dtype)}", c.size, c, n, q)
    return q


def effective(q: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * (2 q - 1)`` [S1.2], ``bitexact``; as `msq_ref.reference.effective`."""
    q = checks.unit_array("q", q)
    factor = checks.positive_scale("scale", scale, q.dtype)
    weights = np.empty(q.shape, q.dtype)
    call(f"effective_{suffix(q.dtype)}", q.size, q, float(factor), weights)
    return weights


def effective_signed(q: NDArray[Any], signs: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * sign * q`` [S1.4], ``bitexact``; as `msq_ref.reference.effective_signed`."""
    q = checks.unit_array("q", q)
    s = checks.sign_array("signs", signs, q.shape).astype(q.dtype)
    factor = checks.positive_scale("scale", scale, q.dtype)
    weights = np.empty(q.shape, q.dtype)
    call(f"effective_signed_{suffix(q.dtype)}", q.size, q, s, float(factor), weights)
    return weights


def _quantize(name: str, u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    codes = np.empty(u.shape, np.int32)
    call(f"{name}_{suffix(u.dtype)}", u.size, u, n, codes)
    return codes
