"""For which widths an array is built."""

from __future__ import annotations

from pydantic import Field

from msq_ref.formats import Settings

__all__ = ["PARTIAL_SUM_BITS", "Widths"]

PARTIAL_SUM_BITS = 32
"""Width of a partial sum in the output buffer and in DRAM."""


class Widths(Settings):
    """Widths of what an array takes in parallel; they decide its area and not its cycles.

    What comes bit by bit is free, 1 to 16 bits [S10.1]; what does not must be as narrow as this.
    """

    weight_bits: int = Field(default=8, ge=1, le=16)
    input_bits: int = Field(default=8, ge=1, le=16)
    accumulator_bits: int = Field(default=32, ge=1, le=64)
