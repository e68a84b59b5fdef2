"""A trace cycle by cycle: the states of the engine and of the RTL, and its results."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import msq_ref as msq
from hwsim import Layer, Workload, simulate
from hwsim.accelerator import Array
from hwsim.array_places import DONE, LEFT, PHASE, SUM
from hwsim.channel import order_tile
from hwsim.chip import Arrays, Tile
from hwsim.counts import Counts
from hwsim.engine import simulate_layer
from hwsim.machine_array import array_state, begin_tile, step
from hwsim.machine_setup import setup_of
from hwsim.rtl import Case, Shape, missing_tool, trace_rtl
from hwsim.tiling import Tiling
from hwsim.trace import results_of, trace_linear
from hwsim.trace_plot import draw_trace, trace_figure


@st.composite
def products(draw):
    """A small product, an array for it, and whether planes of it are zero."""
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    array = Array(
        rows=number(1, 3), cols=number(1, 3), lanes=number(1, 4), drain=number(0, 2),
        fill=number(0, 2), tile_switch=number(0, 2),
        skip=draw(st.sampled_from(["none", "weight-planes"])),
        skip_by=draw(st.sampled_from(["array", "line"])),
    )  # fmt: skip
    signed = draw(st.booleans())
    bits = number(2 if signed else 1, 6)
    K, M, P = number(1, 9), number(1, 5), number(1, 5)
    rng = np.random.default_rng(number(0, 2**32))
    in_signed = draw(st.booleans())
    x = rng.integers(-16, 16, (P, K)) if in_signed else rng.integers(0, 32, (P, K))
    codes = rng.integers(0, 2 ** (bits - signed), (K, M))
    codes &= rng.integers(0, 2 ** (bits - signed), M)  # planes that an output lacks
    codes[rng.random((K, M)) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = 0
    signs = rng.integers(-1, 2, (K, M)) if signed else None
    return array, bits, x, codes, signs, in_signed


def on_engine(machine, array, bits, x, codes, signs, in_signed):
    """The layer, an accelerator that takes it as one tile, and that tile."""
    (P, K), M = x.shape, codes.shape[1]
    domain = "offset" if signs is None else "signed"
    layer = Layer.linear("fc", K, M, bits, positions=P, in_bits=5, domain=domain)
    accelerator = machine().model_copy(update={"array": array})
    return layer, accelerator, Tiling("mpc", M, P, K)


@settings(max_examples=200)
@given(data=products())
def test_results_and_counts_are_those_of_the_engine(data, machine):
    """[S9.1] [S10.1] Cycles, bits of weights and of inputs, operations, lanes that wait."""
    array, bits, x, codes, signs, in_signed = data
    layer, accelerator, tiling = on_engine(machine, *data)
    engine = simulate_layer(
        layer, accelerator, x, codes, signs, in_signed=in_signed, tiling=tiling
    )
    cycles = trace_linear(x, codes, bits, array, signs)
    found = results_of(cycles)
    assert np.array_equal(found, engine.accumulators)
    assert np.array_equal(found, msq.integer_linear(x, codes, bits, signs))
    work = [cycle for cycle in cycles if cycle.phase == "work"]
    assert len(cycles) == engine.counts.compute_cycles
    assert sum(cycle.idle_lanes for cycle in work) == engine.counts.idle_lane_cycles
    read = sum(
        len(cycle.terms) * sum(plane is not None for plane in cycle.planes) for cycle in work
    )
    assert read == engine.counts.weight_bits_read
    m_passes = -(-layer.M // array.rows)
    sums = m_passes * layer.P * layer.K if signs is None else 0
    operations = sum(cycle.lane_operations for cycle in work)
    assert operations + sums == engine.counts.lane_operations


@settings(max_examples=100)
@given(data=products())
def test_states_are_those_of_the_engine(data, machine):
    """[S10.3] Accumulators and sums after every cycle of the compiled machine, stepped by hand."""
    array, bits, x, codes, signs, in_signed = data
    layer, accelerator, tiling = on_engine(machine, *data)
    setup = setup_of(layer, accelerator, tiling, in_signed)
    w = (codes if signs is None else codes * signs).reshape(1, layer.K, 1, layer.M)
    outputs = np.zeros((layer.P, layer.M), np.int64)
    a = Arrays(
        x.reshape(1, layer.P, 1, layer.K), np.ascontiguousarray(w), outputs,
        np.zeros_like(outputs), array_state(setup.array), np.full(2, -1), np.zeros(5, np.int64),
        np.zeros(7, np.int64), np.zeros_like(outputs), np.zeros_like(outputs),
        np.zeros_like(outputs), np.zeros(1, np.int64), np.zeros(4, np.int64),
        np.zeros(5, np.int64), np.zeros(5, np.int64), np.zeros(1, np.int64),
        np.zeros(len(fields(Counts)), np.int64),
    )  # fmt: skip
    tile = Tile(0, 0, layer.M, 0, layer.P, 0, layer.K, 0, 1, 0, layer.P)
    order_tile(setup, tile, a, True, True)
    begin_tile(setup, tile, a)
    place = a.array.place
    for cycle in trace_linear(x, codes, bits, array, signs):
        assert not place[DONE]
        before = place[PHASE], place[LEFT]
        step(setup, tile, a)
        assert a.fault[0] == 0
        if cycle.results is not None:  # the machine has begun the next pass by then
            part = outputs[np.ix_(cycle.positions, cycle.outputs)]
            assert np.array_equal(part, cycle.results.T)
            continue
        rows, cols = len(cycle.outputs), len(cycle.positions)
        assert np.array_equal(a.array.acc[:rows, :cols], cycle.accumulators)
        assert np.array_equal(a.array.cols[SUM, :cols], cycle.sums)
        assert (before[0] == 0) == (cycle.phase == "work")
    assert place[DONE]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("domain", ["offset", "signed"])
def test_planes_are_those_that_the_rtl_asks_for(domain, skip):
    """[S10.1] In the Verilog a cycle ahead; terms, planes, and when results leave."""
    reason = missing_tool()
    if reason is not None:
        pytest.skip(reason)
    rng = np.random.default_rng(0)
    layer = Layer.linear("fc", 9, 5, 4, positions=4, domain=domain)
    x, codes = rng.integers(0, 256, (4, 9)), rng.integers(0, 8, (9, 5)) & 5
    signs = None if domain == "offset" else rng.integers(0, 2, (9, 5))
    case = Case(layer, x, codes, signs, False, 1)
    lines = trace_rtl(case, Shape(2, 3, 4, skip=skip))
    array = Array(rows=2, cols=3, lanes=4, skip="weight-planes" if skip else "none")
    cycles = trace_linear(x, codes, 4, array, signs)
    assert len(cycles) == sum(line["busy"] for line in lines)
    for cycle, asked, now in zip(cycles, lines, lines[1:], strict=False):
        assert bool(asked["ask_weights"]) == (cycle.phase == "work")
        if cycle.phase == "work":
            assert asked["ask_term"] == cycle.terms[0]
            assert asked["ask_output"] == cycle.outputs[0]
            assert asked["ask_position"] == cycle.positions[0]
            # Where the step has no plane, the Verilog asks for one and gets zeros.
            expected = {plane for plane in cycle.planes if plane is not None} or {0}
            assert {asked["ask_plane"]} == expected
        assert bool(now["result"]) == (cycle.results is not None)


@given(data=products())
def test_a_cycle_says_what_it_adds(data):
    """[S9.3] Accumulators are sums of what was added; bits are those of the plane."""
    array, bits, x, codes, signs, _ = data
    w = codes if signs is None else codes * signs
    held = None
    for cycle in trace_linear(x, codes, bits, array, signs):
        if held is None:
            held = np.zeros_like(cycle.accumulators)
        held = held + cycle.added
        assert cycle.phase in ("switch", "fill") or np.array_equal(held, cycle.accumulators)
        for row, plane in enumerate(cycle.planes):
            if plane is not None:
                values = w[np.ix_(cycle.terms, cycle.outputs)][:, row] % 2**bits
                assert np.array_equal(cycle.weight_bits[row], values // 2**plane % 2)
                top = signs is not None and plane == bits - 1
                assert cycle.factors[row] == (-(2**plane) if top else 2**plane)
        if cycle.results is not None:
            held = None


def test_worked_example():
    """[S10.1] Two steps of three planes and a drain, on two rows and columns of two lanes."""
    x, codes = np.array([[5, 3, 6], [1, 7, 2]]), np.array([[5, 2], [1, 7], [4, 3]])
    array = Array(rows=2, cols=2, lanes=2)
    cycles = trace_linear(x, codes, 3, array)
    assert [cycle.phase for cycle in cycles] == ["work"] * 6 + ["drain"]
    assert [cycle.planes for cycle in cycles[:6]] == [(0, 0), (1, 1), (2, 2)] * 2
    assert [list(cycle.terms) for cycle in cycles[:6]] == [[0, 1]] * 3 + [[2]] * 3
    assert cycles[0].weight_bits.tolist() == [[1, 1], [0, 1]]
    assert cycles[0].added.tolist() == [[8, 8], [3, 7]]
    assert cycles[-1].accumulators.tolist() == (codes.T @ x.T).tolist()
    assert cycles[-1].sums.tolist() == [14, 10]
    assert results_of(cycles).tolist() == (x @ (2 * codes - 7)).tolist()
    layer = Layer.linear("fc", 3, 2, 3, positions=2, domain="offset")
    assert len(cycles) == math.ceil(3 / 2) * layer.bits + array.drain


def test_counts_are_those_of_a_report(machine):
    """[S10.1] Of the closed form behind `simulate`."""
    rng = np.random.default_rng(0)
    accelerator = machine(2, 3, 4)
    layer = Layer.linear("fc", 9, 5, 4, positions=7)
    x, codes = rng.integers(0, 9, (7, 9)), rng.integers(0, 8, (9, 5))
    cycles = trace_linear(x, codes, 4, accelerator.array, np.ones((9, 5), int))
    totals = simulate(Workload("one", (layer,)), accelerator).totals
    assert len(cycles) == totals.compute_cycles


@pytest.mark.parametrize(
    ("x", "codes", "bits", "change", "error", "words"),
    [
        ([1, 2], [[1], [1]], 3, {}, ValueError, r"x has shape \(2,\)"),
        (np.zeros((2, 0), int), np.zeros((0, 1), int), 3, {}, ValueError, "no size 0"),
        ([[1, 2]], [[1]], 3, {}, ValueError, r"\(K, M\)"),
        ([[1.0]], [[1]], 3, {}, TypeError, "x"),
        ([[1]], [[8]], 3, {}, ValueError, "codes"),
        ([[1]], [[1]], 17, {}, ValueError, "bits"),
        ([[1]], [[1]], 3, {"serial": "both"}, ValueError, "array.serial = 'both'"),
    ],
)
def test_wrong_arguments(x, codes, bits, change, error, words):
    """[S0.2] [S0.3]"""
    array = Array(rows=1, cols=1, lanes=1, **change)
    with pytest.raises(error, match=words):
        trace_linear(np.asarray(x), np.asarray(codes), bits, array)


def test_results_need_a_whole_pass():
    """[S0.2]"""
    one = np.ones((1, 1), int)
    cycles = trace_linear(one, one, 3, Array(rows=1, cols=1, lanes=1))
    with pytest.raises(ValueError, match="whole pass"):
        results_of(cycles[:-1])


def words_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("drain", [0, 1])
def test_picture_shows_the_numbers(drain):
    """[S10.1] What is added, what is held, what leaves; a row that waits says so."""
    x, codes = np.array([[5, 3, 6], [1, 7, 2]]), np.array([[5, 4], [1, 4], [4, 4]])
    array = Array(
        rows=2, cols=2, lanes=2, drain=drain, skip="weight-planes", skip_by="line"
    )
    cycles = trace_linear(x, codes, 3, array)
    figure = trace_figure(cycles)
    words = words_of(figure)
    for cycle in cycles:
        if cycle.results is None:
            for held in cycle.accumulators.flat:
                assert str(held) in words
        else:
            assert all(str(result) in words for result in cycle.results.flat)
    assert "terms 0, 1" in words
    assert "term 2" in words
    assert words.count("waits") == 2 * sum(
        plane is None for cycle in cycles for plane in cycle.planes if cycle.terms
    )
    assert words.count("drain") == drain
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 2 + 2 + 4 + 2
    assert len(figure.axes[0].get_xticks()) == len(cycles)


def test_picture_of_the_signed_domain_has_no_sums():
    """[S9.1] The top plane counts negative."""
    array = Array(rows=1, cols=1, lanes=1)
    cycles = trace_linear(np.array([[3]]), np.array([[3]]), 3, array, np.array([[-1]]))
    figure = trace_figure(cycles)
    assert {"x 1", "x 2", "x -4", "- 12", "-9"} <= set(words_of(figure))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert not any("sum" in label for label in labels)


@pytest.mark.parametrize("count", [0, 41])
def test_picture_of_too_many(count):
    """[S0.2]"""
    one = np.ones((1, 1), int)
    cycle = trace_linear(one, one, 3, Array(rows=1, cols=1, lanes=1))[0]
    with pytest.raises(ValueError, match=f"{count} of them"):
        draw_trace(None, [cycle] * count)
