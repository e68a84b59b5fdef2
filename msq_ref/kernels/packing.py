"""Codes as tiles read them: packed bit planes, and weights in panels of columns [S9.3].

A panel holds what a tile needs of its columns in the order in which it reads it, so that the
innermost loop walks straight through memory. Ends are filled up with 0, which adds nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import DTypeLike, NDArray

from msq_ref.kernels.integer_tiles import VECTOR_BYTES
from msq_ref.kernels.packing_vectors import interleave, split_bits
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.reference.planes import WORD

__all__ = ["aligned_zeros", "byte_panels", "code_planes", "plane_panels", "row_sums", "words_for"]


PART_BYTES = 2**17
"""Of weights that are worth a part of their own."""


def words_for(length: int) -> int:
    """Return the number of 64-bit words that hold a bit of each of so many codes."""
    return -(-length // WORD)


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros that begins on a cache line."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    raw = np.zeros(size + VECTOR_BYTES, np.uint8)
    start = -raw.ctypes.data % VECTOR_BYTES
    return raw[start : start + size].view(kind).reshape(shape)


def byte_panels(w: NDArray[np.int8], columns: int) -> NDArray[np.int8]:
    """Return (K, M) as (panels, K / 4, columns * 4): four values of k for each column in turn."""
    length, outputs = w.shape
    panels = aligned_zeros((-(-outputs // columns), -(-length // 4), columns * 4), np.int8)
    w = np.ascontiguousarray(w)
    parts = cut(len(panels), max(1, PART_BYTES // max(1, length * columns)))
    run_parts(lambda part: _byte_panels(w, panels, *parts[part]), len(parts))
    return panels


def code_planes(
    codes: NDArray[Any], bits: int, signed: bool = False, out: NDArray[np.uint64] | None = None
) -> NDArray[np.uint64]:
    """Pack the bits of codes along their rows; signed ones become unsigned by ``+ 2^(bits-1)``.

    Parameters
    ----------
    codes : ndarray of integers, (lines, K), C-contiguous
        In the range of the width; not checked.
    bits : int
        1 to 16.
    signed : bool
        Two's complement codes.
    out : ndarray of uint64, (bits, lines, ceil(K / 64)), optional

    Returns
    -------
    ndarray of uint64, (bits, lines, ceil(K / 64))
        As `msq_ref.reference.pack_planes` of the bit planes gives them.
    """
    lines, length = codes.shape
    planes = np.empty((bits, lines, words_for(length)), np.uint64) if out is None else out
    for first in range(0, bits, 8):
        last = min(bits, first + 8)
        eight = codes if codes.itemsize == 1 else (codes >> first).astype(np.uint8)
        _code_planes(eight.view(np.uint8), signed and last == bits, planes[first:last])
    return planes


def plane_panels(planes: NDArray[np.uint64], columns: int) -> NDArray[np.uint64]:
    """Return packed planes (bits, M, words) as (panels, bits, words, columns)."""
    bits, outputs, words = planes.shape
    panels = aligned_zeros((-(-outputs // columns), bits, words, columns), np.uint64)
    _plane_panels(np.ascontiguousarray(planes), panels)
    return panels


def row_sums(x: NDArray[Any], sums: NDArray[np.int64]) -> None:
    """Write the sum of every row of (lines, K), of integers of up to 16 bits."""
    _row_sums(x, sums)


# Indices are made unsigned where they are known not to be negative: the loops become vectors.


@njit(cache=True, nogil=True)
def _byte_panels(w: Any, panels: Any, q0: int, q1: int) -> None:
    length, outputs = w.shape
    columns, steps = panels.shape[2] // 4, panels.shape[1]
    for q in range(q0, q1):
        width = min(columns, outputs - q * columns)
        for k in range(steps):
            if 4 * k + 4 <= length and width == columns:
                for m in range(0, columns, 16):
                    interleave(
                        panels, ((q * steps + k) * columns + m) * 4,
                        w, 4 * k * outputs + q * columns + m, outputs,
                    )  # fmt: skip
            else:
                for r in range(min(4, length - 4 * k)):
                    for m in range(width):
                        panels[q, k, 4 * m + r] = w[4 * k + r, q * columns + m]


@njit(cache=True, nogil=True)
def _code_planes(codes: Any, signed: bool, planes: Any) -> None:
    lines, length = codes.shape
    bits = planes.shape[0]
    end = np.zeros(64, np.uint8)
    words = planes.shape[2]
    plane = lines * words if bits > 1 else 0
    for line in range(lines):
        for word in range(words):
            at, rest = line * length + 64 * word, min(64, length - 64 * word)
            valid = ~np.uint64(0) >> np.uint64(64 - rest)
            to = line * words + word
            if at + 64 <= codes.size:
                split_bits(planes, to, plane, codes, at, bits, valid, signed)
            else:
                for k in range(rest):
                    end[k] = codes[line, 64 * word + k]
                split_bits(planes, to, plane, end, 0, bits, valid, signed)


@njit(cache=True, nogil=True)
def _plane_panels(planes: Any, panels: Any) -> None:
    bits, outputs, words = planes.shape
    columns = panels.shape[3]
    for q in range(panels.shape[0]):
        for m in range(min(columns, outputs - q * columns)):
            for bit in range(bits):
                for word in range(words):
                    panels[q, bit, word, m] = planes[bit, q * columns + m, word]


@njit(cache=True, nogil=True)
def _row_sums(x: Any, sums: Any) -> None:
    for line in range(x.shape[0]):
        row = x[line]
        sums[line] = 0
        for first in range(0, x.shape[1], 2**14):
            total = np.int32(0)
            for k in range(np.uintp(first), np.uintp(min(x.shape[1], first + 2**14))):
                total = np.int32(total + np.int32(row[k]))
            sums[line] += total
