"""The DRAM channel of the compiled machine: what a tile has it move, and a cycle of it."""

from __future__ import annotations

from numba import njit

from hwsim.chip import Arrays, Setup, Tile
from hwsim.faults import IN_DRAM, NO_ROOM, NOWHERE, ON_CHIP
from hwsim.places import (
    DRAM_I,
    DRAM_O,
    DRAM_S,
    DRAM_W,
    I_WRITTEN,
    O_READ,
    S_READ,
    S_WRITTEN,
    W_WRITTEN,
    WAIT_I,
    WAIT_LATENCY,
    WAIT_O,
    WAIT_ROW,
    WAIT_S,
    WAIT_W,
)
from hwsim.widths import PARTIAL_SUM_BITS

__all__ = ["end_tile", "move", "order_tile"]

LOADS = 3
"""Streams of a tile that come, of 5: weights, inputs, partial sums; then two that go."""

_CAUSE = WAIT_W, WAIT_I, WAIT_S, WAIT_S, WAIT_O
_DRAM = DRAM_W, DRAM_I, DRAM_S, DRAM_S, DRAM_O
_BUFFER = W_WRITTEN, I_WRITTEN, S_WRITTEN, S_READ, O_READ


@njit(cache=True, nogil=True)
def order_tile(s: Setup, tile: Tile, a: Arrays, new_weights: bool, new_inputs: bool) -> None:
    """Order a tile's transfers, and say what will be on chip."""
    m, p = tile.m_end - tile.m_first, tile.p_end - tile.p_first
    channels = tile.c_end - tile.c_first
    seen = (tile.bottom - tile.top) * (tile.right - tile.left)
    weights = _whole_bytes(m * s.kernel_height * s.kernel_width * channels * s.bits)
    inputs = _whole_bytes(seen * channels * s.in_bits)
    sums, outputs = _whole_bytes(m * p * PARTIAL_SUM_BITS), _whole_bytes(m * p * s.out_bits)
    begun, finished = tile.c_first > 0, tile.c_end == s.channels

    a.left[:] = 0
    if new_weights:
        a.left[0] = weights
        a.weights[0], a.weights[1], a.weights[2] = tile.group, tile.m_first, tile.m_end
        a.weights[3], a.weights[4] = tile.c_first, tile.c_end
    if new_inputs:
        a.left[1] = inputs
        a.inputs[0], a.inputs[1], a.inputs[2] = tile.group, tile.top, tile.bottom
        a.inputs[3], a.inputs[4] = tile.left, tile.right
        a.inputs[5], a.inputs[6] = tile.c_first, tile.c_end
    if begun:
        first = tile.group * s.M + tile.m_first
        if a.place[tile.p_first, first] == IN_DRAM:
            a.left[2] = sums
            _copy_sums(s, tile, a, False)
    elif not finished:
        a.words[0] += m * p
    a.left[4] = outputs if finished else 0
    a.left[3] = 0 if finished or _stays(s) else sums
    for stream in range(5):
        _prepare(s, a, stream)

    # A layer whose reduction is not cut has outputs only, the others have partial sums as well.
    needed = a.words[0] * PARTIAL_SUM_BITS
    if (
        weights > s.weight_room
        or inputs > s.input_room
        or outputs > s.output_room
        or needed > s.output_room
    ):
        a.fault[0] = NO_ROOM


@njit(cache=True, nogil=True)
def end_tile(s: Setup, tile: Tile, a: Arrays) -> None:
    """Give back the room of what left the output buffer."""
    if tile.c_end < s.channels:
        if not _stays(s):
            _copy_sums(s, tile, a, True)
    elif tile.c_first > 0:
        a.words[0] -= (tile.m_end - tile.m_first) * (tile.p_end - tile.p_first)
        for p in range(tile.p_first, tile.p_end):
            for m in range(tile.m_first, tile.m_end):
                a.place[p, tile.group * s.M + m] = NOWHERE


@njit(cache=True, nogil=True)
def move(s: Setup, may_store: bool, a: Arrays) -> tuple[int, bool]:
    """Let the channel work for a cycle; return for what the array would wait, and whether it moves.

    What is loaded comes first. The requests for all streams of a direction go out together, so
    their first words and rows are waited for before anything moves. A cycle goes one way: what the
    loads leave of their last one is not used for stores.
    """
    loading = a.waits[0] + a.waits[1] + a.left[0] + a.left[1] + a.left[2] > 0
    if not loading and not may_store:
        return WAIT_O, False  # nothing to do: the array is at work
    first_wait, first, last = (0, 0, LOADS) if loading else (2, LOADS, 5)
    for wait, cause in ((first_wait, WAIT_LATENCY), (first_wait + 1, WAIT_ROW)):
        if a.waits[wait] > 0:
            a.waits[wait] -= 1
            return cause, False
    room, cause = s.bits_per_cycle, 0
    for stream in range(first, last):
        moved = min(room, a.left[stream])
        if moved == 0:
            continue
        if cause == 0:
            cause = _CAUSE[stream]
        room -= moved
        a.left[stream] -= moved
        a.counters[_DRAM[stream]] += moved
        # The end of a burst may be nothing that was asked for.
        wanted = moved - max(0, min(moved, a.padding[stream] - a.left[stream]))
        a.counters[_BUFFER[stream]] += wanted
    return cause, cause != 0


@njit(cache=True, nogil=True)
def _prepare(s: Setup, a: Arrays, stream: int) -> None:
    """Round a stream up to bursts, and add what its first word and its rows take."""
    bits = a.left[stream]
    bursts = (bits + s.burst_bits - 1) // s.burst_bits
    a.left[stream] = bursts * s.burst_bits
    a.padding[stream] = a.left[stream] - bits
    if stream == 0:
        a.waits[:] = 0
    wait = 0 if stream < LOADS else 2
    if bits > 0:
        a.waits[wait] += s.latency_cycles
        if s.row_bits > 0:
            rows = (a.left[stream] + s.row_bits - 1) // s.row_bits
            a.waits[wait + 1] += rows * s.row_miss_cycles


@njit(cache=True, nogil=True)
def _stays(s: Setup) -> bool:
    """Whether all partial sums fit that are live until a block of them is wanted again.

    These are the blocks that the loops inside that over channels go through.
    """
    m = s.M if s.outer == 2 or (s.middle == 2 and s.inner == 0) else s.m_size
    p = s.P if s.outer == 2 or (s.middle == 2 and s.inner == 1) else s.p_size
    return bool(m * p * PARTIAL_SUM_BITS <= s.output_room)


@njit(cache=True, nogil=True)
def _copy_sums(s: Setup, tile: Tile, a: Arrays, out: bool) -> None:
    """Take a block of partial sums to DRAM, or back on chip."""
    source, target = (a.sums, a.spilled) if out else (a.spilled, a.sums)
    words = (tile.m_end - tile.m_first) * (tile.p_end - tile.p_first)
    a.words[0] += -words if out else words
    for p in range(tile.p_first, tile.p_end):
        for m in range(tile.m_first, tile.m_end):
            output = tile.group * s.M + m
            target[p, output] = source[p, output]
            source[p, output] = 0
            a.place[p, output] = IN_DRAM if out else ON_CHIP


@njit(cache=True, nogil=True)
def _whole_bytes(bits: int) -> int:
    return (bits + 7) // 8 * 8
