"""Area of an accelerator in gate equivalents: an estimate, so that designs can be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from hwsim.accelerator import Accelerator
from hwsim.array import Array, FusionArray, SystolicArray
from hwsim.gates import (
    AND2,
    FLIP_FLOP,
    FULL_ADDER,
    MUX2,
    SRAM_CELL,
    adder_tree,
    multiplier_adders,
    shifter,
)
from hwsim.layer import MOST_BITS
from hwsim.widths import Widths

__all__ = ["Area", "area_of"]


@dataclass(frozen=True)
class Area:
    """Gate equivalents of an accelerator's parts; see `hwsim.gates` for what one is.

    Attributes
    ----------
    and_gates : float
        One for each pair of bits that is multiplied in a cycle.
    multiplier_adders : float
        The additions inside multipliers; none where an operand comes bit by bit.
    adder_trees : float
        The sums over the lanes.
    shifters : float
        Of sums by their bit plane, or of the bricks of a fused multiplier.
    accumulators : float
        An adder and a register in each processing element.
    registers : float
        Of operands.
    column_sums : float
        The sums of a column's activations, for weights in the offset domain [S9.1].
    buffers : float
        Cells of memory, that of the vector unit included, without what reads them.
    """

    and_gates: float
    multiplier_adders: float
    adder_trees: float
    shifters: float
    accumulators: float
    registers: float
    column_sums: float
    buffers: float

    @property
    def array(self) -> float:
        """Gate equivalents without the buffers."""
        return self.total - self.buffers

    @property
    def total(self) -> float:
        """Gate equivalents of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))

    def to_json(self) -> dict[str, float]:
        """Return plain values, their unit in their names."""
        parts = {"total": self.total, "array": self.array, **asdict(self)}
        return {f"{name}_gate_equivalents": value for name, value in parts.items()}


def area_of(accelerator: Accelerator) -> Area:
    """Return the area of array and memories.

    Parameters
    ----------
    accelerator : Accelerator

    Returns
    -------
    Area

    Notes
    -----
    With w and a the bits of a weight and of an activation that come in a cycle (1 where they come
    bit by bit, else the array's widths), L lanes and an accumulator of A bits, each of ``rows *
    cols`` elements has ``L w a`` ANDs, ``(min(w, a) - 1) max(w, a)`` full adders for each of its L
    multipliers, a tree that sums L numbers (`hwsim.gates.adder_tree`), a barrel shifter of A bits
    if an operand comes bit by bit, and A full adders and flip-flops. ``L (rows w + cols a)``
    flip-flops hold the operands; in a systolic array and one of fused multipliers every element
    holds its own. Each column has a sum of its activations if an operand comes bit by bit: an
    element without ANDs. Control, the vector unit, logic that skips, and what surrounds the cells
    of a memory, are left out.
    """
    array, widths = accelerator.array, accelerator.widths
    if isinstance(array, SystolicArray):
        parts = _systolic(array, widths)
    elif isinstance(array, FusionArray):
        parts = _fusion(array, widths)
    else:
        parts = _serial(array, widths)
    return Area(**parts, buffers=8 * accelerator.memory_bytes * SRAM_CELL)


def _serial(array: Array, widths: Widths) -> dict[str, float]:
    serial, lanes, depth = array.serial, array.lanes, widths.accumulator_bits
    w = 1 if array.is_serial("weight") else widths.weight_bits
    a = 1 if array.is_serial("activation") else widths.input_bits
    elements = array.rows * array.cols
    places = {"none": 1, "both": 2 * MOST_BITS - 1}.get(serial, MOST_BITS)
    # A product is as wide as both operands, but for one of a single bit, which selects.
    product = w + a if min(w, a) > 1 else max(w, a)
    accumulator = depth * (FULL_ADDER + FLIP_FLOP)
    sums = 0.0
    if serial != "none":  # an element that does not multiply, for each column
        places_of_sum = 1 if serial == "weight" else MOST_BITS
        shifts = shifter(places_of_sum, depth) * MUX2
        sums = array.cols * (adder_tree(lanes, a) * FULL_ADDER + shifts + accumulator)
    return {
        "and_gates": elements * lanes * w * a * AND2,
        "multiplier_adders": elements * lanes * multiplier_adders(w, a) * FULL_ADDER,
        "adder_trees": elements * adder_tree(lanes, product) * FULL_ADDER,
        "shifters": elements * shifter(places, depth) * MUX2,
        "accumulators": elements * accumulator,
        "registers": lanes * (array.rows * w + array.cols * a) * FLIP_FLOP,
        "column_sums": sums,
    }


def _systolic(array: SystolicArray, widths: Widths) -> dict[str, float]:
    """Return the parts of an array whose elements hand operands on: each has its own registers."""
    w, a, depth = widths.weight_bits, widths.input_bits, widths.accumulator_bits
    elements = array.rows * array.cols
    return {
        "and_gates": elements * w * a * AND2,
        "multiplier_adders": elements * multiplier_adders(w, a) * FULL_ADDER,
        "adder_trees": 0.0,
        "shifters": 0.0,
        "accumulators": elements * depth * (FULL_ADDER + FLIP_FLOP),
        "registers": elements * (w + a) * FLIP_FLOP,
        "column_sums": 0.0,
    }


def _fusion(array: FusionArray, widths: Widths) -> dict[str, float]:
    """Return the parts of an array of multipliers that are made of narrower ones.

    Four products of 2b bits become one of 4b: three additions, and multiplexers that shift by b, b
    and 2b or not at all; level by level up to the widest.
    """
    least, most, depth = array.least_bits, array.most_bits, widths.accumulator_bits
    elements = array.rows * array.cols
    bricks = (most // least) ** 2
    adders, muxes, bits = 0, 0, least
    while bits < most:
        groups = (most // (2 * bits)) ** 2
        adders += groups * 3 * 4 * bits
        muxes += groups * 3 * 4 * bits
        bits *= 2
    return {
        "and_gates": elements * bricks * least**2 * AND2,
        "multiplier_adders": elements * bricks * multiplier_adders(least, least) * FULL_ADDER,
        "adder_trees": elements * adders * FULL_ADDER,
        "shifters": elements * muxes * MUX2,
        "accumulators": elements * depth * (FULL_ADDER + FLIP_FLOP),
        # An element holds as many operands as its bricks take.
        "registers": elements * 2 * (most // least) * most * FLIP_FLOP,
        "column_sums": 0.0,
    }
