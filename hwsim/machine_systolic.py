"""A cycle of a systolic array of multipliers in the compiled machine.

An operand enters each row at the left and moves right, a cycle an element; row i begins i cycles
late. What moves down begins j cycles late in column j. Output-stationary: positions lie down the
array and outputs across, terms go by; activations move right, weights down, sums stay. Weight- and
input-stationary: terms lie down, outputs (positions) across, positions (outputs) go by; the
stationary operand is loaded a row a cycle, the other one moves right, sums move down to
accumulators at the lower edge, which keep them from a fold to the next. A fold is what the array
does at one place of its sides over the layer; no two overlap.
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
    LEFT,
    PHASE,
    ROW,
    STEP,
    TAP,
    VALUE,
)
from hwsim.machine_memory import ALL_BITS, put_result, read_inputs, read_weights
from hwsim.places import ACCUMULATE, LANE

__all__ = ["begin_systolic", "step_systolic"]

Integers = NDArray[np.int64]

TERMS_GO_BY, POSITIONS_GO_BY, OUTPUTS_GO_BY = range(3)
"""Output-, weight- and input-stationary."""

BEGUN = 1
"""A phase."""


@njit(cache=True, nogil=True)
def begin_systolic(setup: Any, array: Any) -> None:  # noqa: ANN401
    """Set the array to the first cycle of a tile; its places are zeros."""
    array.place[LEFT] = setup.tile_switch
    _begin_fold(array)


@njit(cache=True, nogil=True)
def step_systolic(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Let the array work for a cycle; number 0 of a tile comes with number 1 and does not count."""
    place = a.array.place
    if place[LEFT] > 0:
        place[LEFT] -= 1
        return
    for _ in range(1 if place[PHASE] == BEGUN else 2):
        _cycle(s, tile, a)
    place[PHASE] = BEGUN


@njit(cache=True, nogil=True)
def _begin_fold(array: Any) -> None:  # noqa: ANN401
    array.place[STEP] = 0
    array.inputs.fill(0)
    array.weights.fill(0)
    array.acc.fill(0)


@njit(cache=True, nogil=True)
def _cycle(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Do a cycle of a fold: let operands enter, move them on, multiply, and take what leaves."""
    array, place, dataflow = a.array, a.array.place, s.array.dataflow
    down, across, by = _sizes(s, tile)
    sums_stay = dataflow == TERMS_GO_BY
    load = 0 if sums_stay else s.array.rows
    rows, cols = min(s.array.rows, down - place[ROW]), min(s.array.cols, across - place[COL])
    at = place[STEP] - load
    if at < 0:  # a row of the operand that stays
        if place[STEP] < rows:
            for j in range(cols):
                term, line = place[ROW] + place[STEP], place[COL] + j
                value = _operand(s, tile, a, dataflow == POSITIONS_GO_BY, term, line)
                array.weights[place[STEP], j] = value
    else:
        _move(array.inputs)
        for i in range(rows):
            if 0 <= at - i < by:
                term, line = (at - i, place[ROW] + i) if sums_stay else (place[ROW] + i, at - i)
                array.inputs[i, 0] = _operand(s, tile, a, dataflow == OUTPUTS_GO_BY, term, line)
        if sums_stay:
            _move(array.weights.T)
            for j in range(cols):
                if 0 <= at - j < by:
                    array.weights[0, j] = _operand(s, tile, a, True, at - j, place[COL] + j)
            done = _multiply_here(at, rows, cols, by, array)
            a.counters[LANE] += done
            a.counters[ACCUMULATE] += done
        else:
            a.counters[LANE] += _multiply_down(at, rows, cols, by, array)
            first, last = place[ROW] == 0, place[ROW] + s.array.rows >= down
            a.counters[ACCUMULATE] += _leave(at - s.array.rows + 1, cols, by, first, array)
            if last:
                _put_leaving(s, tile, a, at - s.array.rows + 1, cols, by)
    place[STEP] += 1
    if place[STEP] < load + by + s.array.rows + s.array.cols - 2:
        return
    if sums_stay:
        for i in range(rows):
            for j in range(cols):
                m, p = tile.m_first + place[COL] + j, tile.p_first + place[ROW] + i
                put_result(s, tile, a, m, p, array.acc[i, j])
    place[ROW] += s.array.rows
    if place[ROW] >= down:
        place[ROW] = 0
        place[COL] += s.array.cols
    place[DONE] = place[COL] >= across
    _begin_fold(array)


@njit(cache=True, nogil=True)
def _sizes(s: Any, tile: Any) -> tuple[int, int, int]:  # noqa: ANN401
    """Return how much of the tile lies down the array, across it, and goes by."""
    m, p = tile.m_end - tile.m_first, tile.p_end - tile.p_first
    k = s.kernel_height * s.kernel_width * (tile.c_end - tile.c_first)
    if s.array.dataflow == TERMS_GO_BY:
        return p, m, k
    if s.array.dataflow == POSITIONS_GO_BY:
        return k, m, p
    return k, p, m


@njit(cache=True, nogil=True)
def _move(held: Integers) -> None:
    """Move what the elements hold one further along the second axis; zeros enter."""
    for i in range(held.shape[0]):
        for j in range(held.shape[1] - 1, 0, -1):
            held[i, j] = held[i, j - 1]
        held[i, 0] = 0


@njit(cache=True, nogil=True)
def _multiply_here(at: int, rows: int, cols: int, by: int, array: Any) -> int:  # noqa: ANN401
    """Multiply in every element, add to the sum that stays there; return how many do."""
    done = 0
    for i in range(rows):
        for j in range(cols):
            if 0 <= at - i - j < by:
                array.acc[i, j] += array.inputs[i, j] * array.weights[i, j]
                done += 1
    return done


@njit(cache=True, nogil=True)
def _multiply_down(at: int, rows: int, cols: int, by: int, array: Any) -> int:  # noqa: ANN401
    """Multiply in every element, add to the sum from above; return how many do."""
    falling, done = array.acc, 0
    for i in range(falling.shape[0] - 1, -1, -1):
        for j in range(falling.shape[1]):
            above = falling[i - 1, j] if i > 0 else 0
            falling[i, j] = above + array.inputs[i, j] * array.weights[i, j]
            done += i < rows and j < cols and 0 <= at - i - j < by
    return done


@njit(cache=True, nogil=True)
def _leave(number: int, cols: int, by: int, first: bool, array: Any) -> int:  # noqa: ANN401
    """Add the sums that leave the array to those of the folds before; return how many do."""
    done, edge = 0, array.acc.shape[0] - 1
    for j in range(cols):
        if 0 <= number - j < by:
            before = 0 if first else array.bits[j, number - j]
            array.bits[j, number - j] = before + array.acc[edge, j]
            done += 1
    return done


@njit(cache=True, nogil=True)
def _put_leaving(s: Any, tile: Any, a: Any, number: int, cols: int, by: int) -> None:  # noqa: ANN401
    """Hand over the sums that leave the array for the last time."""
    for j in range(cols):
        line, time = a.array.place[COL] + j, number - j
        if 0 <= time < by:
            m, p = (line, time) if s.array.dataflow == POSITIONS_GO_BY else (time, line)
            put_result(s, tile, a, tile.m_first + m, tile.p_first + p, a.array.bits[j, time])


@njit(cache=True, nogil=True)
def _operand(s: Any, tile: Any, a: Any, weight: bool, term: int, line: int) -> int:  # noqa: ANN401
    """Return the integer weight [S9.1] of an output, or what a position sees, at a term."""
    channels = tile.c_end - tile.c_first
    lanes = a.array.lanes
    lanes[TAP, 0], lanes[CHANNEL, 0] = term // channels, tile.c_first + term % channels
    if not weight:
        read_inputs(s, tile, a, 1, tile.p_first + line, ALL_BITS, lanes[VALUE])
        return lanes[VALUE, 0]
    read_weights(s, tile, a, 1, tile.m_first + line, ALL_BITS, lanes[VALUE])
    code = lanes[VALUE, 0]
    return 2 * code - ((1 << s.bits) - 1) if s.offset else code
