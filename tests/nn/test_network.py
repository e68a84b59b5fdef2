"""Networks: names, state, and what is refused when layers are made."""

import weakref

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.hessian import HessianProducts
from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Linear,
    MaxPool2d,
)
from tests.nn.networks import batch, flattened, pooled

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def copies(network):
    return {name: value.copy() for name, value in network.state().items()}


def assert_same(arrays, others):
    assert arrays.keys() == others.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, others[name], strict=True)


def test_names_and_order():
    """Parameters are named layer.parameter, in the order of the layers; buffers apart."""
    network = pooled(np.float32, reference)
    assert list(network.parameters()) == [
        "conv.weight", "bn.gamma", "bn.beta", "fc.weight", "fc.bias",
    ]  # fmt: skip
    assert list(network.buffers()) == ["bn.running_mean", "bn.running_variance"]
    assert list(network.state()) == [*network.parameters(), *network.buffers()]
    assert list(network.quantized_layers()) == ["conv", "fc"]


def test_parameters_are_the_arrays_themselves():
    """An optimizer that writes into them trains the network."""
    network = pooled(np.float32, reference)
    images, _ = batch(np.float32)
    before = network.forward(images)
    network.parameters()["fc.bias"][...] += 1
    np.testing.assert_allclose(network.forward(images), before + 1, rtol=1e-5)


@DTYPES
def test_state_round_trip(dtype):
    """Loading another network's state makes the same function, and shares no memory."""
    network, other = flattened(dtype, reference, 0), flattened(dtype, reference, 1)
    images, _ = batch(dtype)
    assert (network.forward(images) != other.forward(images)).any()
    other.load_state(network.state())
    assert_same(other.state(), network.state())
    np.testing.assert_array_equal(other.forward(images), network.forward(images))
    other.parameters()["fc1.bias"][...] = 0
    assert network.parameters()["fc1.bias"].all()


def test_state_may_have_any_layout():
    """[S0.4] Big-endian, read-only and strided arrays work; the network keeps its own layout."""
    network = pooled(np.float32, reference, 1)
    wanted = copies(pooled(np.float32, reference, 2))
    state = {}
    for name, value in wanted.items():
        twice = np.repeat(value, 2, axis=-1)[..., ::2].astype(">f4")
        twice.flags.writeable = False
        state[name] = twice
    network.load_state(state)
    assert_same(network.state(), wanted)


FAULTS = {
    "missing": (lambda s: s.pop("fc.bias"), ["missing fc.bias"]),
    "unexpected": (lambda s: s.update(extra=np.zeros(1)), ["unexpected extra"]),
    "shape": (
        lambda s: s.update({"fc.bias": np.zeros((5, 1), np.float32)}),
        ["fc.bias is float32 (5, 1), not float32 (5,)"],
    ),
    "no broadcasting": (
        lambda s: s.update({"fc.bias": np.float32(0)}), ["fc.bias is float32 (), not float32 (5,)"]
    ),
    "dtype": (
        lambda s: s.update({"fc.bias": np.zeros(5)}), ["fc.bias is float64 (5,), not float32"]
    ),
    "integers": (
        lambda s: s.update({"fc.bias": np.zeros(5, np.int32)}), ["fc.bias is int32 (5,)"]
    ),
    "strings": (lambda s: s.update({"fc.bias": np.array(["a"] * 5)}), ["fc.bias is <U1 (5,)"]),
    "a list": (lambda s: s.update({"fc.bias": [0.0] * 5}), ["fc.bias is float64 (5,)"]),
    "nan": (
        lambda s: s["bn.running_mean"].__setitem__(0, np.nan),
        ["bn.running_mean contains NaN or infinities"],
    ),
    "infinite": (
        lambda s: s["conv.weight"].__setitem__((0, 0, 0, 0), -np.inf),
        ["conv.weight contains NaN or infinities"],
    ),
    "several": (
        lambda s: (s.pop("bn.beta"), s.pop("fc.weight"), s.update(a=np.zeros(1), b=np.zeros(1))),
        ["missing bn.beta", "missing fc.weight", "unexpected a", "unexpected b"],
    ),
    "everything": (lambda s: s.clear(), [f"missing {n}" for n in pooled(np.float32, reference)
                                         .state()]),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "faults"), FAULTS.values(), ids=FAULTS.keys())
def test_load_state_is_all_or_nothing(spoil, faults):
    """Every fault is in the error, and no array has changed."""
    network = pooled(np.float32, reference, 1)
    state, before = copies(pooled(np.float32, reference, 2)), copies(network)
    spoil(state)
    with pytest.raises(ValueError, match="state does not fit the network: ") as caught:
        network.load_state(state)
    message = str(caught.value)
    for fault in faults:
        assert fault in message
    assert message.count(";") == len(faults) - 1
    assert "\n" not in message
    assert_same(network.state(), before)


def test_passes_are_counted():
    """So that what refers to the last forward pass can tell that there was another."""
    network = pooled(np.float32, reference)
    images, _ = batch(np.float32)
    for count in range(1, 4):
        network.forward(images, training=count == 2)
        assert network.passes == count


REST = {"dtype": np.float32, "backend": reference}
DRAWN = {"rng": np.random.default_rng(0), **REST}
REFUSED = {
    "no inputs": (lambda: Conv2d(0, 4, 3, **DRAWN), ValueError, "inputs = 0"),
    "no outputs": (lambda: Conv2d(4, 0, 3, **DRAWN), ValueError, "outputs = 0"),
    "half a channel": (lambda: Conv2d(4, 2.5, 3, **DRAWN), ValueError, r"outputs = 2\.5"),
    "kernel": (lambda: Conv2d(4, 4, 0, **DRAWN), ValueError, "kernel = 0"),
    "stride": (lambda: Conv2d(4, 4, 3, stride=0, **DRAWN), ValueError, "stride = 0"),
    "padding": (lambda: Conv2d(4, 4, 3, padding=-1, **DRAWN), ValueError, "padding = -1"),
    "groups": (lambda: Conv2d(4, 4, 3, groups=0, **DRAWN), ValueError, "groups = 0"),
    "groups of inputs": (
        lambda: Conv2d(4, 6, 3, groups=3, **DRAWN), ValueError, "groups = 3.*inputs = 4"
    ),
    "groups of outputs": (
        lambda: Conv2d(6, 4, 3, groups=3, **DRAWN), ValueError, "groups = 3.*outputs = 4"
    ),
    "linear inputs": (lambda: Linear(0, 4, **DRAWN), ValueError, "inputs = 0"),
    "linear outputs": (lambda: Linear(4, True, **DRAWN), ValueError, "outputs = True"),
    "channels": (lambda: BatchNorm2d(0, **REST), ValueError, "channels = 0"),
    "average": (lambda: AvgPool2d(0, 1, backend=reference), ValueError, "size = 0"),
    "average stride": (lambda: AvgPool2d(2, 0, backend=reference), ValueError, "stride = 0"),
    "maximum": (lambda: MaxPool2d(2, 1.0, backend=reference), ValueError, r"stride = 1\.0"),
    "integer weights": (
        lambda: Conv2d(4, 4, 3, **DRAWN | {"dtype": int}), TypeError, "dtype = int64"
    ),
    "half precision": (
        lambda: Linear(4, 4, **DRAWN | {"dtype": np.float16}), TypeError, "dtype = float16"
    ),
    "integer channels": (
        lambda: BatchNorm2d(4, **REST | {"dtype": np.int32}), TypeError, "dtype = int32"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_impossible_layers_are_refused_when_made(make, error, match):
    """[S0.2], [S0.3] The argument, its value and what was expected."""
    with pytest.raises(error, match=match):
        make()


@DTYPES
def test_a_network_takes_its_own_dtype_only(dtype):
    """[S0.3] Images of the other precision, or integers, are not promoted silently."""
    network = pooled(dtype, reference)
    other = np.float64 if dtype == np.float32 else np.float32
    for wrong in (other, np.int64):
        images, _ = batch(other)
        with pytest.raises(TypeError, match="dtype"):
            network.forward(images.astype(wrong))


def test_kaiming_scale():
    """Weights are drawn with standard deviation ``sqrt(2 / fan-in)``, from the generator given."""

    def make(seed, groups=1):
        rng = np.random.default_rng(seed)
        return Conv2d(32, 64, 3, groups=groups, rng=rng, **REST).weight

    drawn = make(0)
    assert drawn.shape == (3, 3, 32, 64)
    # 18432 draws: the relative error of the deviation is about 1/sqrt(2 * 18432) = 0.5%.
    assert abs(drawn.std() / np.sqrt(2 / (9 * 32)) - 1) < 0.03
    np.testing.assert_array_equal(drawn, make(0))
    assert (drawn != make(1)).all()
    # Of a group, only its own inputs fan in.
    assert abs(make(0, groups=8).std() / np.sqrt(2 / (9 * 4)) - 1) < 0.06


def test_logits_keep_nothing():
    """The bits of a forward pass in inference mode; no other pass can follow."""
    network = models.build("resnet20", width=2, input_size=8, backend=kernels)
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3), dtype=np.float32)
    expected = network.forward(images)
    np.testing.assert_array_equal(network.logits(images), expected)
    with pytest.raises(RuntimeError, match="a forward pass must come first"):
        network.backward(expected)


def test_what_passes_left_behind_is_let_go():
    """After Hessian products too; those made before then need a new pass."""
    network = models.build("resnet20", width=2, input_size=8, backend=kernels)
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3), dtype=np.float32)
    products = HessianProducts(network, images, np.array([0, 1]))
    vectors = {name: np.ones(shape, np.float32) for name, shape in products.shapes().items()}
    products(vectors)
    held = weakref.ref(network.operations["layer1.0.conv1"]._x_dot)
    network.forget()
    assert held() is None
    with pytest.raises(RuntimeError, match="has run forward since"):
        products(vectors)


def test_gradients_without_those_of_the_images():
    """The same bits for every parameter."""
    images = np.random.default_rng(0).standard_normal((3, 8, 8, 3), dtype=np.float32)
    found = []
    for name in ("backward", "backward_to_weights"):
        network = models.build("resnet20", width=2, input_size=8, backend=kernels)
        getattr(network, name)(np.sin(network.forward(images, training=True)))
        found.append({key: value.tobytes() for key, value in network.gradients().items()})
    assert found[0] == found[1]
    assert len(found[0]) == len(network.parameters())
