"""Energy of an event, in a cited table [S10.4]."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from msq_ref.formats import Settings

__all__ = ["HOROWITZ", "BufferEntry", "EnergyTable"]

Picojoules = Annotated[float, Field(ge=0)]
Picowatts = Annotated[float, Field(ge=0)]


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
    multiply_8bit_pj: Picojoules | None = None
    """An integer multiplication, 8 by 8 bits; only bit-parallel arrays need it."""
    multiply_32bit_pj: Picojoules | None = None
    dram_64bit_pj: Picojoules
    """A 64-bit access to DRAM."""
    leakage_pw_per_gate: Picowatts = 0.0
    """Of a gate equivalent of the array, in pW; 0: leakage is not counted."""
    leakage_pw_per_bit: Picowatts = 0.0
    """Of a bit of the buffers, in pW."""
    buffers: tuple[BufferEntry, ...] = Field(min_length=1, strict=False)

    @property
    def leaks(self) -> bool:
        """Whether the table says anything of leakage."""
        return self.leakage_pw_per_gate > 0 or self.leakage_pw_per_bit > 0

    @property
    def dram_pj_per_bit(self) -> float:
        """Energy of a bit moved to or from DRAM, in pJ."""
        return self.dram_64bit_pj / 64

    def add_pj(self, bits: int) -> float:
        """Return the energy of an addition of `bits` bits, in pJ: 8 bits' in proportion."""
        return self.add_8bit_pj * bits / 8

    def multiply_pj(self, bits: int, other_bits: int) -> float:
        """Return the energy of a multiplication of `bits` by `other_bits` bits, in pJ.

        A power of the number of partial product bits, ``bits * other_bits``, that meets both
        entries: 64 of them at 8 bits, 1024 at 32. With the default table ``0.2 (bits other_bits /
        64)^0.99``: nearly in proportion.

        Raises
        ------
        ValueError
            If the table has no multiplications, or an entry of 0 beside one that is not.
        """
        low, high = self.multiply_8bit_pj, self.multiply_32bit_pj
        if low is None or high is None:
            name = "multiply_8bit_pj" if low is None else "multiply_32bit_pj"
            raise ValueError(f"energy.{name} is missing: a bit-parallel array needs it")
        if low == high == 0:
            return 0.0
        if min(low, high) <= 0:
            raise ValueError(
                f"energy.multiply_8bit_pj = {low}, multiply_32bit_pj = {high}: expected both to "
                "be 0, or none"
            )
        return float(low * (bits * other_bits / 64) ** (math.log(high / low) / math.log(16)))

    def buffer_pj_per_bit(self, name: str, capacity: int) -> float:
        """Return the energy of a bit of a buffer, as `memory_pj_per_bit` of its key."""
        return self.memory_pj_per_bit(f"buffers.{name}_bytes", capacity)

    def memory_pj_per_bit(self, key: str, capacity: int) -> float:
        """Return the energy of a bit read from or written to a memory, in pJ.

        It is that of the smallest capacity in the table that holds as much.

        Raises
        ------
        ValueError
            If the table has none as large; it names the key of the capacity.
        """
        holding = [entry for entry in self.buffers if entry.bytes >= capacity]
        if not holding:
            largest = max(entry.bytes for entry in self.buffers)
            raise ValueError(f"{key} = {capacity}: the energy table ends at {largest} bytes")
        return min(holding, key=lambda entry: entry.bytes).access_64bit_pj / 64


HOROWITZ = EnergyTable(
    source=(
        "M. Horowitz, \"Computing's energy problem (and what we can do about it)\", ISSCC 2014: "
        "45 nm, 0.9 V; DRAM at the low end of the 1.3 to 2.6 nJ given there"
    ),
    add_8bit_pj=0.03,
    add_32bit_pj=0.1,
    multiply_8bit_pj=0.2,
    multiply_32bit_pj=3.1,
    dram_64bit_pj=1300.0,
    buffers=(
        BufferEntry(bytes=8 * 1024, access_64bit_pj=10.0),
        BufferEntry(bytes=32 * 1024, access_64bit_pj=20.0),
        BufferEntry(bytes=1024 * 1024, access_64bit_pj=100.0),
    ),
)
"""The table of a preset that brings none of its own. It gives no leakage."""
