"""The compiled machine behind `hwsim.engine`: an array and a DRAM channel, stepped together.

In every cycle the DRAM channel moves what it can and the array does a cycle of its work, or
nothing: a stall, for what the channel does in it. All that is counted is counted where it happens.
`hwsim.machine_array` has the array, `hwsim.channel` the channel, `hwsim.machine_memory` what lies
between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.channel import end_tile, move, order_tile
from hwsim.chip import Arrays, Integers, Setup, Tile
from hwsim.faults import BAD_SIZE, LEFT_SUM, NOWHERE
from hwsim.machine_array import DONE, ArrayState, begin_tile, step
from hwsim.places import COMPUTE, STALL

__all__ = ["run"]


@njit(cache=True, nogil=True)
def run(
    s: Setup, array: ArrayState, x: Integers, w: Integers, outputs: Integers, written: Integers,
    counters: Integers,
) -> int:  # fmt: skip
    """Run all tiles of a layer.

    Parameters
    ----------
    s : Setup
    array : ArrayState
        Zeros.
    x : ndarray of int64, (height, width, groups, channels of a group)
    w : ndarray of int64, (kernel taps, channels of a group, groups, M)
        Integers whose two's complement bits are the weights' planes.
    outputs : ndarray of int64, (P, groups * M)
        Zeros; filled with the accumulators.
    written : ndarray of int64, (P, groups * M)
        Zeros; filled with how often each output was written.
    counters : ndarray of int64
        Zeros; filled with the fields of `Counts`, in order, but DRAM traffic is in bits.

    Returns
    -------
    int
        0, or which of `FAULTS`.
    """
    a = Arrays(
        x, w, outputs, written, array, np.full(2, -1), np.zeros(5, np.int64),
        np.zeros(7, np.int64), np.zeros_like(outputs), np.zeros_like(outputs),
        np.zeros_like(outputs), np.zeros(1, np.int64), np.zeros(4, np.int64),
        np.zeros(5, np.int64), np.zeros(5, np.int64), np.zeros(1, np.int64), counters,
    )  # fmt: skip
    for whole, unit, size in (
        (s.M, s.m_unit, s.m_size), (s.P, s.p_unit, s.p_size), (s.channels, s.c_unit, s.c_size),
    ):  # fmt: skip
        if size < 1 or size > whole or (size < whole and size % unit != 0):
            return BAD_SIZE
    ranges = _ranges(s.M, s.m_size), _ranges(s.P, s.p_size), _ranges(s.channels, s.c_size)
    at = np.zeros(3, np.int64)  # of the ranges of outputs, positions and channels
    for group in range(s.groups):
        for i in range(ranges[s.outer]):
            for j in range(ranges[s.middle]):
                for k in range(ranges[s.inner]):
                    at[s.outer], at[s.middle], at[s.inner] = i, j, k
                    fault = _run_tile(s, _tile(s, group, at), at, ranges, a)
                    if fault:
                        return fault
    return LEFT_SUM if (a.place != NOWHERE).any() or a.words[0] != 0 else 0


@njit(cache=True, nogil=True)
def _ranges(whole: int, size: int) -> int:
    return (whole + size - 1) // size


@njit(cache=True, nogil=True)
def _tile(s: Setup, group: int, at: Integers) -> Tile:
    """Return a tile with the rows and columns of the real image that its windows cover."""
    m_first, p_first, c_first = at[0] * s.m_size, at[1] * s.p_size, at[2] * s.c_size
    p_end = min(p_first + s.p_size, s.P)
    first_row, last_row = p_first // s.out_width, (p_end - 1) // s.out_width
    top = first_row * s.stride - s.padding
    bottom = last_row * s.stride - s.padding + s.kernel_height
    left, right = 0, s.width
    if first_row == last_row:
        left = (p_first % s.out_width) * s.stride - s.padding
        right = ((p_end - 1) % s.out_width) * s.stride - s.padding + s.kernel_width
    return Tile(
        group, m_first, min(m_first + s.m_size, s.M), p_first, p_end,
        c_first, min(c_first + s.c_size, s.channels),
        min(max(top, 0), s.height), min(max(bottom, 0), s.height),
        min(max(left, 0), s.width), min(max(right, 0), s.width),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _run_tile(
    s: Setup, tile: Tile, at: Integers, ranges: tuple[int, int, int], a: Arrays
) -> int:  # fmt: skip
    """Step array and channel until the tile is computed and moved; return a fault or 0.

    Double buffered, both work at once, but for the cycles in which words move if the buffers have
    one port. Otherwise the array waits for the loads, and the outputs for the array.
    """
    weights = (tile.group * ranges[0] + at[0]) * ranges[2] + at[2]
    inputs = (tile.group * ranges[1] + at[1]) * ranges[2] + at[2]
    order_tile(s, tile, a, a.there[0] != weights, a.there[1] != inputs)
    a.there[0], a.there[1] = weights, inputs
    begin_tile(s, tile, a)
    done = False
    while a.fault[0] == 0 and not (done and a.waits.sum() + a.left.sum() == 0):
        loaded = a.waits[0] + a.waits[1] + a.left[0] + a.left[1] + a.left[2] == 0
        cause, moves = move(s, s.double_buffered == 1 or done, a)
        free = loaded if s.double_buffered == 0 else s.ports == 2 or not moves
        if free and not done:
            step(s, tile, a)
            a.counters[COMPUTE] += 1
            done = a.array.place[DONE] != 0
        else:
            a.counters[STALL] += 1
            a.counters[cause] += 1
    end_tile(s, tile, a)
    return int(a.fault[0])
