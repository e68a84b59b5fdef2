"""Every kind of array on the engine: outputs of the definition, and every count in closed form."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer
from hwsim.array import Array, FusionArray, SystolicArray
from hwsim.check import check_network
from hwsim.engine import simulate_layer
from hwsim.problem import problem_of
from hwsim.skipping import closed_form_of_values
from hwsim.tiling import ORDERS, Tiling, best_tiling, legal, range_sizes
from tests.hwsim.definition import definition

SKIPS = {
    "weight": ("none", "weight-planes"),
    "activation": ("none", "activation-bits"),
    "both": ("none", "weight-planes", "activation-bits", "both"),
    "none": ("none",),
}


@st.composite
def arrays(draw):
    """Small arrays of every kind, with every way of skipping."""
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    pauses = {name: number(0, 2) for name in ("drain", "fill", "tile_switch")}
    taps = draw(st.sampled_from(["flat", "by-tap"]))
    kind = draw(st.sampled_from([*SKIPS, "os", "ws", "is", "fusion"]))
    if kind in ("os", "ws", "is"):
        return SystolicArray(
            kind="systolic", rows=number(1, 4), cols=number(2, 4), dataflow=kind,
            tile_switch=number(0, 2),
        )  # fmt: skip
    if kind == "fusion":
        return FusionArray(kind=kind, rows=number(1, 3), cols=number(1, 3), taps=taps, **pauses)
    return Array(
        rows=number(1, 3), cols=number(1, 3), lanes=number(1, 5), serial=kind, taps=taps,
        skip=draw(st.sampled_from(SKIPS[kind])), skip_by=draw(st.sampled_from(["array", "line"])),
        **pauses,
    )  # fmt: skip


@st.composite
def tensors(draw, layer):
    """Activation codes, weight codes and signs, with planes and values that are zero."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    in_signed = draw(st.booleans())
    low = -(2 ** (layer.in_bits - 1)) if in_signed else 0
    high = low + 2**layer.in_bits - 1
    signed = layer.domain == "signed"
    x_shape = (layer.height, layer.width, layer.channels)
    w_shape = (layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs)
    if layer.kind != "conv":
        x_shape, w_shape = x_shape[1:], w_shape[2:]
    x = rng.integers(low, high, x_shape, endpoint=True)
    x[rng.random(x_shape) < 0.2] = rng.choice([low, high])
    codes = rng.integers(0, 2 ** (layer.bits - signed), w_shape)
    if draw(st.booleans()):
        x &= ~draw(st.integers(0, 2 ** (layer.in_bits - 1) - 1))
        codes &= draw(st.integers(0, 2**layer.bits - 1))
    zeros = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    x[rng.random(x_shape) < zeros] = 0
    codes[rng.random(w_shape) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))] = 0
    signs = rng.integers(-1, 2, w_shape) if signed else None
    return x, codes, signs, in_signed


def run_both(layer, accelerator, x, codes, signs, in_signed, tiling):
    result = simulate_layer(
        layer, accelerator, x, codes, signs, in_signed=in_signed, tiling=tiling
    )
    assert np.array_equal(result.accumulators, definition(layer, x, codes, signs))
    weights = codes if signs is None else codes * signs
    assert result.counts == closed_form_of_values(layer, accelerator, tiling, weights, x)
    return result.counts


@settings(max_examples=400)
@given(data=st.data())
def test_engine_is_closed_form_and_definition(data, layers, machine):
    """[S10.3] [S10.1] [S9.1] Tiles of any size in any order, partial sums kept or spilled."""
    layer = data.draw(layers())
    accelerator = machine(
        bandwidth=data.draw(st.integers(1, 64)), double=data.draw(st.booleans()),
        outputs=data.draw(st.sampled_from([64, 256, 10**6])),
    ).model_copy(update={"array": data.draw(arrays())})  # fmt: skip
    problem = problem_of(layer, accelerator)
    sizes = [
        data.draw(st.sampled_from(range_sizes(whole, unit)))
        for whole, unit in zip(problem.sizes, problem.units, strict=True)
    ]
    tiling = Tiling(data.draw(st.sampled_from(ORDERS)), *map(int, sizes))
    try:
        legal(layer, accelerator, tiling)
    except ValueError:
        tiling = best_tiling(layer, accelerator)
    x, codes, signs, in_signed = data.draw(tensors(layer))
    run_both(layer, accelerator, x, codes, signs, in_signed, tiling)


def kinds():
    for serial, skips in SKIPS.items():
        for skip, by in itertools.product(skips, ("array", "line")):
            if (skip, by) != ("none", "line"):
                yield {"serial": serial, "skip": skip, "skip_by": by}


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: "-".join(kind.values()))
@pytest.mark.parametrize("domain", ["signed", "offset"])
def test_all_values_of_a_small_layer(machine, kind, domain):
    """[S9.1] [S10.3] Two bits, two terms, two outputs: all weights with all activations."""
    array = Array(rows=2, cols=1, lanes=2, **kind)
    accelerator = machine().model_copy(update={"array": array})
    x = np.array(list(itertools.product(range(-2, 2), repeat=2)))
    layer = Layer.linear("fc", 2, 2, 2, positions=len(x), in_bits=2, domain=domain)
    whole = Tiling("mpc", 2, len(x), 2)
    integers = [0, 1, 2, 3] if domain == "offset" else [-1, 0, 1]
    for w in itertools.product(integers, repeat=4):
        v = np.array(w).reshape(2, 2)
        signs = None if domain == "offset" else np.sign(v)
        run_both(layer, accelerator, x, np.abs(v), signs, True, whole)


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_all_sizes_on_a_small_systolic_array(machine, dataflow):
    """[S10.3] [S9.1] Folds that are full, ragged, or a single one."""
    array = SystolicArray(kind="systolic", rows=2, cols=3, dataflow=dataflow)
    accelerator = machine().model_copy(update={"array": array})
    rng = np.random.default_rng(0)
    for K, M, P in itertools.product(range(1, 6), range(1, 8), range(1, 8)):
        layer = Layer.linear("fc", K, M, 3, positions=P, in_bits=3)
        x, codes = rng.integers(0, 8, (P, K)), rng.integers(0, 4, (K, M))
        signs = rng.integers(-1, 2, (K, M))
        run_both(layer, accelerator, x, codes, signs, False, Tiling("mpc", M, P, K))


@pytest.mark.parametrize("bits", [1, 2, 15, 16])
@pytest.mark.parametrize("kind", [*SKIPS, "os", "ws", "is"])
def test_extremes(machine, kind, bits):
    """[S9.1] [S9.2] All codes largest, all activations smallest, at the widest and narrowest."""
    if kind in SKIPS:
        array = Array(rows=2, cols=2, lanes=4, serial=kind)
    else:
        array = SystolicArray(kind="systolic", rows=2, cols=2, dataflow=kind)
    accelerator = machine().model_copy(update={"array": array})
    layer = Layer.linear("fc", 7, 2, bits, in_bits=16, domain="offset")
    codes = np.full((7, 2), 2**bits - 1)
    codes[:, 1] = 0
    run_both(layer, accelerator, np.full(7, -(2**15)), codes, None, True, Tiling("mpc", 2, 1, 7))
    run_both(layer, accelerator, np.full(7, 2**16 - 1), codes, None, False, Tiling("mpc", 2, 1, 7))


@pytest.mark.parametrize("skip", ["weight-planes", "both"])
def test_a_network_on_an_array_that_skips(integer_network, machine, skip):
    """[S10.3] Counts depend on the image, and are those of the engine for each."""
    array = Array(rows=4, cols=4, lanes=8, serial="both", skip=skip, skip_by="line")
    accelerator = machine().model_copy(update={"array": array})
    codes = np.random.default_rng(0).integers(-32, 32, (2, 8, 8, 1)).astype(np.int32)
    checks = check_network(integer_network, accelerator, codes)
    assert all(one.cycles_equal and one.outputs_equal for one in checks)
    without = machine().model_copy(
        update={"array": array.model_copy(update={"skip": "none"})}
    )
    plain = check_network(integer_network, without, codes)
    for one, other in zip(checks, plain, strict=True):
        assert one.closed_form.compute_cycles <= other.closed_form.compute_cycles
    assert sum(one.closed_form.compute_cycles for one in checks) < sum(
        one.closed_form.compute_cycles for one in plain
    )
