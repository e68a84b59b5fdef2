"""Energy: how often each event happens, times its entry in a cited table [S10.4]."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hwsim.array import Array, FusionArray
from hwsim.counts import Counts
from hwsim.energy_table import HOROWITZ, BufferEntry, EnergyTable
from hwsim.layer import Layer
from hwsim.vector import VectorCounts

if TYPE_CHECKING:
    from hwsim.accelerator import Accelerator

__all__ = [
    "HOROWITZ",
    "BufferEntry",
    "Energy",
    "EnergyTable",
    "energy_by_part",
    "energy_of",
    "event_prices",
    "vector_energy_of",
]

PARTS = {
    "lanes": ("lane_operations",),
    "accumulators": ("accumulates",),
    "weight_buffer": ("weight_bits_read", "weight_bits_written"),
    "input_buffer": ("input_bits_read", "input_bits_written"),
    "output_buffer": (
        "output_bits_read", "output_bits_written", "partial_sum_bits_read",
        "partial_sum_bits_written",
    ),
    "dram": (
        "dram_weight_bytes", "dram_input_bytes", "dram_output_bytes", "dram_partial_sum_bytes",
    ),
    "leakage": ("compute_cycles", "stall_cycles"),
}  # fmt: skip
"""Counts that each part of `Energy` comes from; partial sums are in the output buffer."""


@dataclass(frozen=True)
class Energy:
    """Where a layer's energy goes, in pJ; `vector` is of the vector unit and its memory."""

    lanes: float
    accumulators: float
    weight_buffer: float
    input_buffer: float
    output_buffer: float
    dram: float
    leakage: float
    vector: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def energy_by_part(energies: Iterable[Energy]) -> dict[str, float]:
    """Return the sum of some energies in pJ, by the fields of `Energy`."""
    every = list(energies)
    return {field.name: sum(getattr(one, field.name) for one in every) for field in fields(Energy)}


def energy_of(counts: Counts, layer: Layer, accelerator: Accelerator) -> Energy:
    """Return the energy of a layer's events: each count times its `event_prices`.

    Parameters
    ----------
    counts : Counts
    layer : Layer
    accelerator : Accelerator

    Raises
    ------
    ValueError
        As in `event_prices`.
    """
    price = event_prices(layer, accelerator)
    return Energy(
        **{
            part: sum(getattr(counts, name) * price[name] for name in names)
            for part, names in PARTS.items()
        }
    )


def vector_energy_of(counts: VectorCounts, accelerator: Accelerator) -> Energy:
    """Return the energy of a layer of the vector unit.

    An operation is taken as a 32-bit addition; operands that stay on the chip cost what a memory of
    their size does.

    Raises
    ------
    ValueError
        If the accelerator has no vector unit, or the energy table no memory as large as its own.
    """
    table, vector = accelerator.energy, accelerator.vector
    if vector is None:
        raise ValueError(f"accelerator {accelerator.name}: vector is missing: layer {counts.name}")
    bit = table.memory_pj_per_bit("vector.activation_bytes", vector.activation_bytes)
    held = (counts.activation_bits_read + counts.activation_bits_written) * bit
    return Energy(
        lanes=0.0, accumulators=0.0, weight_buffer=0.0, input_buffer=0.0, output_buffer=0.0,
        dram=8 * counts.dram_bytes * table.dram_pj_per_bit,
        leakage=counts.cycles * _leakage_pj_per_cycle(accelerator),
        vector=counts.operations * table.add_32bit_pj + held,
    )  # fmt: skip


def event_prices(layer: Layer, accelerator: Accelerator) -> dict[str, float]:
    """Return the energy in pJ of one of each field of `Counts`.

    Parameters
    ----------
    layer : Layer
        Its widths decide what a lane's operation costs.
    accelerator : Accelerator

    Raises
    ------
    ValueError
        If the energy table lists no capacity that holds a buffer, or no multiplication for an
        array that multiplies.

    Notes
    -----
    [S10.4]. The counts are exact, the energies an estimate. A lane's AND and addition are taken as
    the table's 8-bit addition scaled by the bits of the operand that comes in parallel, over 8 (the
    AND itself, the shift and the growth of the adder tree are not in the table); in a bit-parallel
    array as a multiplication of the widths that the array is built for, in one of fused multipliers
    of the widths that the operands take of them, and an addition of its product. An accumulation is
    a 32-bit addition. Leakage is the table's power of the array's gate equivalents and of the
    memories' bits, times a cycle. Clock and control are left out.
    """
    table, buffers = accelerator.energy, accelerator.buffers
    prices = {
        "lane_operations": _lane_pj(layer, accelerator),
        "accumulates": table.add_32bit_pj,
    }
    for kind in ("weight", "input", "output"):
        bit = table.buffer_pj_per_bit(kind, getattr(buffers, f"{kind}_bytes"))
        prices[f"{kind}_bits_read"] = prices[f"{kind}_bits_written"] = bit
        prices[f"dram_{kind}_bytes"] = 8 * table.dram_pj_per_bit
    for event in ("read", "written"):
        prices[f"partial_sum_bits_{event}"] = prices[f"output_bits_{event}"]
    prices["dram_partial_sum_bytes"] = prices["dram_output_bytes"]
    leakage = _leakage_pj_per_cycle(accelerator)
    return {**prices, "compute_cycles": leakage, "stall_cycles": leakage}


def _lane_pj(layer: Layer, accelerator: Accelerator) -> float:
    table, array = accelerator.energy, accelerator.array
    if isinstance(array, Array) and array.serial != "none":
        parallel = {"weight": layer.in_bits, "activation": layer.bits, "both": 1}[array.serial]
        return table.add_pj(parallel)
    if isinstance(array, FusionArray):  # as many bricks as an operand's width takes
        w, a = (array.most_bits // (array.most_bits // max(width, array.least_bits))
                for width in (layer.bits, layer.in_bits))  # fmt: skip
    else:
        w, a = accelerator.widths.weight_bits, accelerator.widths.input_bits
    return table.multiply_pj(w, a) + table.add_pj(w + a)


@functools.lru_cache(maxsize=1024)
def _leakage_pj_per_cycle(accelerator: Accelerator) -> float:
    if not accelerator.energy.leaks:
        return 0.0
    from hwsim.area import area_of  # noqa: PLC0415  (areas need accelerators, which need tables)

    picowatts = (
        area_of(accelerator).array * accelerator.energy.leakage_pw_per_gate
        + 8 * accelerator.memory_bytes * accelerator.energy.leakage_pw_per_bit
    )
    return picowatts / (accelerator.frequency_mhz * 1e6)
