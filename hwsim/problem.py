"""A layer on an accelerator as plain integers, for the compiled closed form and search."""

from __future__ import annotations

from typing import NamedTuple

from hwsim.accelerator import Accelerator
from hwsim.array import array_parameters, range_units
from hwsim.array_events import bits_read_again
from hwsim.layer import Layer

__all__ = ["LOOPS", "ORDERS", "Problem", "problem_of"]

ORDERS = ("mpc", "pmc", "mcp", "pcm", "cmp", "cpm")
"""Loops over ranges of outputs (m), positions (p) and channels (c), the outermost first."""

LOOPS = tuple(tuple("mpc".index(loop) for loop in order) for order in ORDERS)
"""The same as numbers."""


class Problem(NamedTuple):
    """What decides cycles and traffic; rooms are bytes that a tile may use of each buffer.

    `array` has the integers of `hwsim.array.array_parameters`, `units` what ranges of outputs,
    positions and channels are multiples of, `sizes` how many of each a group has; `read_again` is
    that of `hwsim.array_events.bits_read_again`.
    """

    array: tuple[int, ...]
    units: tuple[int, int, int]
    sizes: tuple[int, int, int]
    read_again: tuple[int, int]
    groups: int
    taps: int
    kernel_height: int
    kernel_width: int
    height: int
    width: int
    out_width: int
    stride: int
    padding: int
    bits: int
    in_bits: int
    out_bits: int
    weight_room: int
    input_room: int
    output_room: int
    double_buffered: int
    ports: int
    bits_per_cycle: int
    burst_bytes: int
    latency_cycles: int
    row_bytes: int
    row_miss_cycles: int


def problem_of(layer: Layer, accelerator: Accelerator) -> Problem:
    """Return a layer on an accelerator as plain integers."""
    array, buffers, dram = accelerator.array, accelerator.buffers, accelerator.dram
    weight_room, input_room, output_room = buffers.rooms
    return Problem(
        array=array_parameters(array, layer),
        units=range_units(array, layer),
        sizes=(layer.M, layer.P, layer.group_channels),
        read_again=bits_read_again(array, layer),
        groups=layer.groups,
        taps=layer.taps,
        kernel_height=layer.kernel_height,
        kernel_width=layer.kernel_width,
        height=layer.height,
        width=layer.width,
        out_width=layer.out_width,
        stride=layer.stride,
        padding=layer.padding,
        bits=layer.bits,
        in_bits=layer.in_bits,
        out_bits=layer.out_bits,
        weight_room=weight_room,
        input_room=input_room,
        output_room=output_room,
        double_buffered=int(buffers.double_buffered),
        ports=buffers.ports,
        bits_per_cycle=dram.bits_per_cycle,
        burst_bytes=dram.burst_bytes,
        latency_cycles=dram.latency_cycles,
        row_bytes=dram.row_bytes,
        row_miss_cycles=dram.row_miss_cycles,
    )
