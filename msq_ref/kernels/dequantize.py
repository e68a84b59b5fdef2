"""Twins of `msq_ref.reference.dequantize`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

__all__ = ["dequantize", "effective", "effective_signed"]


def dequantize(codes: NDArray[Any], bits: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Twin of `msq_ref.reference.dequantize`, bit-identical [S2.3]."""
    n = checks.bit_width(bits)
    c = checks.code_array("codes", codes, n)
    kind = checks.float_dtype("dtype", dtype)
    q = np.empty(c.shape, kind)
    run_chunks(_dequantize, c.size, c.ravel(), kind.type(2**n - 1), q.ravel())
    return q


def effective(q: NDArray[Any], scale: float) -> NDArray[Any]:
    """Twin of `msq_ref.reference.effective`, bit-identical [S1.2]."""
    q = checks.unit_array("q", q)
    factor = checks.positive_scale("scale", scale, q.dtype)
    weights = np.empty_like(q)
    run_chunks(_effective, q.size, q.ravel(), factor, q.dtype.type(1), weights.ravel())
    return weights


def effective_signed(q: NDArray[Any], signs: NDArray[Any], scale: float) -> NDArray[Any]:
    """Twin of `msq_ref.reference.effective_signed`, bit-identical [S1.4]."""
    q = checks.unit_array("q", q)
    s = checks.sign_array("signs", signs, q.shape).astype(q.dtype)
    factor = checks.positive_scale("scale", scale, q.dtype)
    weights = np.empty_like(q)
    run_chunks(_effective_signed, q.size, q.ravel(), s.ravel(), factor, weights.ravel())
    return weights


@njit(cache=True, nogil=True)
def _dequantize(first: int, last: int, codes: Any, top: Any, q: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, codes.size)):
        q[i] = q.dtype.type(codes[i]) / top


@njit(cache=True, nogil=True)
def _effective(first: int, last: int, q: Any, scale: Any, one: Any, weights: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, q.size)):
        weights[i] = scale * ((q[i] + q[i]) - one)


@njit(cache=True, nogil=True)
def _effective_signed(
    first: int, last: int, q: Any, signs: Any, scale: Any, weights: Any
) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, q.size)):
        weights[i] = scale * signs[i] * q[i]
