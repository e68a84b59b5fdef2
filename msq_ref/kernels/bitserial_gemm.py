"""The product of codes from their packed bit planes: AND, count the ones, shift, add [S9.3].

``sum_k c_k x_k = sum_ij 2^(i+j) sum_k ones(x_ik AND c_jk)``, 64 values of k in a word, summed with
the highest i + j first and doubled as it falls (Horner's rule): one shift for all pairs of planes
with the same i + j. A tile of 8 rows by 8 columns stays in registers throughout.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.int8_gemm import cut_whole
from msq_ref.kernels.integer_tiles import ones_tile, tile_of
from msq_ref.kernels.memory import empty
from msq_ref.kernels.packing import plane_panels
from msq_ref.kernels.processor import has
from msq_ref.kernels.threads import run_parts, thread_count
from msq_ref.names import known_name
from msq_ref.reference.planes import WORD

__all__ = [
    "BITSERIAL_TILES",
    "PlaneWeights",
    "bitserial_block",
    "bitserial_gemm",
    "bitserial_tile",
    "horner_plan",
    "pack_weight_planes",
    "packed_planes",
]

LANES = 8
"""Columns of a vector."""

BITSERIAL_TILES = {"wide": 8, "narrow": 4, "plain": 0}
"""Rows of a tile: 8 for registers of 64 bytes, 4 for narrower ones, 0: plain loops."""

NEAR = 2**13
"""Bytes of rows that meet a panel of weights after the other: a quarter of a first-level cache."""

WORK = 2**22
"""Words of 64 products in a part, at least: some 200 microseconds."""

SHARES = 4
"""Parts of a thread, at most: each costs 2 microseconds to begin."""


@dataclass(frozen=True)
class PlaneWeights:
    """Packed planes of unsigned weight codes, in panels of 8 columns.

    Attributes
    ----------
    panels : ndarray of uint64, (panels, bits, words, 8)
    """

    outputs: int
    panels: NDArray[np.uint64]


def pack_weight_planes(planes: NDArray[np.uint64]) -> PlaneWeights:
    """Return packed planes (bits, M, words) as `bitserial_gemm` reads them."""
    planes = packed_planes("planes", planes)
    return PlaneWeights(planes.shape[1], plane_panels(planes, LANES))


def bitserial_gemm(
    x_planes: NDArray[np.uint64],
    w: PlaneWeights,
    tile: str | None = None,
    out: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return ``sum_ij 2^(i+j) sum_k ones(x_i AND w_j)``: the product of unsigned codes.

    Parameters
    ----------
    x_planes : ndarray of uint64, (a, P, words)
        Packed planes of activation codes, 1 to 16.
    w : PlaneWeights
        From `pack_weight_planes`, of as many words.
    tile : str, optional
        One of `BITSERIAL_TILES`; None: what suits the processor.
    out : ndarray of int64, (P, M), C-contiguous, optional

    Returns
    -------
    ndarray of int64, (P, M)
        `out`, if it is given.

    Raises
    ------
    TypeError
        If an array is not uint64.
    ValueError
        If shapes do not fit, there are so many words that int64 could overflow [S9.2], or there is
        no such tile.

    Notes
    -----
    [S9.3], ``bitexact``.
    """
    x_planes = packed_planes("x_planes", x_planes)
    if x_planes.shape[2] != w.panels.shape[2]:
        raise ValueError(
            f"x_planes has shape {x_planes.shape}: expected (bits, lines, {w.panels.shape[2]})"
        )
    shape = x_planes.shape[1], w.outputs
    y = empty(shape, np.int64) if out is None else out
    checks.same_dtype("out", y.dtype, np.dtype(np.int64))
    checks.same_shape("out", y.shape, shape)
    x_planes, rows_of = np.ascontiguousarray(x_planes), bitserial_tile(tile)
    words = len(x_planes) * w.panels[0:1].size // LANES
    threads = thread_count()  # integers are the same in any parts
    work = max(WORK, words * shape[0] * w.outputs // (SHARES * threads))
    if threads == 1:
        rows, columns = [(0, shape[0])], [(0, w.outputs)]
    elif shape[0] > 4 * LANES:
        rows = cut_whole(shape[0], work // max(1, words * w.outputs), LANES)
        columns = [(0, w.outputs)]
    else:
        rows = [(0, shape[0])]
        columns = cut_whole(w.outputs, work // max(1, words * shape[0]), LANES)

    def part(index: int) -> None:
        row, column = divmod(index, len(columns))
        bitserial_block(x_planes, rows[row], w, columns[column], y, rows_of)

    run_parts(part, len(rows) * len(columns))
    return y


def bitserial_block(
    x_planes: NDArray[np.uint64],
    rows: tuple[int, int],
    w: PlaneWeights,
    columns: tuple[int, int],
    y: NDArray[np.int64],
    tile: tuple[Any, ...],
) -> None:
    """Write rows and columns, first to last - 1 of each, on this thread; they begin a panel."""
    plan = horner_plan(len(x_planes), w.panels.shape[1])
    if x_planes.shape[2] == 0:
        y[rows[0] : rows[1], columns[0] : columns[1]] = 0
    elif y.size == 0:
        return
    elif tile:
        q = columns[0] // LANES, -(-columns[1] // LANES)
        line = 8 * len(x_planes) * x_planes.shape[2]
        together = max(1, NEAR // (line * len(tile))) * len(tile)
        _by_tiles(tile, x_planes, w.panels, plan, y, *rows, *q, together)
    else:
        _plain(x_planes, w.panels, plan, y, *rows, *columns)


def packed_planes(name: str, value: object) -> NDArray[np.uint64]:
    """Return packed planes (bits, lines, words), of so few words that no sum can overflow."""
    planes = np.asarray(value)
    if planes.dtype.kind != "u" or planes.dtype.itemsize != 8:
        raise TypeError(f"{name} has dtype {planes.dtype}: expected uint64")
    if planes.ndim != 3:
        raise ValueError(f"{name} has shape {planes.shape}: expected (bits, lines, words)")
    checks.bit_width(planes.shape[0], name=f"{name}.shape[0]")
    # Two codes of 16 bits multiply to less than 2^32; 2^31 products of them stay below 2^63.
    checks.integer(f"{name}.shape[2]", planes.shape[2], 0, 2**31 // WORD)
    return planes.astype(np.uint64, copy=False)


@cache
def horner_plan(a: int, n: int) -> NDArray[np.int64]:
    """Return (i, j, how much i + j fell) for all pairs of planes, the highest i + j first."""
    pairs = sorted(((i, j) for i in range(a) for j in range(n)), key=sum, reverse=True)
    places = [i + j for i, j in pairs]
    fell = [0, *(before - now for before, now in itertools.pairwise(places))]
    plan = np.array([(*pair, fall) for pair, fall in zip(pairs, fell, strict=True)], np.int64)
    plan.setflags(write=False)
    return plan


def bitserial_tile(name: str | None = None) -> tuple[Any, ...]:
    """Return a tile of `BITSERIAL_TILES` by name, or the one for this processor."""
    if name is None:
        wide, vectors = has("avx512vpopcntdq"), has("avx2") or has("neon")
        name = "wide" if wide else "narrow" if vectors else "plain"
    rows = BITSERIAL_TILES[known_name("tile", name, BITSERIAL_TILES)]
    return tile_of(rows, 1) if rows else ()


@njit(cache=True, nogil=True)
def _by_tiles(
    tile: Any, x: Any, panels: Any, plan: Any, y: Any, p0: int, p1: int, q0: int, q1: int,
    together: int,
) -> None:  # fmt: skip
    rows, lines, words = len(tile), x.shape[1], x.shape[2]
    columns, outputs = panels.shape[3], y.shape[1]
    panel, plane = panels.shape[1] * words * columns, words * columns
    end = np.zeros((x.shape[0], rows, words), np.uint64)
    rest = np.empty((rows, columns), np.int64)
    panels_of = q1 - q0
    for turn in range(-(-(p1 - p0) // together) * panels_of):  # all panels for a block of rows
        q, block = q0 + turn % panels_of, p0 + turn // panels_of * together
        width = min(columns, outputs - q * columns)
        for p in range(block, min(p1, block + together), rows):
            height = min(rows, p1 - p)
            if height == rows and width == columns:
                start = (p * outputs + q * columns, p * words, q * panel)
                ones_tile(
                    tile, y, x, panels, start, words, (outputs, words), plan,
                    (lines * words, plane),
                )  # fmt: skip
                continue
            if height == rows:
                start = (0, p * words, q * panel)
                ones_tile(
                    tile, rest, x, panels, start, words, (columns, words), plan,
                    (lines * words, plane),
                )  # fmt: skip
            else:
                for i in range(x.shape[0]):
                    for r in range(height):
                        for word in range(words):
                            end[i, r, word] = x[i, p + r, word]
                start = (0, 0, q * panel)
                ones_tile(
                    tile, rest, end, panels, start, words, (columns, words), plan,
                    (rows * words, plane),
                )  # fmt: skip
            for r in range(height):
                for m in range(width):
                    y[p + r, q * columns + m] = rest[r, m]


@njit(cache=True, nogil=True)
def _plain(
    x: Any, panels: Any, plan: Any, y: Any, p0: int, p1: int, m0: int, m1: int
) -> None:
    columns = panels.shape[3]
    for p in range(p0, p1):
        for m in range(m0, m1):
            total = np.int64(0)
            for pair in range(plan.shape[0]):
                i, j = plan[pair, 0], plan[pair, 1]
                total <<= plan[pair, 2]
                for word in range(x.shape[2]):
                    total += _ones(x[i, p, word] & panels[m // columns, j, word, m % columns])
            y[p, m] = total


@intrinsic
def _ones(_context: Any, _word: Any) -> Any:
    """Count the ones of a 64-bit word in one instruction where the processor has it."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate
