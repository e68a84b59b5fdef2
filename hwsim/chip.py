"""What the machine of `hwsim.machine` works with: its setup, a tile, and its memories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "Integers", "Setup", "Tile"]

Integers = NDArray[np.int64]


class Setup(NamedTuple):
    """Array, memory, layer and tiling as plain integers; rooms of the buffers in bits."""

    rows: int
    cols: int
    lanes: int
    drain: int
    bits_per_cycle: int
    double_buffered: int
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
    K: int
    M: int
    P: int
    bits: int
    in_bits: int
    out_bits: int
    offset: int
    m_size: int
    p_size: int
    weights_outer: int


class Tile(NamedTuple):
    """A group, its ranges of outputs and positions, and the part of the image that is on chip."""

    group: int
    m_first: int
    m_end: int
    p_first: int
    p_end: int
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
    registers : (cols, lanes)
        Activations of the reduction step at work.
    acc, sums : (rows, cols), (cols,)
        Accumulators, and sums of the activations.
    state : (6,)
        Of the array: first output and position of the pass, first term of the reduction step, bit
        plane, cycles of drain to go, and whether the tile is done.
    left : (3,)
        Bits that DRAM has yet to move for the tile: weights, inputs, outputs.
    counters
        As in `hwsim.machine.run`.
    """

    x: Integers
    w: Integers
    outputs: Integers
    written: Integers
    registers: Integers
    acc: Integers
    sums: Integers
    state: Integers
    left: Integers
    counters: Integers


ROW, COL, TERM, PLANE, DRAIN, DONE = range(6)
"""Places in `Arrays.state`."""

COMPUTE, STALL, DRAM_W, DRAM_I, DRAM_O = range(5)
W_READ, W_WRITTEN, I_READ, I_WRITTEN, O_READ, O_WRITTEN, LANE, ACCUMULATE = range(5, 13)
"""Places in `Arrays.counters`: the fields of `Counts`, in order."""
