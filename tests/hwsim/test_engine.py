"""The engine: every count of the closed form, and the outputs of the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import msq_ref as msq
from hwsim import Layer, load_accelerator
from hwsim import engine as module
from hwsim.analytic import closed_form
from hwsim.engine import EngineAccumulate, compile_engine, simulate_layer
from hwsim.faults import IN_DRAM
from hwsim.overrides import override
from hwsim.tiling import ORDERS, Tiling, best_tiling
from tests.hwsim.definition import definition
from tests.hwsim.legal import is_legal


def tensors(layer, rng, in_signed):
    """Random activation codes, weight codes and signs, the extremes among them."""
    low = -(2 ** (layer.in_bits - 1)) if in_signed else 0
    high = low + 2**layer.in_bits - 1
    signed = layer.domain == "signed"
    if layer.kind == "conv":
        x_shape = layer.height, layer.width, layer.channels
        w_shape = layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs
    else:
        x_shape, w_shape = (layer.P, layer.channels), (layer.channels, layer.outputs)
    x = rng.integers(low, high, x_shape, endpoint=True)
    x[rng.random(x_shape) < 0.2] = rng.choice([low, high])
    codes = rng.integers(0, 2 ** (layer.bits - signed), w_shape)
    signs = rng.integers(-1, 2, w_shape).astype(np.int8) if signed else None
    return x, codes.astype(np.int32), signs


def run_both(layer, accelerator, seed, in_signed, tiling=None):
    rng = np.random.default_rng(seed)
    x, codes, signs = tensors(layer, rng, in_signed)
    result = simulate_layer(
        layer, accelerator, x, codes, signs, in_signed=in_signed, tiling=tiling
    )
    expected = definition(layer, x, codes, signs)
    assert result.accumulators.dtype == np.int64
    assert result.accumulators.shape == expected.shape
    assert np.array_equal(result.accumulators, expected)
    cut = tiling or best_tiling(layer, accelerator)
    assert result.counts == closed_form(layer, accelerator, cut)


@settings(max_examples=300)
@given(data=st.data())
def test_engine_is_closed_form_and_definition(data, layers, machines):
    """[S10.3] [S9.1] On machines whose buffers hold little, with the best tiling."""
    layer = data.draw(layers())
    accelerator = data.draw(machines(layer))
    run_both(layer, accelerator, data.draw(st.integers(0, 2**32)), data.draw(st.booleans()))


@settings(max_examples=300)
@given(data=st.data())
def test_engine_with_any_tiling(data, layers, machines, cuts):
    """[S10.3] The best tiling spills seldom; here all sizes and orders that fit are as likely."""
    layer = data.draw(layers())
    accelerator = data.draw(machines(layer))
    drawn = data.draw(st.lists(cuts(layer, accelerator), min_size=8, max_size=8))
    tiling = next((one for one in drawn if is_legal(layer, accelerator, one)), None)
    run_both(layer, accelerator, data.draw(st.integers(0, 2**32)), data.draw(st.booleans()), tiling)


@settings(max_examples=60)
@given(data=st.data())
def test_legal_tilings_are_those_that_the_machine_runs(data, layers, machines):
    """[S10.4] Any sizes, in any order: refused if and only if the machine ends with a fault."""
    layer = data.draw(layers(max_side=4))
    accelerator = data.draw(machines(layer))
    x, codes, signs = tensors(layer, np.random.default_rng(0), False)
    size = lambda whole: data.draw(st.integers(-1, whole + 2))  # noqa: E731
    for _ in range(20):
        order = data.draw(st.sampled_from(ORDERS))
        tiling = Tiling(order, size(layer.M), size(layer.P), size(layer.group_channels))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "legal", lambda *_: None)
            try:
                simulate_layer(layer, accelerator, x, codes, signs, tiling=tiling)
                ran = True
            except RuntimeError as error:
                assert "no multiple" in str(error) or "does not fit" in str(error)  # noqa: PT017
                ran = False
        assert is_legal(layer, accelerator, tiling) == ran


@pytest.mark.parametrize(
    ("bits", "domain"),
    [(bits, "offset") for bits in range(1, 17)] + [(bits, "signed") for bits in range(2, 17)],
)
def test_every_width_at_its_extremes(machine, bits, domain):
    """[S9.1] All codes largest, all activations smallest: the accumulator's far ends."""
    layer = Layer.linear("fc", 7, 2, bits, in_bits=16, domain=domain)
    codes = np.full((7, 2), 2 ** (bits - (domain == "signed")) - 1)
    signs = np.tile([[-1, 1]], (7, 1)) if domain == "signed" else None
    if signs is None:
        codes[:, 1] = 0
    x = np.full(7, -(2**15))
    result = simulate_layer(layer, machine(), x, codes, signs, in_signed=True)
    assert np.array_equal(result.accumulators, msq.integer_linear(x, codes, bits, signs))


def test_depthwise_with_stride(machine):
    """[S10.2] [S10.3]"""
    layer = Layer("dw", "conv", 7, 6, 5, 5, 4, 3, 3, stride=2, padding=1, groups=5)
    for double in (False, True):
        accelerator = machine(4, 3, 2, double=double, bandwidth=5, inputs=60)
        run_both(layer, accelerator, 0, False)


def test_windows_that_see_only_padding(machine):
    """[S11.1] Padding wider than the kernel: nothing is fetched for the corners."""
    layer = Layer("c", "conv", 2, 2, 1, 2, 3, 1, 1, padding=3)
    run_both(layer, machine(1, 1, 1), 1, True, Tiling("pmc", 1, 1, 1))


def test_positions_of_a_linear_layer_may_have_any_shape(machine):
    """[S9.1]"""
    layer = Layer.linear("fc", 3, 4, 3, positions=6)
    x, codes, signs = tensors(layer, np.random.default_rng(2), False)
    flat = simulate_layer(layer, machine(), x, codes, signs).accumulators
    shaped = simulate_layer(layer, machine(), x.reshape(2, 3, 3), codes, signs).accumulators
    assert shaped.shape == (2, 3, 4)
    assert np.array_equal(shaped.reshape(6, 4), flat)
    one = Layer.linear("fc", 3, 4, 3)
    assert simulate_layer(one, machine(), x[0], codes, signs).accumulators.shape == (4,)


def test_compiled_once_for_all_layers(machine):
    """What `compile_engine` compiles is all that any layer on any array needs."""
    compile_engine()
    (before,) = module.machine.run.signatures
    run_both(Layer("c", "conv", 4, 4, 4, 2, 3, 3, 3, padding=1, groups=2), machine(), 0, True)
    systolic = override(load_accelerator("systolic-ws"), "4x4")
    run_both(Layer.linear("fc", 3, 4, 8, in_bits=8), systolic, 0, False)
    assert module.machine.run.signatures == [before]


def test_inputs_are_left_alone(machine):
    """[S0.4] Read-only, strided and big-endian arrays do."""
    layer = Layer.linear("fc", 6, 4, 3, domain="offset")
    x = np.arange(12, dtype=">i4")[::2]
    codes = np.asfortranarray(np.arange(24).reshape(6, 4) % 8)
    x.flags.writeable = codes.flags.writeable = False
    result = simulate_layer(layer, machine(), x, codes)
    assert np.array_equal(result.accumulators, msq.integer_linear(x, codes, 3))


def test_engine_in_place_of_a_networks_arithmetic(integer_network, machine):
    """[S10.3] [S9] A whole network from the engine's accumulators: the same logits."""
    rng = np.random.default_rng(0)
    codes = rng.integers(-32, 32, (3, 8, 8, 1)).astype(np.int32)
    engine = EngineAccumulate(machine(4, 4, 8))
    logits = integer_network.run(codes, engine)
    assert np.array_equal(logits, integer_network.run(codes))
    assert list(engine.counts) == [product.name for product in integer_network.products()]
    traced = integer_network.trace(codes, engine)
    assert np.array_equal(traced[-1].y, logits)
    with pytest.raises(ValueError, match=r"layer conv1: x has shape \(0, 8, 8, 1\)"):
        engine(integer_network.products()[0], codes[:0])


def conv():
    layer = Layer("c", "conv", 3, 3, 2, 2, 3, 2, 2, in_bits=4)
    return layer, *tensors(layer, np.random.default_rng(0), False)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((3, 3, 2))}, TypeError, "layer c: x has dtype float64"),
        ({"x": np.zeros((3, 3, 1), int)}, ValueError, r"shape \(3, 3, 1\): expected \(3, 3, 2\)"),
        ({"x": np.full((3, 3, 2), 16)}, ValueError, r"x contains 16: expected .* \[0, 15\]"),
        ({"x": np.full((3, 3, 2), -1)}, ValueError, "x contains -1"),
        ({"codes": np.zeros((2, 2, 2, 2), bool)}, TypeError, "codes has dtype bool"),
        ({"codes": np.full((2, 2, 2, 2), 4)}, ValueError, r"codes contains 4: .* \[0, 3\]"),
        ({"codes": np.zeros((2, 2, 2, 3), int)}, ValueError, "codes has shape"),
        ({"signs": np.zeros((2, 2, 2, 3), int)}, ValueError, "signs has shape"),
        ({"signs": np.full((2, 2, 2, 2), 2)}, ValueError, "signs contains 2"),
        ({"signs": None}, ValueError, "signs = None: expected an array in the signed domain"),
        ({"tiling": Tiling("mpc", 1, 2, 2)}, ValueError, "tiling.m_size = 1"),
    ],
)
def test_bad_arguments(machine, change, error, message):
    """[S0.2]"""
    layer, x, codes, signs = conv()
    arguments = {"x": x, "codes": codes, "signs": signs, **change}
    with pytest.raises(error, match=message):
        simulate_layer(layer, machine(), **arguments)


def test_signs_belong_to_the_signed_domain(machine):
    """[S9.1]"""
    layer, ones = Layer.linear("fc", 2, 2, 1, domain="offset"), np.ones((2, 2), int)
    with pytest.raises(ValueError, match="signs = an array: expected None in the offset domain"):
        simulate_layer(layer, machine(), ones[0], ones, ones)
    with pytest.raises(ValueError, match=r"x has shape \(3,\): expected 1 positions of 2 features"):
        simulate_layer(layer, machine(), np.ones(3, int), ones)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a.weights.__setitem__(2, 1), "a weight that is not on chip was read"),
        (lambda a: a.weights.__setitem__(4, a.weights[3]), "a weight that is not on chip was read"),
        (lambda a: a.inputs.__setitem__(4, 1), "an input outside the tile's part of the image"),
        (lambda a: a.inputs.__setitem__(6, a.inputs[5]), "an input outside the tile's part"),
        (lambda a: a.place.fill(IN_DRAM), "a partial sum that is not on chip was read"),
    ],
)
def test_machine_refuses_what_is_not_on_chip(machine, monkeypatch, spoil, message):
    """[S10.4] An output, a channel or a column too few, and partial sums that nobody loaded."""
    from hwsim import machine as compiled

    layer, x, codes, signs = conv()
    order = compiled.order_tile

    def spoiled(setup, tile, arrays, *new):
        order(setup, tile, arrays, *new)
        spoil(arrays)

    monkeypatch.setattr(compiled, "order_tile", spoiled)
    monkeypatch.setattr(compiled, "_run_tile", compiled._run_tile.py_func)
    monkeypatch.setattr(compiled, "run", compiled.run.py_func)
    accelerator = machine(2, 2, 1)
    with pytest.raises(RuntimeError, match=f"layer c: {message}"):
        simulate_layer(layer, accelerator, x, codes, signs, tiling=Tiling("mpc", 2, 4, 1))


def test_machine_refuses_tiles_that_do_not_fit(machine, monkeypatch):
    """[S10.4] And an engine that writes nothing is noticed."""
    layer, x, codes, signs = conv()
    monkeypatch.setattr(module, "legal", lambda *_: None)
    arguments = layer, machine(weight=4), x, codes, signs
    with pytest.raises(RuntimeError, match="layer c: a tile does not fit its buffer"):
        simulate_layer(*arguments, tiling=Tiling("mpc", 2, 4, 2))
    monkeypatch.setattr(module.machine, "run", lambda *_: 0)
    with pytest.raises(RuntimeError, match="layer c: an output was not written exactly once"):
        simulate_layer(*arguments, tiling=Tiling("mpc", 2, 4, 2))
