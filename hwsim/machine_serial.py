"""A cycle of a bit-serial or bit-parallel array in the compiled machine.

A tile is a pause for the switch, and passes; a pass is a pause to fill, reduction steps, and a
pause to drain; a step is a cycle for each plane of the weights with each plane of the inputs. An
operand that comes in parallel has one plane, all its bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.array_places import (
    CHANNEL,
    COL,
    DONE,
    FACTOR,
    LEFT,
    PHASE,
    PLANES,
    ROW,
    SHIFT,
    STEP,
    SUM,
    TAP,
    VALUE,
    W_SLOT,
    X_SLOT,
)
from hwsim.machine_memory import ALL_BITS, look_at_inputs, put_result, read_inputs, read_weights
from hwsim.machine_planes import (
    accumulate,
    add_lanes,
    aim,
    keep,
    most_planes,
    nth_plane,
    sum_columns,
    take,
    together,
)
from hwsim.places import ACCUMULATE, IDLE, LANE

__all__ = ["begin_serial", "step_serial"]

Integers = NDArray[np.int64]

WORK, SWITCH, FILL, DRAIN = range(4)
"""Phases."""


@njit(cache=True, nogil=True)
def begin_serial(setup: Any, tile: Any, array: Any) -> None:  # noqa: ANN401
    """Set the array to the first cycle of a tile; its places are zeros."""
    array.place[ROW], array.place[COL] = tile.m_first, tile.p_first
    _begin_pass(setup.fill, array.place, array.acc, array.cols)
    if setup.tile_switch > 0:
        array.place[PHASE], array.place[LEFT] = SWITCH, setup.tile_switch


@njit(cache=True, nogil=True)
def step_serial(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Let the array work for a cycle."""
    place = a.array.place
    if place[PHASE] != WORK:
        place[LEFT] -= 1
        if place[LEFT] > 0:
            return
        if place[PHASE] == SWITCH:
            _begin_pass(s.array.fill, place, a.array.acc, a.array.cols)
            return
        if place[PHASE] == FILL:
            place[PHASE] = WORK
            return
    elif _work(s, tile, a):
        place[PHASE], place[LEFT] = DRAIN, s.array.drain
        if s.array.drain > 0:
            return
    else:
        return
    _finish_pass(s, tile, a)


@njit(cache=True, nogil=True)
def _begin_pass(fill: int, place: Integers, acc: Integers, cols: Integers) -> None:
    place[STEP] = place[W_SLOT] = place[X_SLOT] = 0
    acc.fill(0)
    cols.fill(0)
    place[PHASE], place[LEFT] = (FILL if fill > 0 else WORK), fill


@njit(cache=True, nogil=True)
def _work(s: Any, tile: Any, a: Any) -> bool:  # noqa: ANN401
    """Do a cycle of a reduction step, all elements at once; return whether it is the last one.

    An input's planes are read while the first plane of the weights is there, and a weight's in the
    first cycle in which it is.
    """
    setup, array, place = s.array, a.array, a.array.place
    channels = tile.c_end - tile.c_first
    rows, cols = min(setup.rows, tile.m_end - place[ROW]), min(setup.cols, tile.p_end - place[COL])
    taps = s.kernel_height * s.kernel_width
    lanes, steps = _terms(
        setup.by_tap, setup.lanes, taps, tile.c_first, channels, place[STEP], array.lanes
    )  # fmt: skip
    new_weights, new_inputs = place[X_SLOT] == 0, place[W_SLOT] == 0
    if new_weights and new_inputs:
        array.rows.fill((1 << s.bits) - 1 if setup.weights_serial else 1)
        array.cols[PLANES].fill((1 << s.in_bits) - 1 if setup.inputs_serial else 1)
        array.inputs.fill(0)
        _plan(s, tile, rows, cols, lanes, a)
    signed = setup.in_signed and setup.inputs_serial
    aim(setup.inputs_serial == 1, cols, place[X_SLOT], s.in_bits - 1 if signed else -1, array.cols)
    if new_inputs:
        for col in range(cols):
            if array.cols[FACTOR, col] != 0:
                plane = array.cols[SHIFT, col] if setup.inputs_serial else ALL_BITS
                read_inputs(s, tile, a, lanes, place[COL] + col, plane, array.lanes[VALUE])
                keep(array.inputs, col, lanes, array.lanes[VALUE], max(plane, 0))
    busy = take(setup.inputs_serial == 1, lanes, cols, array.inputs, array.bits, array.cols)
    serial = setup.weights_serial or setup.inputs_serial
    if new_inputs and s.offset and serial:
        sum_columns(lanes, cols, array.bits, array.cols)
        a.counters[LANE] += busy * lanes
        a.counters[ACCUMULATE] += busy
    working = 0
    for row in range(rows):
        plane = nth_plane(array.rows[row], place[W_SLOT]) if setup.weights_serial else 0
        if plane < 0:
            continue
        if new_weights:
            part = plane if setup.weights_serial else ALL_BITS
            read_weights(s, tile, a, lanes, place[ROW] + row, part, array.weights[row])
            if s.offset and not serial:
                array.weights[row] *= 2  # the integers of [S9.1], which a multiplier takes
                array.weights[row] -= (1 << s.bits) - 1
        # The top plane of two's complement counts negative.
        top = setup.weights_serial and plane == s.bits - 1 and not s.offset
        single_bits = setup.weights_serial == 1
        add_lanes(single_bits, array.weights[row], array.bits, lanes, cols, array.cols)
        accumulate(-1 if top else 1, plane, cols, array.cols, array.acc[row])
        working += busy
    a.counters[LANE] += working * lanes
    a.counters[ACCUMULATE] += working
    a.counters[IDLE] += (rows * cols - working) * lanes
    return _next_cycle(place, array.rows, rows, array.cols[PLANES], cols) and place[STEP] == steps


@njit(cache=True, nogil=True)
def _terms(
    by_tap: int, most: int, taps: int, c_first: int, channels: int, step: int, lanes: Integers
) -> tuple[int, int]:
    """Note kernel tap and channel of each lane; return how many work, and the steps of a pass."""
    row = channels if by_tap else taps * channels  # terms that steps may take together
    per_row = (row + most - 1) // most
    first = step % per_row * most
    working = min(most, row - first)
    for lane in range(working):
        term = step // per_row * row + first + lane
        lanes[TAP, lane], lanes[CHANNEL, lane] = term // channels, c_first + term % channels
    return working, per_row * (taps if by_tap else 1)


@njit(cache=True, nogil=True)
def _plan(s: Any, tile: Any, rows: int, cols: int, lanes: int, a: Any) -> None:  # noqa: ANN401
    """Note which planes of the step each row and column goes through, if zeros are skipped.

    Which are zero was found when the operands came into the buffers: to look is no reading.
    """
    array, place = a.array, a.array.place
    if s.array.skip_weights:
        for row in range(rows):
            found = 0
            for lane in range(lanes):
                tap, channel = array.lanes[TAP, lane], array.lanes[CHANNEL, lane]
                found |= a.w[tap, channel, tile.group, place[ROW] + row]
            array.rows[row] &= found
        if not s.array.by_line:
            together(array.rows, rows)
    if s.array.skip_inputs:
        for col in range(cols):
            look_at_inputs(s, tile, a, lanes, place[COL] + col, array.lanes[VALUE])
            found = 0
            for lane in range(lanes):
                found |= array.lanes[VALUE, lane]
            array.cols[PLANES, col] &= found
        if not s.array.by_line:
            together(array.cols[PLANES], cols)


@njit(cache=True, nogil=True)
def _next_cycle(
    place: Integers, row_planes: Integers, rows: int, col_planes: Integers, cols: int
) -> bool:
    """Go on to the next planes, or to the next step; return whether it is that."""
    place[X_SLOT] += 1
    if place[X_SLOT] < most_planes(col_planes, cols):
        return False
    place[X_SLOT] = 0
    place[W_SLOT] += 1
    if place[W_SLOT] < most_planes(row_planes, rows):
        return False
    place[W_SLOT] = 0
    place[STEP] += 1
    return True


@njit(cache=True, nogil=True)
def _finish_pass(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Hand over what a pass came to, by [S9.1] in the offset domain, and go on to the next."""
    place = a.array.place
    summed = s.offset and (s.array.weights_serial or s.array.inputs_serial)
    for row in range(min(s.array.rows, tile.m_end - place[ROW])):
        for col in range(min(s.array.cols, tile.p_end - place[COL])):
            value = a.array.acc[row, col]
            if summed:
                value = 2 * value - ((1 << s.bits) - 1) * a.array.cols[SUM, col]
            put_result(s, tile, a, place[ROW] + row, place[COL] + col, value)
    place[COL] += s.array.cols
    if place[COL] >= tile.p_end:
        place[COL] = tile.p_first
        place[ROW] += s.array.rows
    place[DONE] = place[ROW] >= tile.m_end
    _begin_pass(s.array.fill, place, a.array.acc, a.array.cols)
