"""Kinds of arrays: cycles by their definitions and as their peers count them; bad ones."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hwsim import Layer
from hwsim.analytic import closed_form, compute_cycles
from hwsim.array import (
    AnyArray,
    Array,
    FusionArray,
    SystolicArray,
    array_parameters,
    range_units,
    tile_cycles,
)
from hwsim.array_events import array_events, element_operations
from hwsim.counting import tile_compute
from hwsim.passes import tile_formula
from hwsim.peers import bitfusion_cycles, shape_of, systolic_cycles
from hwsim.peers.bitfusion import BitFusion
from hwsim.tiling import Tiling

SERIAL = ("weight", "activation", "both", "none")


@st.composite
def arrays(draw):
    """Arrays of every kind."""
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    pauses = {name: number(0, 3) for name in ("drain", "fill", "tile_switch")}
    taps = draw(st.sampled_from(["flat", "by-tap"]))
    kind = draw(st.sampled_from(["serial", "systolic", "fusion"]))
    if kind == "systolic":
        return SystolicArray(
            kind=kind, rows=number(1, 4), cols=number(2, 4), tile_switch=number(0, 3),
            dataflow=draw(st.sampled_from(["os", "ws", "is"])),
        )  # fmt: skip
    if kind == "fusion":
        return FusionArray(kind=kind, rows=number(1, 3), cols=number(1, 3), taps=taps, **pauses)
    return Array(
        rows=number(1, 4), cols=number(1, 4), lanes=number(1, 6), taps=taps,
        serial=draw(st.sampled_from(SERIAL)), **pauses,
    )  # fmt: skip


@given(data=st.data())
def test_serial_kinds_by_their_definition(data, layers, machine):
    """[S10.1] [S10.2] Fill and drain once a pass, tile switch once a tile."""
    layer = data.draw(layers())
    number = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    serial, taps = (data.draw(st.sampled_from(names)) for names in (SERIAL, ("flat", "by-tap")))
    rows, cols, lanes = number(1, 4), number(1, 4), number(1, 6)
    drain, fill, switch = number(0, 3), number(0, 3), number(0, 3)
    array = Array(
        rows=rows, cols=cols, lanes=lanes, drain=drain, fill=fill, tile_switch=switch,
        serial=serial, taps=taps,
    )  # fmt: skip
    bits = {"weight": layer.bits, "activation": layer.in_bits, "none": 1,
            "both": layer.bits * layer.in_bits}[serial]  # fmt: skip
    pixels = layer.kernel_height * layer.kernel_width
    steps = {
        "flat": math.ceil(pixels * layer.group_channels / lanes),
        "by-tap": pixels * math.ceil(layer.group_channels / lanes),
    }[taps]
    passes = math.ceil(layer.M / rows) * math.ceil(layer.P / cols)
    expected = layer.groups * (passes * (steps * bits + drain + fill) + switch)
    accelerator = machine().model_copy(update={"array": array})
    assert compute_cycles(layer, accelerator) == expected


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_systolic_is_scale_sim(machine, dataflow):
    """Every small array with every small layer in one tile, in cycles of its own simulator."""
    for rows, cols in itertools.product(range(1, 4), repeat=2):
        if rows * cols < 2:
            continue
        array = SystolicArray(kind="systolic", rows=rows, cols=cols, dataflow=dataflow)
        accelerator = machine().model_copy(update={"array": array})
        for K, M, P, groups in itertools.product(range(1, 6), range(1, 6), range(1, 6), (1, 3)):
            layer = Layer("a", "attention", 1, P, groups * K, groups * M, 4, groups=groups)
            expected = systolic_cycles(shape_of(layer), rows, cols, dataflow)
            assert compute_cycles(layer, accelerator) == expected


@given(
    rows=st.integers(1, 5), cols=st.integers(1, 5), most=st.sampled_from([4, 8, 16]),
    least=st.sampled_from([1, 2, 4]), flat=st.booleans(), data=st.data(),
)  # fmt: skip
def test_fusion_is_bit_fusion(machine, layers, rows, cols, most, least, flat, data):
    """Both nests of its program, at every width."""
    layer = data.draw(layers())
    array = FusionArray(
        kind="fusion", rows=rows, cols=cols, most_bits=most, least_bits=least,
        taps="flat" if flat else "by-tap",
    )  # fmt: skip
    accelerator = machine().model_copy(update={"array": array})
    peer = BitFusion(rows, cols, most, least, 64, 1, 1, 1)
    if max(layer.bits, layer.in_bits) > most:
        with pytest.raises(ValueError, match=f"expected at most array.most_bits = {most}"):
            compute_cycles(layer, accelerator)
        return
    expected = bitfusion_cycles(shape_of(layer), peer, flat=flat)
    assert compute_cycles(layer, accelerator) == expected


@given(array=arrays(), data=st.data())
def test_one_formula_for_numbers_arrays_and_compiled_code(array, layers, data):
    """The compiled twin and broadcasting give what plain integers do."""
    layer = data.draw(layers())
    a = array_parameters(array, layer)
    m, p, c = np.ogrid[1 : layer.M + 1, 1 : layer.P + 1, 1 : layer.group_channels + 1]
    all_of_them = tile_cycles(array, layer, m, p, c)
    for i, j, k in itertools.product(*(range(size) for size in all_of_them.shape)):
        assert tile_cycles(array, layer, i + 1, j + 1, k + 1) == all_of_them[i, j, k]
        assert tile_compute(a, i + 1, j + 1, k + 1) == all_of_them[i, j, k]
    assert all_of_them.min() >= 1


@given(array=arrays(), data=st.data())
def test_cuts_add_no_step(array, layers, data):
    """[S10.5] Ranges of whole units add nothing but what a pass and a tile take beyond steps."""
    layer = data.draw(layers())
    passes = array.passes(layer)
    bare = passes._replace(over=0, switch=0)
    sizes = layer.M, layer.P, layer.group_channels
    whole = tile_formula(bare, *sizes)
    parts = []
    for size, unit in zip(sizes, range_units(array, layer), strict=True):
        step = unit * data.draw(st.integers(1, 3))
        parts.append(np.diff(np.append(np.arange(0, size, step), size)))
    cut = sum(tile_formula(bare, m, p, c) for m, p, c in itertools.product(*parts))
    assert cut == whole
    assert whole * passes.peak >= layer.macs // layer.groups * passes.serial


@given(array=arrays(), data=st.data())
def test_operations_of_the_elements(array, layers, data):
    """[S10.5] Every bit of every product once; the sums of activations are apart [S9.1]."""
    layer = data.draw(layers())
    events = array_events(array, layer)
    found = element_operations(array, layer, events.lane_operations)
    assert found == layer.macs * array.passes(layer).serial
    bit_by_bit = isinstance(array, Array) and array.serial != "none"
    assert (events.lane_operations > found) == (bit_by_bit and layer.domain == "offset")
    assert events.idle_lane_cycles == 0


@pytest.mark.parametrize(("dataflow", "again"), [("ws", "weight"), ("is", "input")])
def test_operands_that_stay_are_read_for_each_range(machine, dataflow, again):
    """What stays in place is read once for each range of what goes by, the other one as ever."""
    layer = Layer.linear("fc", 6, 6, 3, positions=6, in_bits=5)
    array = SystolicArray(kind="systolic", rows=2, cols=2, dataflow=dataflow)
    accelerator = machine().model_copy(update={"array": array})
    counts = [
        closed_form(layer, accelerator, Tiling("mpc", *sizes))
        for sizes in ((6, 6, 6), (2, 6, 6), (6, 2, 6))
    ]
    bits = {"weight": 36 * 3, "input": 36 * 5}
    ranges = {"weight": [1, 1, 3], "input": [1, 3, 1]}[again]
    read = [getattr(one, f"{again}_bits_read") for one in counts]
    assert read == [times * bits[again] for times in ranges]
    other = {"weight": "input", "input": "weight"}[again]
    # Both sides of the array are 2 of 6: three passes.
    assert {getattr(one, f"{other}_bits_read") for one in counts} == {3 * bits[other]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"rows": 0, "cols": 1, "lanes": 1}, "rows"),
        ({"rows": 1, "cols": 1, "lanes": 1, "serial": "inputs"}, "serial"),
        ({"rows": 1, "cols": 1, "lanes": 1, "skip": "activation-bits"},
         "skip = 'activation-bits': expected serial = 'activation' or 'both', not 'weight'"),
        ({"rows": 1, "cols": 1, "lanes": 1, "serial": "activation", "skip": "both"},
         "skip = 'both': expected serial = 'weight' or 'both', not 'activation'"),
        ({"rows": 1, "cols": 1, "lanes": 1, "serial": "none", "skip": "weight-planes"},
         "not 'none'"),
        ({"kind": "systolic", "rows": 1, "cols": 1, "dataflow": "os"}, "at least 2 elements"),
        ({"kind": "systolic", "rows": 1, "cols": 2, "dataflow": "rs"}, "dataflow"),
        ({"kind": "fusion", "rows": 1, "cols": 1, "most_bits": 2, "least_bits": 4},
         "least_bits = 4: expected at most most_bits = 2"),
        ({"kind": "parallel", "rows": 1, "cols": 1}, "parallel"),
    ],
)  # fmt: skip
def test_bad_arrays(value, message):
    """[S0.2]"""
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(AnyArray).validate_python(value)


def test_the_kind_is_told_by_its_key():
    """Serial where none is given."""
    read = TypeAdapter(AnyArray).validate_python
    sides = {"rows": 2, "cols": 3}
    assert read({**sides, "lanes": 4}) == Array(**sides, lanes=4)
    assert read({**sides, "kind": "fusion"}) == FusionArray(kind="fusion", **sides)
    systolic = read({**sides, "kind": "systolic", "dataflow": "ws"})
    assert systolic == SystolicArray(kind="systolic", **sides, dataflow="ws")
