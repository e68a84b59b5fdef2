"""A layer, an accelerator and a tiling as the compiled machine of `hwsim.machine` takes them."""

from __future__ import annotations

from hwsim.accelerator import Accelerator
from hwsim.array import range_units
from hwsim.chip import Setup
from hwsim.layer import Layer
from hwsim.machine_array import array_setup
from hwsim.tiling import Tiling

__all__ = ["setup_of"]


def setup_of(
    layer: Layer, accelerator: Accelerator, tiling: Tiling, in_signed: bool = False
) -> Setup:
    """Return what the machine runs."""
    buffers, dram = accelerator.buffers, accelerator.dram
    weight_room, input_room, output_room = (8 * room for room in buffers.rooms)
    m_unit, p_unit, c_unit = range_units(accelerator.array, layer)
    outer, middle, inner = ("mpc".index(loop) for loop in tiling.order)
    return Setup(
        array=array_setup(accelerator.array, layer, in_signed),
        bits_per_cycle=dram.bits_per_cycle,
        burst_bits=8 * dram.burst_bytes,
        latency_cycles=dram.latency_cycles,
        row_bits=8 * dram.row_bytes,
        row_miss_cycles=dram.row_miss_cycles,
        double_buffered=int(buffers.double_buffered),
        ports=buffers.ports,
        weight_room=weight_room,
        input_room=input_room,
        output_room=output_room,
        height=layer.height,
        width=layer.width,
        channels=layer.group_channels,
        kernel_height=layer.kernel_height,
        kernel_width=layer.kernel_width,
        stride=layer.stride,
        padding=layer.padding,
        out_width=layer.out_width,
        groups=layer.groups,
        M=layer.M,
        P=layer.P,
        in_bits=layer.in_bits,
        out_bits=layer.out_bits,
        bits=layer.bits,
        offset=int(layer.domain == "offset"),
        m_unit=m_unit,
        p_unit=p_unit,
        c_unit=c_unit,
        m_size=tiling.m_size,
        p_size=tiling.p_size,
        c_size=tiling.c_size,
        outer=outer,
        middle=middle,
        inner=inner,
    )
