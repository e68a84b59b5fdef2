"""What is counted while a layer runs: by the closed form, and by the engine, in the same terms."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counts"]


@dataclass(frozen=True)
class Counts:
    """Cycles, traffic and operations of one layer for one image [S10.1], [S10.4].

    Rows, columns and lanes that idle at ragged edges count nothing.

    Attributes
    ----------
    compute_cycles : int
        Cycles in which the array works, `drain` included.
    stall_cycles : int
        Cycles in which it waits for DRAM.
    dram_weight_bytes, dram_input_bytes, dram_output_bytes : int
        Moved to and from DRAM; each part of a tensor that a tile moves is packed by itself and
        rounded up to a byte.
    weight_bits_read : int
        From the weight buffer: one bit per row and lane in every cycle of a bit plane.
    input_bits_read : int
        From the input buffer: an activation per column and lane once per reduction step; it stays
        in a register for the step's planes. Padding is not read.
    output_bits_written : int
        Into the output buffer: `out_bits` per output, once.
    weight_bits_written, input_bits_written, output_bits_read : int
        Between buffers and DRAM: 8 per byte.
    lane_operations : int
        A weight bit ANDed with an activation, and the addition of the result. In the offset
        domain the unit that sums a column's activations counts as well, once per reduction step.
    accumulates : int
        Additions to an accumulator; in the offset domain to the activation sums too.
    """

    compute_cycles: int
    stall_cycles: int
    dram_weight_bytes: int
    dram_input_bytes: int
    dram_output_bytes: int
    weight_bits_read: int
    weight_bits_written: int
    input_bits_read: int
    input_bits_written: int
    output_bits_read: int
    output_bits_written: int
    lane_operations: int
    accumulates: int

    @property
    def cycles(self) -> int:
        """All cycles, working or waiting."""
        return self.compute_cycles + self.stall_cycles

    @property
    def dram_bytes(self) -> int:
        """Bytes moved to and from DRAM."""
        return self.dram_weight_bytes + self.dram_input_bytes + self.dram_output_bytes

    @property
    def sram_bytes(self) -> int:
        """Bits read from and written to the on-chip buffers, in bytes, rounded up."""
        bits = (
            self.weight_bits_read + self.weight_bits_written
            + self.input_bits_read + self.input_bits_written
            + self.output_bits_read + self.output_bits_written
        )  # fmt: skip
        return -(-bits // 8)
