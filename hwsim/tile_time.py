"""What one tile moves, and how long the array waits for it: the heart of the closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.compiling import Kernel
from hwsim.places import (
    COMPUTE,
    DRAM_I,
    DRAM_O,
    DRAM_S,
    DRAM_W,
    I_WRITTEN,
    O_READ,
    S_READ,
    S_WRITTEN,
    STALL,
    W_WRITTEN,
    WAIT_I,
    WAIT_LATENCY,
    WAIT_O,
    WAIT_ROW,
    WAIT_S,
    WAIT_W,
)
from hwsim.problem import Problem

__all__ = ["add_tile", "up"]

Integers = NDArray[np.int64]


@Kernel
def up(a: int, b: int) -> int:
    """Return a / b rounded up."""
    return (a + b - 1) // b


@Kernel
def add_tile(
    s: Problem, times: int, compute: int, weights: int, inputs: int, sums_in: int, sums_out: int,
    outputs: int, out: Integers,
) -> None:  # fmt: skip
    """Add `times` tiles to the counters: cycles by cause, and traffic.

    Parameters
    ----------
    s : Problem
    times : int
    compute : int
        Cycles of work.
    weights, inputs, sums_in, sums_out, outputs : int
        Packed bytes that a tile loads and stores; 0 where it does not.
    out : ndarray of int64
        Counters, the fields of `Counts` in order.

    Notes
    -----
    The channel's cycles of a tile come in eight pieces: for what is loaded, latency, row misses,
    weights, inputs and partial sums; for what is stored, latency, row misses, then partial sums or
    outputs. Data of n bytes take the cycles up to ``ceil(8 n / bits_per_cycle)``, counted on from
    the data before. Double buffered, the first `compute` cycles are hidden behind the array's work
    (with one port only those in which no words move); what remains is stall [S10.4].
    """
    w, i, si, so, o = (
        _bursts(s, weights), _bursts(s, inputs), _bursts(s, sums_in), _bursts(s, sums_out),
        _bursts(s, outputs),
    )  # fmt: skip
    width = s.bits_per_cycle
    to_w, to_i = up(8 * w, width), up(8 * (w + i), width)
    loaded = up(8 * (w + i + si), width)
    to_so = up(8 * so, width)
    stored = up(8 * (so + o), width)
    # As integers: the sum of two truths of NumPy is a truth.
    streams = int(w > 0) + int(i > 0) + int(si > 0), int(so > 0) + int(o > 0)
    rows = _rows(s, w) + _rows(s, i) + _rows(s, si), _rows(s, so) + _rows(s, o)
    hidden = compute if s.double_buffered else 0
    stall = 0
    for place, length in (
        (WAIT_LATENCY, s.latency_cycles * streams[0]),
        (WAIT_ROW, s.row_miss_cycles * rows[0]),
        (WAIT_W, to_w),
        (WAIT_I, to_i - to_w),
        (WAIT_S, loaded - to_i),
        (WAIT_LATENCY, s.latency_cycles * streams[1]),
        (WAIT_ROW, s.row_miss_cycles * rows[1]),
        (WAIT_S, to_so),
        (WAIT_O, stored - to_so),
    ):
        covered = 0
        if s.ports == 2 or place in (WAIT_LATENCY, WAIT_ROW):
            covered = min(hidden, length)
        hidden -= covered
        stall += length - covered
        out[place] += times * (length - covered)
    out[COMPUTE] += times * compute
    out[STALL] += times * stall
    out[DRAM_W] += times * w
    out[DRAM_I] += times * i
    out[DRAM_S] += times * (si + so)
    out[DRAM_O] += times * o
    out[W_WRITTEN] += 8 * times * weights
    out[I_WRITTEN] += 8 * times * inputs
    out[S_WRITTEN] += 8 * times * sums_in
    out[S_READ] += 8 * times * sums_out
    out[O_READ] += 8 * times * outputs


@Kernel
def _bursts(s: Problem, size: int) -> int:
    return up(size, s.burst_bytes) * s.burst_bytes


@Kernel
def _rows(s: Problem, size: int) -> int:
    return up(size, s.row_bytes) if s.row_bytes else 0
