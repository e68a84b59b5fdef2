"""The compiled machine behind `hwsim.engine`: an array and a DRAM channel, stepped together.

In every cycle the DRAM channel moves what it can and the array does one of three things: a bit
plane of a reduction step, a cycle of drain, or nothing (a stall). All that is counted is counted
where it happens.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.chip import (
    ACCUMULATE,
    COL,
    COMPUTE,
    DONE,
    DRAIN,
    DRAM_I,
    DRAM_O,
    DRAM_W,
    I_READ,
    I_WRITTEN,
    LANE,
    O_READ,
    O_WRITTEN,
    PLANE,
    ROW,
    STALL,
    TERM,
    W_READ,
    W_WRITTEN,
    Arrays,
    Integers,
    Setup,
    Tile,
)

__all__ = ["FAULTS", "run"]

FAULTS = (
    "none",
    "a tile does not fit its buffer",
    "an input outside the tile's part of the image was read",
)
"""What a result of `run` says."""


@njit(cache=True, nogil=True)
def run(
    s: Setup, x: Integers, w: Integers, outputs: Integers, written: Integers, counters: Integers
) -> int:
    """Run all tiles of a layer.

    Parameters
    ----------
    s : Setup
    x : ndarray of int64, (height, width, groups, channels of a group)
    w : ndarray of int64, (K, groups, M)
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
        x, w, outputs, written, np.zeros((s.cols, s.lanes), np.int64),
        np.zeros((s.rows, s.cols), np.int64), np.zeros(s.cols, np.int64), np.zeros(6, np.int64),
        np.zeros(3, np.int64), counters,
    )  # fmt: skip
    m_ranges = (s.M + s.m_size - 1) // s.m_size
    p_ranges = (s.P + s.p_size - 1) // s.p_size
    outer, inner = (m_ranges, p_ranges) if s.weights_outer else (p_ranges, m_ranges)
    weights_there = inputs_there = -1
    for group in range(s.groups):
        for i in range(outer):
            for j in range(inner):
                m_range, p_range = (i, j) if s.weights_outer else (j, i)
                weights_wanted = group * m_ranges + m_range
                inputs_wanted = group * p_ranges + p_range
                tile = _tile(s, group, m_range, p_range)
                fits = _order(
                    s, tile, weights_wanted != weights_there, inputs_wanted != inputs_there, a.left
                )
                if not fits:
                    return 1
                weights_there, inputs_there = weights_wanted, inputs_wanted
                fault = _run_tile(s, tile, a)
                if fault:
                    return fault
    return 0


@njit(cache=True, nogil=True)
def _tile(s: Setup, group: int, m_range: int, p_range: int) -> Tile:
    """Return a tile with the rows and columns of the real image that its windows cover."""
    m_first, p_first = m_range * s.m_size, p_range * s.p_size
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
        min(max(top, 0), s.height), min(max(bottom, 0), s.height),
        min(max(left, 0), s.width), min(max(right, 0), s.width),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _order(s: Setup, tile: Tile, new_weights: bool, new_inputs: bool, left: Integers) -> bool:
    """Order a tile's transfers; False if it does not fit the buffers."""
    m, p = tile.m_end - tile.m_first, tile.p_end - tile.p_first
    seen = (tile.bottom - tile.top) * (tile.right - tile.left)
    left[0] = _whole_bytes(m * s.K * s.bits)
    left[1] = _whole_bytes(seen * s.channels * s.in_bits)
    left[2] = _whole_bytes(m * p * s.out_bits)
    fits = left[0] <= s.weight_room and left[1] <= s.input_room and left[2] <= s.output_room
    left[0] *= new_weights
    left[1] *= new_inputs
    return fits


@njit(cache=True, nogil=True)
def _whole_bytes(bits: int) -> int:
    return (bits + 7) // 8 * 8


@njit(cache=True, nogil=True)
def _run_tile(s: Setup, tile: Tile, a: Arrays) -> int:
    """Step array and channel until the tile is computed and moved; return a fault or 0.

    Double buffered, both work at once. Otherwise the array waits for the loads, and the outputs
    for the array.
    """
    for place in range(len(a.state)):
        a.state[place] = 0
    a.state[ROW], a.state[COL] = tile.m_first, tile.p_first
    while not a.state[DONE] or a.left[0] + a.left[1] + a.left[2] > 0:
        loaded, done = a.left[0] + a.left[1] == 0, a.state[DONE]
        _move(s, s.double_buffered or done, a)
        if not done and (s.double_buffered or loaded):
            if not _compute(s, tile, a):
                return 2
            a.counters[COMPUTE] += 1
        else:
            a.counters[STALL] += 1
    return 0


@njit(cache=True, nogil=True)
def _move(s: Setup, may_store: int, a: Arrays) -> None:
    """Let the DRAM channel move a cycle's bits: weights, then inputs, then outputs.

    A cycle goes one way: what the loads leave of their last one is not used for stores.
    """
    room = s.bits_per_cycle
    if a.left[0] + a.left[1] > 0:
        for kind, dram, buffer in ((0, DRAM_W, W_WRITTEN), (1, DRAM_I, I_WRITTEN)):
            moved = min(room, a.left[kind])
            room -= moved
            a.left[kind] -= moved
            a.counters[dram] += moved
            a.counters[buffer] += moved
    elif may_store:
        moved = min(room, a.left[2])
        a.left[2] -= moved
        a.counters[DRAM_O] += moved
        a.counters[O_READ] += moved


@njit(cache=True, nogil=True)
def _compute(s: Setup, tile: Tile, a: Arrays) -> bool:
    """Let the array work for a cycle; False if it asked for an input that is not on chip."""
    state = a.state
    if state[DRAIN] > 0:
        state[DRAIN] -= 1
        if state[DRAIN] == 0:
            _finish_pass(s, tile, a)
        return True
    cols, lanes = min(s.cols, tile.p_end - state[COL]), min(s.lanes, s.K - state[TERM])
    if state[PLANE] == 0:
        if state[TERM] == 0:
            for col in range(s.cols):
                a.sums[col] = 0
                for row in range(s.rows):
                    a.acc[row, col] = 0
        if not _fetch(s, tile, cols, lanes, a):
            return False
    _add_plane(s, tile, cols, lanes, a)
    state[PLANE] += 1
    if state[PLANE] == s.bits:
        state[PLANE] = 0
        state[TERM] += s.lanes
    if state[TERM] >= s.K:
        state[DRAIN] = s.drain
        if s.drain == 0:
            _finish_pass(s, tile, a)
    return True


@njit(cache=True, nogil=True)
def _fetch(s: Setup, tile: Tile, cols: int, lanes: int, a: Arrays) -> bool:
    """Fill the registers for a reduction step; False if an address is not on chip."""
    for col in range(cols):
        p = a.state[COL] + col
        for lane in range(lanes):
            k = a.state[TERM] + lane
            tap, channel = k // s.channels, k % s.channels
            row = (p // s.out_width) * s.stride - s.padding + tap // s.kernel_width
            column = (p % s.out_width) * s.stride - s.padding + tap % s.kernel_width
            value = 0
            if 0 <= row < s.height and 0 <= column < s.width:
                if not (tile.top <= row < tile.bottom and tile.left <= column < tile.right):
                    return False
                value = a.x[row, column, tile.group, channel]
                a.counters[I_READ] += s.in_bits
            a.registers[col, lane] = value
            if s.offset:
                a.sums[col] += value
                a.counters[LANE] += 1
        if s.offset:
            a.counters[ACCUMULATE] += 1
    return True


@njit(cache=True, nogil=True)
def _add_plane(s: Setup, tile: Tile, cols: int, lanes: int, a: Arrays) -> None:
    """AND a bit plane with the registers, add, shift, accumulate: all elements' work of a cycle."""
    plane = a.state[PLANE]
    # The top plane of two's complement counts negative.
    factor = -1 if plane == s.bits - 1 and not s.offset else 1
    for row in range(min(s.rows, tile.m_end - a.state[ROW])):
        for lane in range(lanes):
            bit = (a.w[a.state[TERM] + lane, tile.group, a.state[ROW] + row] >> plane) & 1
            a.counters[W_READ] += 1
            for col in range(cols):
                a.acc[row, col] += factor * ((-bit & a.registers[col, lane]) << plane)
                a.counters[LANE] += 1
        a.counters[ACCUMULATE] += cols


@njit(cache=True, nogil=True)
def _finish_pass(s: Setup, tile: Tile, a: Arrays) -> None:
    """Write the outputs of a pass and go on to the next; in the offset domain by [S9.1]."""
    for row in range(min(s.rows, tile.m_end - a.state[ROW])):
        for col in range(min(s.cols, tile.p_end - a.state[COL])):
            value = a.acc[row, col]
            if s.offset:
                value = 2 * value - ((1 << s.bits) - 1) * a.sums[col]
            p, m = a.state[COL] + col, tile.group * s.M + a.state[ROW] + row
            a.outputs[p, m] = value
            a.written[p, m] += 1
            a.counters[O_WRITTEN] += s.out_bits
    a.state[TERM] = 0
    a.state[COL] += s.cols
    if a.state[COL] >= tile.p_end:
        a.state[COL] = tile.p_first
        a.state[ROW] += s.rows
    a.state[DONE] = a.state[ROW] >= tile.m_end
