"""The product of 8-bit activations with 8-bit weights, exactly, in int32 [S9.2].

Where the processor multiplies bytes (VNNI, ``vpdpbusd``: four unsigned times four signed bytes,
added to an int32, without saturation), a tile of 8 rows by 32 columns stays in registers while it
runs through the common length. Elsewhere float32 BLAS is exact on pieces of the length short
enough for all sums to stay below 2^24.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.integer_tiles import byte_tile, tile_of
from msq_ref.kernels.memory import empty
from msq_ref.kernels.packing import byte_panels
from msq_ref.kernels.processor import has
from msq_ref.kernels.threads import run_parts, thread_count
from msq_ref.names import known_name

__all__ = ["INT8_PATHS", "Int8Weights", "int8_block", "int8_gemm", "int8_path", "pack_int8"]

INT8_PATHS = ("vnni", "blas")
"""Ways to compute: by instructions that add four products of bytes, or in float32 by BLAS."""

LANES, ROWS = 16, 8
"""Columns of a vector, and rows of a tile."""

LONGEST = (2**31 - 1) // (255 * 128)
"""Of sums that int32 surely holds."""

TILES = {vectors: tile_of(ROWS, vectors) for vectors in (1, 2)}

TOGETHER = 256
"""Rows that meet one panel of weights after the other; a second-level cache holds them."""

WORK = 2**27
"""Multiplications of a part: some 600 microseconds."""


BYTES = frozenset((np.dtype(np.uint8), np.dtype(np.int8)))


@dataclass(frozen=True)
class Int8Weights:
    """Weights (K, M) of int8 as a path reads them.

    Attributes
    ----------
    matrix : ndarray
        Panels of int8, or, for BLAS, (K, M) of float32.
    """

    path: str
    length: int
    outputs: int
    matrix: NDArray[Any]

    @cached_property
    def sums(self) -> NDArray[np.int32]:
        """Sum of each column, (M,)."""
        return int8_gemm(np.ones((1, self.length), np.uint8), self)[0]

    def begin(self, signed: bool) -> NDArray[np.int32]:
        """Return what to begin sums with, by column of all panels.

        Tiles multiply x + 128 where x is signed.
        """
        return self._lifted if signed and self.path == "vnni" else self._zeros

    @cached_property
    def _zeros(self) -> NDArray[np.int32]:
        return np.zeros(self.matrix.shape[0] * self.matrix.shape[-1] // 4, np.int32)

    @cached_property
    def _lifted(self) -> NDArray[np.int32]:
        begin = self._zeros.copy()
        begin[: self.outputs] = -128 * self.sums
        return begin


def int8_path(path: str | None = None) -> str:
    """Return a path of `INT8_PATHS` by name; None: what is fastest here.

    Raises
    ------
    ValueError
        If there is no such path, or this processor has no instructions for it.
    """
    there = has("avx512vnni", "avx512bw")
    if path is None:
        return "vnni" if there else "blas"
    if known_name("path", path, INT8_PATHS) == "vnni" and not there:
        raise ValueError("path = 'vnni': expected a processor with AVX-512 VNNI")
    return path


def pack_int8(w: NDArray[np.int8], path: str | None = None) -> Int8Weights:
    """Return int8 weights (K, M) as a path of `int8_gemm` reads them.

    Raises
    ------
    TypeError
        If `w` is not int8.
    ValueError
        If `w` is not a matrix, K is above 65793, so that an int32 sum might overflow [S9.2], or
        there is no such path.
    """
    checks.same_dtype("w", w.dtype, np.dtype(np.int8))
    if w.ndim != 2:
        raise ValueError(f"w has shape {w.shape}: expected (K, M)")
    checks.integer("w.shape[0]", w.shape[0], 0, LONGEST)
    chosen = int8_path(path)
    if chosen == "blas":
        matrix: NDArray[Any] = w.astype(np.float32)
    else:
        # Two vectors a tile, one where the second would be empty for the most part.
        vectors = 1 if -(-w.shape[1] // LANES) in (1, 3) else 2
        matrix = byte_panels(w, LANES * vectors)
    return Int8Weights(chosen, w.shape[0], w.shape[1], matrix)


def int8_gemm(
    x: NDArray[Any],
    w: Int8Weights | NDArray[np.int8],
    path: str | None = None,
    out: NDArray[np.int32] | None = None,
) -> NDArray[np.int32]:
    """Return ``x @ w`` exactly, for 8-bit integers.

    Parameters
    ----------
    x : ndarray of uint8 or int8, (P, K)
    w : Int8Weights or ndarray of int8, (K, M)
        From `pack_int8`, where they serve more than once.
    path : str, optional
        One of `INT8_PATHS`, if `w` is not packed yet.
    out : ndarray of int32, (P, M), C-contiguous, optional

    Returns
    -------
    ndarray of int32, (P, M)
        `out`, if it is given.

    Raises
    ------
    TypeError
        If `x` is not uint8 or int8, or `w` not int8.
    ValueError
        If shapes do not fit, K is above 65793 [S9.2], or there is no such path.

    Notes
    -----
    [S9.1], [S9.2], ``bitexact``.
    """
    if x.dtype not in BYTES:
        raise TypeError(f"x has dtype {x.dtype}: expected uint8 or int8")
    weights = w if isinstance(w, Int8Weights) else pack_int8(w, path)
    if x.ndim != 2 or x.shape[1] != weights.length:
        raise ValueError(f"x has shape {x.shape}: expected (P, {weights.length})")
    shape = len(x), weights.outputs
    if out is None:
        y = empty(shape, np.int32)
    else:
        y = out
        checks.same_dtype("out", y.dtype, np.dtype(np.int32))
        checks.same_shape("out", y.shape, shape)
    x = np.ascontiguousarray(x)
    begin = weights.begin(x.dtype == np.int8)
    if thread_count() == 1:  # integers are the same in any parts
        int8_block(x, weights, begin, y, (0, weights.outputs))
        return y
    width = 64 if weights.path == "blas" else weights.matrix.shape[2] // 4
    rows, columns = _parts(*shape, weights.length, width, WORK)

    def part(index: int) -> None:
        row, column = divmod(index, len(columns))
        first, last = rows[row]
        int8_block(x[first:last], weights, begin, y[first:last], columns[column])

    run_parts(part, len(rows) * len(columns), products=weights.path == "blas")
    return y


def int8_block(
    x: NDArray[Any], w: Int8Weights, begin: NDArray[np.int32], y: NDArray[np.int32],
    columns: tuple[int, int],
) -> None:  # fmt: skip
    """Write columns first to last - 1 of the product, on this thread; they begin a panel.

    `begin` is that of `w` for the dtype of `x`.
    """
    first, last = columns
    if y.size == 0 or w.length == 0:
        y[:, first:last] = 0
    elif w.path == "blas":
        _by_blas(x, w.matrix[:, first:last], y[:, first:last])
    else:
        width = w.matrix.shape[2] // 4
        _by_bytes(TILES[width // LANES], x, w.matrix, begin, y, first // width, -(-last // width))


@lru_cache(maxsize=256)
def _parts(
    rows: int, outputs: int, length: int, width: int, work: int
) -> tuple[list[Any], list[Any]]:
    """Cut rows, or, where they are few, columns by `width`: a matter of shapes only."""
    # Each part reads all weights: it should have rows enough to pay for that, if there are many.
    height = max(ROWS, work // max(1, length * outputs), min(TOGETHER, rows // 8))
    if rows > 4 * ROWS:
        return cut_whole(rows, height, ROWS), [(0, outputs)]
    wide = max(width, work // max(1, length * rows) // width * width)
    return [(0, rows)], cut_whole(outputs, wide, width)


def cut_whole(total: int, size: int, unit: int) -> list[tuple[int, int]]:
    """Cut a range in parts of about `size` that begin at multiples of `unit`.

    There are 1, 2, 4, ... parts, for as many threads.
    """
    units = -(-total // unit)
    count = min(units, 2 ** max(0, -(-total // max(1, size)) - 1).bit_length())
    parts = [(units * part // count, units * (part + 1) // count) for part in range(count)]
    return [(first * unit, min(total, last * unit)) for first, last in parts]


def _by_blas(x: NDArray[Any], w: NDArray[np.float32], y: NDArray[np.int32]) -> None:
    piece = (2**24 - 1) // (128 * (255 if x.dtype == np.uint8 else 128))
    y[...] = 0
    for k in range(0, len(w), piece):
        y += (x[:, k : k + piece].astype(np.float32) @ w[k : k + piece]).astype(np.int32)


@njit(cache=True, nogil=True)
def _by_bytes(tile: Any, x: Any, panels: Any, begin: Any, y: Any, q0: int, q1: int) -> None:
    count, length = x.shape
    rows, steps, columns = len(tile), panels.shape[1], panels.shape[2] // 4
    outputs = y.shape[1]
    # Rows that a tile would read past their end, and parts of a tile, go through room of their own.
    end = np.zeros((rows, 4 * steps), x.dtype)
    rest = np.empty((rows, columns), np.int32)
    first = np.empty(columns, np.int32)
    panels_of = q1 - q0
    for turn in range(-(-count // TOGETHER) * panels_of):  # all panels for a block of rows
        q, block = q0 + turn % panels_of, turn // panels_of * TOGETHER
        width = min(columns, outputs - q * columns)
        for m in range(columns):
            first[m] = begin[q * columns + m]
        for p in range(block, min(count, block + TOGETHER), rows):
            height = min(rows, count - p)
            inside = height == rows and (length % 4 == 0 or p + rows < count)
            to, weights = p * outputs + q * columns, q * steps * columns * 4
            if inside and width == columns:
                start = (to, p * length, weights)
                byte_tile(tile, y, x, panels, start, steps, (outputs, length), first)
            elif inside:
                start = (0, p * length, weights)
                byte_tile(tile, rest, x, panels, start, steps, (columns, length), first)
            else:
                for r in range(height):
                    for k in range(length):
                        end[r, k] = x[p + r, k]
                start = (0, 0, weights)
                byte_tile(tile, rest, end, panels, start, steps, (columns, 4 * steps), first)
            if not (inside and width == columns):
                for r in range(height):
                    for m in range(width):
                        y[p + r, q * columns + m] = rest[r, m]
