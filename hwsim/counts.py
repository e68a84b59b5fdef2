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
        Cycles in which the array works: `fill`, `drain` and `tile_switch` included.
    stall_cycles : int
        Cycles in which it waits for DRAM, whatever for.
    stall_weight_cycles, stall_input_cycles, stall_partial_sum_cycles, stall_output_cycles : int
        Of these, those in which DRAM moves such bits, partial sums either way.
    stall_latency_cycles, stall_row_miss_cycles : int
        Those in which DRAM has yet to begin, or opens a row.
    dram_weight_bytes, dram_input_bytes, dram_output_bytes, dram_partial_sum_bytes : int
        Moved to and from DRAM; each part of a tensor that a tile moves is packed by itself and
        rounded up to a byte, and then to whole bursts. Partial sums count each way.
    weight_bits_read : int
        From the weight buffer: each weight of a step once for every pass, bit by bit or at once.
    input_bits_read : int
        From the input buffer: an activation per column and lane once per reduction step; it stays
        in a register for the step's planes. Padding is not read.
    output_bits_written : int
        Into the output buffer: `out_bits` per output, once.
    weight_bits_written, input_bits_written, output_bits_read : int
        Between buffers and DRAM: 8 per byte, before it is rounded up to bursts.
    partial_sum_bits_read, partial_sum_bits_written : int
        From and into the output buffer, 32 bits each: by a pass that goes on with them or does not
        finish them, and by DRAM.
    lane_operations : int
        A bit of the serial operand ANDed with the other operand, and the addition of the result;
        a multiplication where nothing is serial. With weights bit by bit, or activations, the unit
        that sums a column's activations in the offset domain counts as well: once per reduction
        step, or once for each bit of the activations where those come bit by bit.
    accumulates : int
        Additions to an accumulator; to the activation sums too.
    idle_lane_cycles : int
        Lanes of elements at work that wait in a step, times cycles: for rows or columns with more
        planes than their own, or in the one cycle of a step without any. 0 without skipping.
    """

    compute_cycles: int
    stall_cycles: int
    stall_weight_cycles: int
    stall_input_cycles: int
    stall_partial_sum_cycles: int
    stall_output_cycles: int
    stall_latency_cycles: int
    stall_row_miss_cycles: int
    dram_weight_bytes: int
    dram_input_bytes: int
    dram_output_bytes: int
    dram_partial_sum_bytes: int
    weight_bits_read: int
    weight_bits_written: int
    input_bits_read: int
    input_bits_written: int
    output_bits_read: int
    output_bits_written: int
    partial_sum_bits_read: int
    partial_sum_bits_written: int
    lane_operations: int
    accumulates: int
    idle_lane_cycles: int

    @property
    def cycles(self) -> int:
        """All cycles, working or waiting."""
        return self.compute_cycles + self.stall_cycles

    @property
    def dram_bytes(self) -> int:
        """Bytes moved to and from DRAM."""
        return (
            self.dram_weight_bytes + self.dram_input_bytes + self.dram_output_bytes
            + self.dram_partial_sum_bytes
        )  # fmt: skip

    @property
    def sram_bytes(self) -> int:
        """Bits read from and written to the on-chip buffers, in bytes, rounded up."""
        bits = (
            self.weight_bits_read + self.weight_bits_written
            + self.input_bits_read + self.input_bits_written
            + self.output_bits_read + self.output_bits_written
            + self.partial_sum_bits_read + self.partial_sum_bits_written
        )  # fmt: skip
        return -(-bits // 8)
