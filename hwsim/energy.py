"""Energy: how often each event happens, times its entry in a cited table [S10.4]."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hwsim.counts import Counts
from msq_ref.formats import Settings

if TYPE_CHECKING:
    from hwsim.accelerator import Accelerator

__all__ = ["HOROWITZ", "BufferEntry", "Energy", "EnergyTable", "energy_of"]

Picojoules = Annotated[float, Field(ge=0)]


class BufferEntry(Settings):
    """Energy of a 64-bit access to an on-chip memory of a capacity."""

    bytes: int = Field(ge=1)
    access_64bit_pj: Picojoules


class EnergyTable(Settings):
    """Energy per event in pJ; a table of one's own is given whole, with its source."""

    source: str = Field(min_length=1)
    add_8bit_pj: Picojoules
    """An integer addition, 8 bits wide."""
    add_32bit_pj: Picojoules
    dram_64bit_pj: Picojoules
    """A 64-bit access to DRAM."""
    buffers: tuple[BufferEntry, ...] = Field(min_length=1, strict=False)

    def buffer_pj_per_bit(self, name: str, capacity: int) -> float:
        """Return the energy of a bit read from or written to a buffer, in pJ.

        It is that of the smallest capacity in the table that holds the buffer.

        Raises
        ------
        ValueError
            If the table has none as large.
        """
        holding = [entry for entry in self.buffers if entry.bytes >= capacity]
        if not holding:
            largest = max(entry.bytes for entry in self.buffers)
            raise ValueError(
                f"buffers.{name}_bytes = {capacity}: the energy table ends at {largest} bytes"
            )
        return min(holding, key=lambda entry: entry.bytes).access_64bit_pj / 64


HOROWITZ = EnergyTable(
    source=(
        "M. Horowitz, \"Computing's energy problem (and what we can do about it)\", ISSCC 2014: "
        "45 nm, 0.9 V; DRAM at the low end of the 1.3 to 2.6 nJ given there"
    ),
    add_8bit_pj=0.03,
    add_32bit_pj=0.1,
    dram_64bit_pj=1300.0,
    buffers=(
        BufferEntry(bytes=8 * 1024, access_64bit_pj=10.0),
        BufferEntry(bytes=32 * 1024, access_64bit_pj=20.0),
        BufferEntry(bytes=1024 * 1024, access_64bit_pj=100.0),
    ),
)
"""The table of a preset that brings none of its own."""


@dataclass(frozen=True)
class Energy:
    """Where a layer's energy goes, in pJ."""

    lanes: float
    accumulators: float
    weight_buffer: float
    input_buffer: float
    output_buffer: float
    dram: float

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def energy_of(counts: Counts, in_bits: int, accelerator: Accelerator) -> Energy:
    """Return the energy of a layer's events.

    Parameters
    ----------
    counts : Counts
    in_bits : int
        Width of the activations.
    accelerator : Accelerator

    Raises
    ------
    ValueError
        If the energy table lists no capacity that holds a buffer.

    Notes
    -----
    [S10.4]. The counts are exact, the energies an estimate: a lane's AND and addition are taken
    as the table's 8-bit addition scaled by ``in_bits / 8`` (the AND itself, the shift and the
    growth of the adder tree are not in the table), an accumulation as a 32-bit addition, and
    leakage, clock and control are left out.
    """
    table, buffers = accelerator.energy, accelerator.buffers
    weight, inputs, output = (
        table.buffer_pj_per_bit(name, capacity)
        for name, capacity in (
            ("weight", buffers.weight_bytes),
            ("input", buffers.input_bytes),
            ("output", buffers.output_bytes),
        )
    )
    return Energy(
        lanes=counts.lane_operations * table.add_8bit_pj * in_bits / 8,
        accumulators=counts.accumulates * table.add_32bit_pj,
        weight_buffer=(counts.weight_bits_read + counts.weight_bits_written) * weight,
        input_buffer=(counts.input_bits_read + counts.input_bits_written) * inputs,
        output_buffer=(counts.output_bits_read + counts.output_bits_written) * output,
        dram=8 * counts.dram_bytes * table.dram_64bit_pj / 64,
    )
