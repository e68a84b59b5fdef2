"""Area: circuits counted gate by gate, and an array that only grows with its sizes."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import accelerator_names, load_accelerator
from hwsim.area import area_of
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
from hwsim.overrides import known_keys, override


def tree(widths):
    """Add numbers pair by pair; return the adders, the definition with a list of widths."""
    adders = 0
    while len(widths) > 1:
        pairs = [widths[at : at + 2] for at in range(0, len(widths), 2)]
        adders += sum(max(pair) for pair in pairs if len(pair) == 2)
        widths = [max(pair) + (len(pair) == 2) for pair in pairs]
    return adders


def test_adder_tree():
    """For powers of two the closed sum; else not below a tree whose leftovers stay narrow."""
    for bits in range(1, 9):
        for levels in range(7):
            closed = sum(2 ** (levels - i) * (bits + i - 1) for i in range(1, levels + 1))
            assert adder_tree(2**levels, bits) == closed == tree([bits] * 2**levels)
        for operands in range(1, 40):
            assert adder_tree(operands, bits) >= tree([bits] * operands)
            assert adder_tree(operands, bits) <= adder_tree(operands + 1, bits)


def test_multiplier():
    """Rows of the shorter operand's partial products, one after another."""
    assert multiplier_adders(1, 8) == multiplier_adders(8, 1) == 0
    assert multiplier_adders(8, 8) == 56
    for w, a in itertools.product(range(1, 17), repeat=2):
        assert multiplier_adders(w, a) == multiplier_adders(a, w)
        assert multiplier_adders(w, a) == min((w - 1) * a, (a - 1) * w)
        assert multiplier_adders(w, a) <= multiplier_adders(w + 1, a)


def test_shifter():
    """A stage of multiplexers doubles the places."""
    assert [shifter(places, 32) // 32 for places in (1, 2, 3, 4, 5, 16, 17, 31)] == [
        0, 1, 2, 2, 3, 4, 5, 5
    ]  # fmt: skip


def test_weight_serial_by_hand(machine):
    """[S10.1] 2 x 3 elements of 4 lanes with 8-bit activations, gate by gate."""
    area = area_of(machine(2, 3, 4, weight=10, inputs=20, outputs=30))
    assert area.and_gates == 6 * 4 * 8 * AND2
    assert area.multiplier_adders == 0
    assert area.adder_trees == 6 * (8 + 8 + 9) * FULL_ADDER
    assert area.shifters == 6 * 4 * 32 * MUX2
    assert area.accumulators == 6 * 32 * (FULL_ADDER + FLIP_FLOP)
    assert area.registers == 4 * (2 * 1 + 3 * 8) * FLIP_FLOP
    assert area.column_sums == 3 * (25 * FULL_ADDER + 32 * (FULL_ADDER + FLIP_FLOP))
    assert area.buffers == 60 * 8 * SRAM_CELL
    assert area.array == area.total - area.buffers
    plain = area.to_json()
    assert plain["array_gate_equivalents"] == area.array
    assert all(name.endswith("_gate_equivalents") for name in plain)
    parts = sum(plain.values()) - plain["array_gate_equivalents"] - plain["total_gate_equivalents"]
    assert parts == pytest.approx(plain["total_gate_equivalents"])


GROWING = (
    "array.rows", "array.cols", "array.lanes", "buffers.weight_bytes", "buffers.input_bytes",
    "buffers.output_bytes", "widths.weight_bits", "widths.input_bits", "widths.accumulator_bits",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_more_of_anything_is_no_smaller(data):
    """In each size by itself, whatever the others are; in the sides of the array it grows."""
    accelerator = load_accelerator(data.draw(st.sampled_from(accelerator_names())))
    keys = [key for key in GROWING if key in known_keys(accelerator)]
    most = {"widths": 15, "array": 200, "buffers": 30000}
    # An array of a single element is none, if it is systolic.
    sizes = {key: data.draw(st.integers(1 + (key == "array.cols"), most[key.split(".")[0]]))
             for key in keys}  # fmt: skip
    key = data.draw(st.sampled_from(keys))
    before, after = (
        area_of(override(accelerator, None, [f"{k}={v + (grown and k == key)}"
                                             for k, v in sizes.items()]))
        for grown in (False, True)
    )  # fmt: skip
    assert before.total <= after.total
    assert before.buffers <= after.buffers
    assert min(before.to_json().values()) >= 0
    if key in ("array.rows", "array.cols", "buffers.weight_bytes"):
        assert before.total < after.total
