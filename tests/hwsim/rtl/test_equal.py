"""The RTL: cycles of the closed form, outputs of the definition, layer by layer."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import msq_ref as msq
from hwsim import Layer, load_accelerator
from hwsim.engine import simulate_layer
from hwsim.rtl import Case, Shape, simulate_batch, simulate_rtl, trace_rtl, validate_rtl
from hwsim.rtl.cases import SHAPES, demo_cases, draw_case
from hwsim.rtl.validate import compare
from hwsim.workload import layer_of

pytestmark = pytest.mark.usefixtures("tools")


def cycles_of(layer, shape, drain):
    """[S10.1] [S10.2], written here once more."""
    passes = math.ceil(layer.M / shape.rows) * math.ceil(layer.P / shape.cols)
    return layer.groups * passes * (math.ceil(layer.K / shape.lanes) * layer.bits + drain)


def skipping_cycles_of(case, shape):
    """[S10.1] Planes with a one among a step's weights, one at the least; once more, by loops."""
    layer = case.layer
    w = case.weights().reshape(layer.K, layer.groups, layer.M)
    cycles = 0
    for group, m, k in itertools.product(
        range(layer.groups), range(0, layer.M, shape.rows), range(0, layer.K, shape.lanes)
    ):
        step = w[k : k + shape.lanes, group, m : m + shape.rows]
        planes = sum((step >> plane & 1).any() for plane in range(layer.bits))
        cycles += max(planes, 1)
    passes = layer.groups * math.ceil(layer.M / shape.rows)
    return math.ceil(layer.P / shape.cols) * (cycles + passes * case.drain)


def outputs_of(case):
    """[S9.1] [S11.1], by the definition."""
    layer = case.layer
    if layer.kind == "linear":
        return msq.integer_linear(case.x, case.codes, layer.bits, case.signs)
    x = case.x.reshape(1, layer.height, layer.width, layer.channels)
    kernel = layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs
    codes = case.codes.reshape(kernel)
    signs = None if case.signs is None else case.signs.reshape(kernel)
    return msq.integer_conv2d(
        x, codes, layer.bits, layer.stride, layer.padding, layer.groups, signs
    )[0]


def test_a_thousand_layers_equal_the_engine_and_the_closed_form():
    """[S10.1] [S10.2] [S10.3] [S9.1] Cycles and every output; the demo network's layers too."""
    calls = []
    result = validate_rtl(1000, 1, lambda done, of: calls.append((done, of)))
    assert result.difference is None
    assert result.compared == result.equal == 1000 + 2 * len(demo_cases(1)) == 1008
    assert result.expected_cycles == result.cycles
    assert calls == [(done, 1008) for done in range(1, 1009)]
    assert result.outputs > 40_000
    assert result.cycles > 200_000


def test_layers_equal_the_definition():
    """[S9.1] [S10.1] Without the engine: other layers, other formulas."""
    draws = [draw_case(index, 2) for index in range(240)]
    for shape in SHAPES:
        cases = [draw.case for draw in draws if draw.shape == shape]
        for one, result in zip(cases, simulate_batch(cases, shape), strict=True):
            all_planes = cycles_of(one.layer, shape, one.drain)
            cycles = skipping_cycles_of(one, shape) if shape.skip else all_planes
            assert result.cycles == cycles <= all_planes, one.layer
            expected = outputs_of(one).reshape(one.layer.P, one.layer.outputs)
            assert np.array_equal(result.outputs, expected), one.layer


def test_every_width_at_its_extremes():
    """[S9.1] [S9.2] All codes largest, all activations smallest: the accumulator's far ends."""
    cases = []
    for domain, bits in [("offset", n) for n in range(1, 17)] + [
        ("signed", n) for n in range(2, 17)
    ]:
        layer = Layer.linear("fc", 7, 2, bits, in_bits=16, domain=domain)
        codes = np.full((7, 2), 2 ** (bits - (domain == "signed")) - 1)
        signs = np.tile([[-1, 1]], (7, 1)) if domain == "signed" else None
        if signs is None:
            codes[:, 1] = 0
        cases.append(Case(layer, np.full(7, -(2**15)), codes, signs, in_signed=True))
    for one, result in zip(cases, simulate_batch(cases, Shape(2, 3, 4)), strict=True):
        assert np.array_equal(result.outputs[0], outputs_of(one)), one.layer


def test_the_demo_network_on_real_activations(integer_network):
    """[S10.3] [S9] Every layer of a lowered network at mixed bits, on the preset edge-small."""
    accelerator = load_accelerator("edge-small")
    shape = Shape(accelerator.array.rows, accelerator.array.cols, accelerator.array.lanes)
    seen = []

    def accumulate(product, x):
        layer = layer_of(product, x.shape[1:])
        results = [
            simulate_rtl(layer, accelerator, image, product.codes, product.signs,
                         in_signed=product.in_signed)
            for image in x
        ]  # fmt: skip
        assert {result.cycles for result in results} == {
            cycles_of(layer, shape, accelerator.array.drain)
        }
        seen.append((product.name, product.bits))
        return np.stack([result.outputs for result in results])

    images = np.random.default_rng(0).integers(-32, 32, (2, 8, 8, 1)).astype(np.int32)
    assert np.array_equal(integer_network.run(images, accumulate), integer_network.run(images))
    assert seen == [("conv1", 8), ("conv2", 3), ("conv3", 2), ("fc", 5)]


def test_planes_that_training_made_zero_take_no_cycle(case):
    """[S10.1] In any place; the sums of activations are added up whichever plane is the first."""
    shape, domains = Shape(2, 3, 4, skip=True), ("signed", "offset")
    for domain, kept in itertools.product(domains, range(16)):
        layer = Layer.linear("fc", 9, 3, 5, positions=4, domain=domain)
        whole = case(layer, drain=1)
        codes = np.where(whole.codes > 0, kept, 0)
        codes[::4] = kept
        signs = None if whole.signs is None else np.ones_like(codes)
        one = replace(whole, codes=codes, signs=signs)
        (result,) = simulate_batch([one], shape)
        assert np.array_equal(result.outputs, outputs_of(one))
        planes = max(kept.bit_count(), 1)
        assert result.cycles == 2 * 2 * (3 * planes + 1)


def test_planes_come_in_order_and_zeros_do_not(case):
    """[S10.1] What the memories are asked for: activations once a step, with its first plane."""
    layer = Layer.linear("fc", 5, 2, 4, domain="offset")
    codes = np.array([[4, 0], [8, 12], [0, 0], [0, 0], [0, 1]])
    one = replace(case(layer, drain=0), codes=codes)
    lines = trace_rtl(one, Shape(2, 1, 2, skip=True))
    asked = [
        (line["ask_term"], line["ask_plane"], line["ask_activations"])
        for line in lines if line["ask_weights"]
    ]  # fmt: skip
    assert asked == [(0, 2, 1), (0, 3, 0), (2, 0, 1), (4, 0, 1)]
    assert sum(line["busy"] for line in lines) == 4


@pytest.mark.parametrize(
    "change",
    [{"serial": "both"}, {"fill": 1}, {"tile_switch": 1}, {"taps": "by-tap"},
     {"skip": "weight-planes", "skip_by": "line"}],
    ids=str,
)  # fmt: skip
def test_arrays_that_are_not_in_verilog(machine, case, change):
    """[S0.2]"""
    accelerator = machine()
    array = accelerator.array.model_copy(update=change)
    one = case(Layer.linear("fc", 3, 4, 3))
    with pytest.raises(ValueError, match="expected a weight-serial array in RTL"):
        simulate_rtl(
            one.layer, accelerator.model_copy(update={"array": array}), one.x, one.codes, one.signs
        )


def test_an_array_that_skips(machine, case):
    """[S10.3] From an accelerator: cycles and outputs of the engine."""
    accelerator = machine(2, 3, 4)
    array = accelerator.array.model_copy(update={"skip": "weight-planes"})
    accelerator = accelerator.model_copy(update={"array": array})
    one = case(Layer("c", "conv", 5, 4, 2, 4, 5, 2, 2, groups=2, domain="offset"))
    codes = one.codes & 0b10100
    result = simulate_rtl(one.layer, accelerator, one.x, codes)
    engine = simulate_layer(one.layer, accelerator, one.x, codes)
    assert np.array_equal(result.outputs, engine.accumulators)
    assert result.cycles == engine.counts.compute_cycles < cycles_of(one.layer, array, array.drain)


def test_a_difference_is_found(case):
    """A cycle or an output that is not the engine's is named."""
    shape = Shape(2, 3, 4)
    cases = [case(Layer("c", "conv", 4, 4, 2, 3, 3, 2, 2), drain=2)]
    (right,) = simulate_batch(cases, shape)
    assert compare(cases, [right], shape) == [None]
    late = replace(right, cycles=right.cycles + 1)
    n = right.cycles
    assert compare(cases, [late], shape) == [
        f"layer c on 2 x 3 x 4: {n + 1} cycles, engine {n}, closed form {n}"
    ]
    outputs = right.outputs.copy()
    outputs[4, 2] += 1
    message = f"output 2 at position 4 is {outputs[4, 2]}, engine {right.outputs[4, 2]}"
    assert compare(cases, [replace(right, outputs=outputs)], shape) == [
        f"layer c on 2 x 3 x 4: {message}"
    ]


def test_outputs_have_the_engines_shape(machine, case):
    """[S10.3] Positions of a linear layer may have any shape."""
    one = case(Layer.linear("fc", 3, 4, 3, positions=6))
    result = simulate_rtl(one.layer, machine(2, 3, 4), one.x.reshape(2, 3, 3), one.codes, one.signs)
    assert result.outputs.shape == (2, 3, 4)
    assert np.array_equal(result.outputs.reshape(6, 4), outputs_of(one))
    conv = case(Layer("c", "conv", 5, 4, 2, 4, 3, 2, 2, groups=2, domain="offset"))
    result = simulate_rtl(conv.layer, machine(2, 3, 4), conv.x, conv.codes)
    assert np.array_equal(result.outputs, outputs_of(conv))
    assert simulate_batch([], Shape(2, 3, 4)) == []


def test_a_trace_is_the_schedule(case):
    """[S10.1] Planes innermost, then steps, drain, passes; memories are asked a cycle ahead."""
    layer = Layer.linear("fc", 5, 3, 3, domain="offset")
    lines = trace_rtl(case(layer, drain=2), Shape(2, 3, 4))
    first_pass = [(0, term, plane) for term in (0, 4) for plane in range(3)]
    schedule = [*first_pass, None, None, *((2, *rest) for _, *rest in first_pass), None, None]
    asked = [
        (line["ask_output"], line["ask_term"], line["ask_plane"]) if line["ask_weights"] else None
        for line in lines
    ]
    assert asked == [*schedule, None]
    assert [line["cycle"] for line in lines] == list(range(17))
    assert [line["busy"] for line in lines] == [0, *[1] * 16]
    activations = [line["cycle"] for line in lines if line["ask_activations"]]
    assert activations == [0, 3, 8, 11]
    results = [(line["cycle"], line["result_output"]) for line in lines if line["result"]]
    assert results == [(7, 0), (15, 2)]


def test_without_drain_results_leave_while_the_next_pass_begins(case):
    """[S10.1] The last ones in a cycle that does not count."""
    lines = trace_rtl(case(Layer.linear("fc", 5, 3, 3), drain=0), Shape(2, 3, 4))
    assert [line["cycle"] for line in lines if line["result"]] == [7, 12]
    assert [line["cycle"] for line in lines if line["busy"]] == list(range(1, 13))
    assert lines[-1]["busy"] == 0
