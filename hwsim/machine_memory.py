"""What the array of the compiled machine reads from its buffers, and writes to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.array_places import CHANNEL, TAP
from hwsim.faults import NO_INPUT, NO_SUM, NO_WEIGHT, ON_CHIP
from hwsim.places import ACCUMULATE, I_READ, O_WRITTEN, S_READ, S_WRITTEN, W_READ
from hwsim.widths import PARTIAL_SUM_BITS

__all__ = ["ALL_BITS", "look_at_inputs", "put_result", "read_inputs", "read_weights"]

Integers = NDArray[np.int64]

ALL_BITS = -1
"""In place of a plane: the whole number."""


@njit(cache=True, nogil=True)
def read_weights(s: Any, tile: Any, a: Any, lanes: int, m: int, plane: int, to: Integers) -> None:  # noqa: ANN401
    """Read a bit of each lane's weight, or all, of an output of the tile's group.

    Which kernel tap and channel a lane has stands in the array. All bits of a weight are a code in
    the offset domain, else a signed number.
    """
    there = a.weights
    known = there[0] == tile.group and there[1] <= m < there[2]
    for lane in range(lanes):
        channel = a.array.lanes[CHANNEL, lane]
        if not (known and there[3] <= channel < there[4]):
            a.fault[0] = NO_WEIGHT
            return
        value = a.w[a.array.lanes[TAP, lane], channel, tile.group, m]
        to[lane] = value if plane == ALL_BITS else (value >> plane) & 1
    a.counters[W_READ] += lanes * (s.bits if plane == ALL_BITS else 1)


@njit(cache=True, nogil=True)
def read_inputs(s: Any, tile: Any, a: Any, lanes: int, p: int, plane: int, to: Integers) -> None:  # noqa: ANN401
    """Read a bit, or all, of what an output position sees in each lane; padding is 0."""
    real = look_at_inputs(s, tile, a, lanes, p, to)
    if plane != ALL_BITS:
        for lane in range(lanes):
            to[lane] = (to[lane] >> plane) & 1
    a.counters[I_READ] += real * (s.in_bits if plane == ALL_BITS else 1)


@njit(cache=True, nogil=True)
def look_at_inputs(s: Any, tile: Any, a: Any, lanes: int, p: int, to: Integers) -> int:  # noqa: ANN401
    """Do as `read_inputs`, all bits, but do not count it; return how many are no padding.

    So the unit does that looks for planes of zeros when the inputs come into their buffer.
    """
    there = a.inputs
    top = (p // s.out_width) * s.stride - s.padding
    left = (p % s.out_width) * s.stride - s.padding
    real = 0
    for lane in range(lanes):
        tap, channel = a.array.lanes[TAP, lane], a.array.lanes[CHANNEL, lane]
        row, column = top + tap // s.kernel_width, left + tap % s.kernel_width
        to[lane] = 0
        if not (0 <= row < s.height and 0 <= column < s.width):
            continue
        if not (
            there[0] == tile.group
            and there[1] <= row < there[2]
            and there[3] <= column < there[4]
            and there[5] <= channel < there[6]
        ):
            a.fault[0] = NO_INPUT
            return 0
        to[lane] = a.x[row, column, tile.group, channel]
        real += 1
    return real


@njit(cache=True, nogil=True)
def put_result(s: Any, tile: Any, a: Any, m: int, p: int, value: int) -> None:  # noqa: ANN401
    """Take what a pass came to for an output: add what is there, keep it or write the output."""
    output = tile.group * s.M + m
    if tile.c_first > 0:
        if a.place[p, output] != ON_CHIP:
            a.fault[0] = NO_SUM
            return
        value += a.sums[p, output]
        a.counters[S_READ] += PARTIAL_SUM_BITS
        a.counters[ACCUMULATE] += 1
    if tile.c_end < s.channels:
        a.sums[p, output] = value
        a.place[p, output] = ON_CHIP
        a.counters[S_WRITTEN] += PARTIAL_SUM_BITS
    else:
        a.outputs[p, output] = value
        a.written[p, output] += 1
        a.counters[O_WRITTEN] += s.out_bits
