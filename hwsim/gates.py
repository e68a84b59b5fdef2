"""Gate equivalents of small circuits: transistors of static CMOS, over the four of a NAND2.

An estimate by counting. Wires, buffers of signals, clock trees and layout are left out; a memory's
cell, which is laid out more densely than logic, counts by its transistors too.

Notes
-----
Transistors of a gate are those of N. Weste and D. Harris, "CMOS VLSI Design", 4th edition: NAND2 4,
AND2 6, the mirror adder 28, a cell of SRAM 6. A multiplexer (an inverter and two three-state
inverters, 10) and a flip-flop (two latches of 10 transistors and an inverter for the clock, 22) are
estimates of ours; libraries vary by a third.
"""

from __future__ import annotations

__all__ = [
    "AND2",
    "FLIP_FLOP",
    "FULL_ADDER",
    "MUX2",
    "SRAM_CELL",
    "adder_tree",
    "multiplier_adders",
    "shifter",
]

NAND2_TRANSISTORS = 4

AND2 = 6 / NAND2_TRANSISTORS
FULL_ADDER = 28 / NAND2_TRANSISTORS
MUX2 = 10 / NAND2_TRANSISTORS
FLIP_FLOP = 22 / NAND2_TRANSISTORS
SRAM_CELL = 6 / NAND2_TRANSISTORS
"""Gate equivalents of a circuit for one bit."""


def adder_tree(operands: int, bits: int) -> int:
    """Return the full adders of a tree that sums `operands` numbers of `bits` bits.

    Numbers are added by pairs, level by level; an adder is as wide as its operands, and a sum is a
    bit wider. One left over goes on to the next level.
    """
    adders = 0
    while operands > 1:
        pairs = operands // 2
        adders += pairs * bits
        operands -= pairs
        bits += 1
    return adders


def multiplier_adders(bits: int, other_bits: int) -> int:
    """Return the full adders of an array multiplier: rows of the wider operand, less one.

    Its ``bits * other_bits`` ANDs are counted apart.
    """
    narrow, wide = sorted((bits, other_bits))
    return (narrow - 1) * wide


def shifter(places: int, bits: int) -> int:
    """Return the multiplexers that shift `bits` bits by 0 to ``places - 1``: a barrel shifter."""
    return (places - 1).bit_length() * bits
