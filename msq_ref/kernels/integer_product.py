"""Products of activation codes with integer weights, slice by slice, on any path [S9.1], [S9.2].

Paths multiply what suits them: int8 weights s, or unsigned codes s and activations lifted by half
their range. ``v = factor s + offset`` and ``x = x' - lift`` then give

``sum v x = factor (sum s x' - lift sum s) + offset sum x``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.bitserial_gemm import (
    PlaneWeights,
    bitserial_block,
    bitserial_tile,
    pack_weight_planes,
)
from msq_ref.kernels.int8_gemm import Int8Weights, cut_whole, int8_block, pack_int8
from msq_ref.kernels.memory import empty, scratch
from msq_ref.kernels.packing import code_planes, row_sums, words_for
from msq_ref.kernels.paths import Extent, choose_path, float_piece
from msq_ref.kernels.threads import run_parts

__all__ = ["IntegerWeights", "in_rows", "integer_product", "narrow", "pack_weights"]

SLICE = 2**18
"""Bytes of activations, or of their sums, in a slice: a good part of a second-level cache."""

WORK = 2**23
"""Products that are worth a thread: some 50 microseconds by the fastest path."""

ROWS = 8


@dataclass(frozen=True)
class IntegerWeights:
    """Weights v of integers, (K, M), as a path reads them.

    Attributes
    ----------
    packed : Int8Weights, PlaneWeights or ndarray
        What is multiplied: s, or, by the other paths, v itself in their dtype.
    factor, offset : int
    lifted : ndarray of int64, (M,)
        ``lift sum s``; empty where nothing is lifted.
    """

    path: str
    extent: Extent
    packed: Any
    factor: int
    offset: int
    lifted: NDArray[np.int64]


def pack_weights(
    v: NDArray[np.int32], extent: Extent, kind: str, path: str | None = None
) -> IntegerWeights:
    """Return integer weights v, (K, M), as a path reads them.

    Parameters
    ----------
    v : ndarray of int32
    extent : Extent
        Of the weights, and of the activations that they will meet.
    kind : str
        "offset": odd, ``2c - (2^n - 1)``; "signed": two's complement of n bits; "codes": unsigned.
    path : str, optional
        One of `PATHS`; None: what is in force here, or the fastest.

    Raises
    ------
    ValueError
        If the path would not be exact.
    """
    chosen, n = choose_path(extent, path), extent.bits
    none = np.zeros(0, np.int64)
    if chosen == "bitserial":
        s, factor, offset = _codes(v, n, kind)
        lift = 2 ** (extent.in_bits - 1) if extent.in_signed else 0
        lifted = lift * s.sum(axis=0, dtype=np.int64) if lift else none
        planes = pack_weight_planes(code_planes(np.ascontiguousarray(s.T), n))
        return IntegerWeights(chosen, extent, planes, factor, offset, lifted)
    if chosen == "int8":
        s, factor, offset = _bytes(v, n, kind)
        packed = pack_int8(s.astype(np.int8))
        return IntegerWeights(chosen, extent, packed, factor, offset, none)
    return IntegerWeights(chosen, extent, np.ascontiguousarray(v.astype(chosen)), 1, 0, none)


def _codes(v: NDArray[np.int32], n: int, kind: str) -> tuple[NDArray[np.int32], int, int]:
    """Return unsigned codes of n bits, factor and offset."""
    if kind == "offset":
        return (v + 2**n - 1) >> 1, 2, 1 - 2**n
    return (v + 2 ** (n - 1), 1, -(2 ** (n - 1))) if kind == "signed" else (v, 1, 0)


def _bytes(v: NDArray[np.int32], n: int, kind: str) -> tuple[NDArray[np.int32], int, int]:
    """Return what fits into int8, factor and offset."""
    if n < 8 or kind == "signed":
        return v, 1, 0
    return ((v - 1) >> 1, 2, 1) if kind == "offset" else (v - 128, 1, 128)


def narrow(x: NDArray[Any], extent: Extent) -> NDArray[Any]:
    """Return activation codes in the smallest dtype that holds their width."""
    for size in (1, 2, 4):
        if extent.in_bits <= 8 * size:
            return x.astype(f"{'i' if extent.in_signed else 'u'}{size}")
    return x.astype(np.int64)


def in_rows(x: NDArray[Any]) -> Callable[[int, int], NDArray[Any]]:
    """Return rows of a matrix as `integer_product` asks for them."""
    return lambda first, last: x[first:last]


def integer_product(
    rows: Callable[[int, int], NDArray[Any]], w: IntegerWeights, y: NDArray[np.int64]
) -> None:
    """Write ``x v``, parts of rows (or of columns, where rows are few) spread over threads.

    Parameters
    ----------
    rows : callable
        Returns rows first to last - 1 of x, C-contiguous, in the dtype of `narrow`.
    w : IntegerWeights, (K, M)
    y : ndarray of int64, (P, M)
    """
    count, outputs = y.shape
    length = max(1, w.extent.length)
    if count > 4 * ROWS:
        size = min(WORK // (length * max(1, outputs)), SLICE // max(length, 4 * outputs))
        parts = [(one, (0, outputs)) for one in cut_whole(count, max(size, ROWS), ROWS)]
    else:
        size = WORK // (length * max(1, count))
        parts = [((0, count), one) for one in cut_whole(outputs, size, 32)]

    multiply = {"bitserial": _by_planes, "int8": _by_bytes}.get(w.path, _by_matrix)

    def part(index: int) -> None:
        (first, last), columns = parts[index]
        multiply(rows(first, last), w, columns, y[first:last])

    by_blas = w.path in ("float32", "float64") or getattr(w.packed, "path", "") == "blas"
    run_parts(part, len(parts), products=by_blas)


def _by_planes(
    x: NDArray[Any], w: IntegerWeights, columns: tuple[int, int], y: NDArray[np.int64]
) -> None:
    packed: PlaneWeights = w.packed
    bits, signed = w.extent.in_bits, w.extent.in_signed
    planes = scratch("planes", (bits, len(x), words_for(x.shape[1])), np.uint64)
    code_planes(x, bits, signed, planes)
    acc = scratch("wide sums", y.shape, np.int64)
    bitserial_block(planes, (0, len(x)), packed, columns, acc, bitserial_tile())
    _finish(acc, _sums_of_rows(x), w, columns, y)


def _by_bytes(
    x: NDArray[Any], w: IntegerWeights, columns: tuple[int, int], y: NDArray[np.int64]
) -> None:
    packed: Int8Weights = w.packed
    acc = scratch("sums", y.shape, np.int32)
    int8_block(x, packed, packed.begin(w.extent.in_signed), acc, columns)
    _finish(acc, _sums_of_rows(x) if w.offset else _NO_SUMS, w, columns, y)


def _by_matrix(
    x: NDArray[Any], w: IntegerWeights, columns: tuple[int, int], y: NDArray[np.int64]
) -> None:
    matrix = w.packed[:, columns[0] : columns[1]]
    part = y[:, columns[0] : columns[1]]
    part[...] = 0
    if w.path == "int64":
        _multiply(x, matrix, part)
        return
    piece = float_piece(w.extent) if w.path == "float32" else max(1, len(matrix))
    for k in range(0, len(matrix), piece):
        left = x[:, k : k + piece].astype(matrix.dtype)
        part += (left @ matrix[k : k + piece]).astype(np.int64)


_NO_SUMS = np.zeros(0, np.int64)


def _sums_of_rows(x: NDArray[Any]) -> NDArray[np.int64]:
    sums = empty((len(x),), np.int64)
    row_sums(x, sums)
    return sums


def _finish(
    acc: NDArray[Any], sums: NDArray[np.int64], w: IntegerWeights, columns: tuple[int, int],
    y: NDArray[np.int64],
) -> None:  # fmt: skip
    _correct(acc, w.lifted, sums, w.factor, w.offset, y, *columns)


@njit(cache=True, nogil=True)
def _correct(
    acc: Any, lifted: Any, sums: Any, factor: int, offset: int, y: Any, first: int, last: int
) -> None:
    for p in range(y.shape[0]):
        line, out = acc[p], y[p]
        row = offset * sums[p] if len(sums) else 0
        if len(lifted):
            for m in range(np.uintp(first), np.uintp(last)):
                out[m] = factor * (np.int64(line[m]) - lifted[m]) + row
        else:
            for m in range(np.uintp(first), np.uintp(last)):
                out[m] = factor * np.int64(line[m]) + row


@njit(cache=True, nogil=True)
def _multiply(x: Any, v: Any, y: Any) -> None:
    for p in range(x.shape[0]):
        for k in range(x.shape[1]):
            factor = np.int64(x[p, k])
            if factor != 0:
                for m in range(v.shape[1]):
                    y[p, m] += factor * v[k, m]
