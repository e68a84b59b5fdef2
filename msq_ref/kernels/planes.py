"""Twins of `msq_ref.reference.planes`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.packing import code_planes, words_for

__all__ = ["bit_planes", "from_bit_planes", "pack_planes"]


def bit_planes(codes: NDArray[Any], bits: int, signed: bool = False) -> NDArray[np.uint8]:
    """Twin of `msq_ref.reference.bit_planes`, bit-identical [S3.3]."""
    n = checks.bit_width(bits)
    low, high = checks.code_range(n, signed)
    c = checks.integer_array("codes", codes, low, high).astype(np.int32)
    planes = np.empty((n, *c.shape), np.uint8)
    _bit_planes(c.ravel(), planes.reshape(n, c.size))
    return planes


def from_bit_planes(planes: NDArray[Any], signed: bool = False) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.from_bit_planes`, bit-identical [S3.3]."""
    b = checks.integer_array("planes", planes, 0, 1).astype(np.uint8)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (bits, ...)")
    n = checks.bit_width(b.shape[0], name="planes.shape[0]")
    codes = np.zeros(b.shape[1:], np.int32)
    _from_bit_planes(b.reshape(n, codes.size), bool(signed), codes.ravel())
    return codes


def pack_planes(planes: NDArray[Any]) -> NDArray[np.uint64]:
    """Twin of `msq_ref.reference.pack_planes`, bit-identical [S9.3]."""
    b = checks.integer_array("planes", planes, 0, 1).astype(np.uint8)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (..., K)")
    words = np.zeros((*b.shape[:-1], words_for(b.shape[-1])), np.uint64)
    lines = math.prod(b.shape[:-1])
    code_planes(b.reshape(lines, b.shape[-1]), 1, out=words.reshape(1, lines, words.shape[-1]))
    return words


@njit(cache=True, nogil=True)
def _bit_planes(codes: Any, planes: Any) -> None:
    for j in range(planes.shape[0]):
        for i in range(codes.size):
            planes[j, i] = np.uint8((codes[i] >> j) & 1)


@njit(cache=True, nogil=True)
def _from_bit_planes(planes: Any, signed: bool, codes: Any) -> None:
    n = planes.shape[0]
    for j in range(n):
        weight = np.int32(1 << j)
        if signed and j == n - 1:
            weight = -weight
        for i in range(codes.size):
            codes[i] += weight * np.int32(planes[j, i])
