"""What the machine of `hwsim.machine` works with: its setup, a tile, and its memories."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.machine_array import ArraySetup, ArrayState

__all__ = ["Arrays", "Integers", "Setup", "Tile"]

Integers = NDArray[np.int64]
"""Memories and counters of the compiled machine."""


class Setup(NamedTuple):
    """Array, memory, layer and tiling as plain integers; rooms of the buffers in bits.

    `m_size` and so on are lengths of ranges, `m_unit` and so on what they are multiples of;
    `outer`, `middle`, `inner` the loops over them, 0 to 2 for m, p and c.
    """

    array: ArraySetup
    bits_per_cycle: int
    burst_bits: int
    latency_cycles: int
    row_bits: int
    row_miss_cycles: int
    double_buffered: int
    ports: int
    weight_room: int
    input_room: int
    output_room: int
    height: int
    width: int
    channels: int
    kernel_height: int
    kernel_width: int
    stride: int
    padding: int
    out_width: int
    groups: int
    M: int
    P: int
    in_bits: int
    out_bits: int
    bits: int
    offset: int
    m_unit: int
    p_unit: int
    c_unit: int
    m_size: int
    p_size: int
    c_size: int
    outer: int
    middle: int
    inner: int


class Tile(NamedTuple):
    """A group, its ranges of outputs, positions and channels, and the part of the image it sees."""

    group: int
    m_first: int
    m_end: int
    p_first: int
    p_end: int
    c_first: int
    c_end: int
    top: int
    bottom: int
    left: int
    right: int


class Arrays(NamedTuple):
    """What changes, and what is computed on.

    Attributes
    ----------
    x, w, outputs
        As in `hwsim.machine.run`.
    written : (P, groups * M)
        How often each output was written.
    array : ArrayState
    there : (2,)
        Which weights and which inputs are on chip: numbers of a tile's parts.
    weights : (5,)
        The weights on chip: group, first and last output, first and last channel.
    inputs : (7,)
        The inputs on chip: group, rows, columns, channels.
    sums, spilled : (P, groups * M)
        Partial sums in the output buffer, and in DRAM.
    place : (P, groups * M)
        `NOWHERE`, `ON_CHIP` or `IN_DRAM`.
    words : (1,)
        Partial sums on chip.
    waits : (4,)
        Cycles that DRAM has yet to wait for the tile: latency and row misses of what is loaded, of
        what is stored.
    left, padding : (5,)
        Bits that DRAM has yet to move: weights, inputs and partial sums that come, partial sums
        and outputs that go; and those that fill up their bursts.
    fault : (1,)
        One of `hwsim.faults.FAULTS`.
    counters
        As in `hwsim.machine.run`.
    """

    x: Integers
    w: Integers
    outputs: Integers
    written: Integers
    array: ArrayState
    there: Integers
    weights: Integers
    inputs: Integers
    sums: Integers
    spilled: Integers
    place: Integers
    words: Integers
    waits: Integers
    left: Integers
    padding: Integers
    fault: Integers
    counters: Any
