"""Products of ONNX graphs: the layers compute what onnx's own definition does."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.load import load_workload
from msq_ref.reference import integer_conv2d, normalize_signed, roundclamp

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
from onnx import TensorProto, helper, numpy_helper, reference  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture
def build(folder):
    """Give a function that writes a graph of nodes and constants, and evaluates it by onnx."""

    def build(nodes, shapes, constants, outputs=("y",), kinds=(), opset=21):
        kinds = {**dict.fromkeys(shapes, TensorProto.FLOAT), **dict(kinds)}
        inputs = [helper.make_tensor_value_info(k, kinds[k], list(v)) for k, v in shapes.items()]
        results = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(
            nodes, "g", inputs, results,
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        path = folder / "net.onnx"
        onnx.save(model, path)
        return path, lambda **feeds: reference.ReferenceEvaluator(model).run(None, feeds)[0]

    return build


def only(path, **options):
    work = load_workload(path, **options)
    (layer,) = work.layers
    return work, layer


def conv_of(layer, values, x):
    """Return a layer's results for an image (height, width, channels), by the definition."""
    y = integer_conv2d(
        x[None], np.abs(values), layer.bits, layer.stride, layer.padding, layer.groups,
        np.sign(values),
    )  # fmt: skip
    return y[0]


@st.composite
def convolutions(draw):
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    groups, kernel = number(1, 3), (number(1, 3), number(1, 3))
    size = number(3, 7), number(3, 7)
    pads = [number(0, 2) for _ in range(4)]
    if draw(st.booleans()):
        pads = [pads[0]] * 2 + pads[2:]
    attributes = {
        "group": groups,
        "strides": draw(st.sampled_from([[1, 1], [2, 2], [3, 3], [2, 1]])),
    }
    mode = draw(st.sampled_from(["", "", "", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    attributes |= {"auto_pad": mode} if mode else {"pads": pads}
    shape = groups * number(1, 2), number(1, 2), *kernel
    rng = np.random.default_rng(number(0, 99))
    return attributes, size, rng.integers(-7, 8, shape), rng


def found(path):
    """Return the workload of a convolution; None if its strides are refused."""
    try:
        return load_workload(path)
    except ValueError as error:
        if "no product for the array (not modelled: Conv with strides 2x1" in str(error):
            return None
        raise


@settings(max_examples=80)
@given(convolutions())
def test_convolutions(drawn):
    """[S10.2] [S11.1] Any border, stride and grouping: the layer's outputs are onnx's, or it says.

    Where the border is part of the input, it is put there.
    """
    attributes, size, w, rng = drawn
    channels = w.shape[1] * attributes["group"]
    x = rng.integers(0, 9, (1, channels, *size)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="c", **attributes)
    dequantize = helper.make_node("DequantizeLinear", ["q", "one"], ["w"])
    graph = helper.make_graph(
        [dequantize, node], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(x.shape))],
        [helper.make_empty_tensor_value_info("y")],
        [
            numpy_helper.from_array(w.astype(np.int8), "q"),
            numpy_helper.from_array(np.float32(1), "one"),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (expected,) = reference.ReferenceEvaluator(model).run(None, {"x": x})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "c.onnx"
        onnx.save(model, path)
        work = found(path)
    if work is None:
        assert attributes["strides"] == [2, 1]
        return
    (layer,) = work.layers
    codes = x[0].transpose(1, 2, 0).astype(np.int32)
    if work.notes:
        words = work.notes[0].partition("(")[2].split()
        top, left, bottom, right = (int(words[i]) for i in (0, 2, 4, 6))
        codes = np.pad(codes, ((top, bottom), (left, right), (0, 0)))
        assert layer.padding == 0
    assert codes.shape == (layer.height, layer.width, layer.channels)
    y = conv_of(layer, work.values[layer.name], codes)
    assert np.array_equal(y, expected[0].transpose(1, 2, 0))
    assert layer.macs == expected.size * w[0].size
    assert layer.bits == 8


def conv(build, shape, w, **attributes):
    return build(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="c", **attributes)], {"x": shape},
        {"w": w.astype(np.float32)},
    )  # fmt: skip


def test_borders_that_symmetric_ones_stand_for(build):
    """[S11.1] A border that no window reaches changes nothing."""
    w = np.ones((2, 1, 3, 3))
    path, _ = conv(build, (1, 1, 8, 8), w, pads=[1, 1, 0, 0], strides=[2, 2])
    work, layer = only(path)
    assert (layer.padding, layer.height, layer.P, work.notes) == (1, 8, 16, ())
    path, _ = conv(build, (1, 1, 8, 8), w, pads=[0, 0, 1, 1], strides=[2, 2])
    work, layer = only(path)
    assert (layer.padding, layer.height, layer.width, layer.P) == (0, 9, 9, 16)
    assert work.notes == (
        "c: its border of zeros (0 above, 0 left, 1 below, 1 right) counts as part of its input",
    )


def test_rows(build):
    """A convolution along one axis is a row."""
    path, _ = conv(build, (1, 3, 11), np.ones((4, 3, 5)), pads=[2, 2], strides=[3])
    work, layer = only(path)
    assert (layer.height, layer.width, layer.K, layer.M, layer.P) == (1, 15, 15, 4, 4)
    assert "2 left, 0 below, 2 right" in work.notes[0]


REFUSED = {
    "dilations 2x1": ((1, 2, 9, 9), (3, 2, 3, 3), {"dilations": [2, 1]}),
    "strides 1x2": ((1, 2, 9, 9), (3, 2, 3, 3), {"strides": [1, 2]}),
    "3 axes": ((1, 2, 5, 5, 5), (3, 2, 3, 3, 3), {}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_convolutions_that_no_layer_is(build, reason):
    """They are listed, with their multiplications."""
    shape, kernel, attributes = REFUSED[reason]
    path, run = conv(build, shape, np.ones(kernel), **attributes)
    (y,) = run(x=np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="no product for the array") as caught:
        load_workload(path)
    assert f"Conv with {reason}, 1 times, 100.0% of the MACs" in str(caught.value)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="c", **attributes),
        helper.make_node("Conv", ["x", "v"], ["y"], name="d"),
    ]
    one = np.ones((1, shape[1], *[1] * (len(shape) - 2)), np.float32)
    if len(shape) == 4:
        constants = {"w": np.ones(kernel, np.float32), "v": one}
        path, _ = build(nodes, {"x": shape}, constants, ("a", "y"))
        (left,) = load_workload(path).left_out
        assert left.operator == f"Conv with {reason}"
        assert left.macs == y.size * np.prod(kernel[1:])
        whole = left.macs + 2 * 81
        assert left.macs_share == pytest.approx(left.macs / whole)
        assert left.elements_share == pytest.approx(y.size / (y.size + 81))


def test_a_dilation_of_one_row_is_none(build):
    path, _ = conv(build, (1, 2, 9, 9), np.ones((3, 2, 1, 3)), dilations=[4, 1])
    assert only(path)[1].macs == 9 * 7 * 3 * 6


MATRICES = {
    "matmul": ("MatMul", (4, 5), (5, 3), {}, ("linear", 5, 3, 4, 1)),
    "batch": ("MatMul", (2, 4, 5), (5, 3), {}, ("linear", 5, 3, 8, 1)),
    "vector": ("MatMul", (5,), (5, 3), {}, ("linear", 5, 3, 1, 1)),
    "to one": ("MatMul", (4, 5), (5,), {}, ("linear", 5, 1, 4, 1)),
    "gemm": ("Gemm", (4, 5), (5, 3), {}, ("linear", 5, 3, 4, 1)),
    "gemm b": ("Gemm", (4, 5), (3, 5), {"transB": 1}, ("linear", 5, 3, 4, 1)),
    "gemm a": ("Gemm", (5, 4), (5, 3), {"transA": 1}, ("linear", 5, 3, 4, 1)),
    "groups": ("MatMul", (2, 4, 5), (2, 5, 3), {}, ("conv", 5, 3, 4, 2)),
    "more": ("MatMul", (3, 2, 4, 5), (2, 5, 3), {}, ("conv", 5, 3, 12, 2)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrices(build, name):
    """[S10.1] A constant is a linear layer; its integers give onnx's result."""
    operator, a, b, attributes, expected = MATRICES[name]
    w = np.random.default_rng(1).integers(-7, 8, b).astype(np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "one"], ["w"]),
        helper.make_node(operator, ["x", "w"], ["y"], **attributes),
    ]
    path, run = build(nodes, {"x": a}, {"q": w, "one": np.float32(1)})
    work, layer = only(path)
    assert (layer.kind, layer.K, layer.M, layer.P, layer.groups) == expected
    x = np.random.default_rng(2).integers(0, 9, a).astype(np.float32)
    values = work.values[layer.name][0, 0]
    turned = x.T if attributes.get("transA") else x
    if layer.groups == 1:
        y = turned.reshape(-1, layer.K) @ values
    else:
        by_group = turned.reshape(-1, layer.groups, 4, 5)
        weights = values.reshape(5, layer.groups, 3)
        y = np.einsum("egpk,kgm->egpm", by_group, weights)
    assert np.array_equal(y.ravel(), run(x=x).ravel())


@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_constant_from_the_left(build, batch):
    """[S10.1] Its rows are the outputs."""
    w = np.random.default_rng(1).integers(-7, 8, (4, 5)).astype(np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "one"], ["w"]),
        helper.make_node("MatMul", ["w", "x"], ["y"]),
    ]
    path, run = build(nodes, {"x": (*batch, 5, 3)}, {"q": w, "one": np.float32(1)})
    work, layer = only(path)
    positions = 6 if batch else 3
    assert (layer.kind, layer.K, layer.M, layer.P) == ("linear", 5, 4, positions)
    x = np.random.default_rng(2).integers(0, 9, (*batch, 5, 3)).astype(np.float32)
    y = np.einsum("...kp,km->...mp", x, work.values[layer.name][0, 0])
    assert np.array_equal(y, run(x=x))


def test_attention(build):
    """[S10.2] Two activations: a group a matrix, none with weights."""
    nodes = [
        helper.make_node("MatMul", ["q", "k"], ["s"], name="scores"),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["y"], name="values"),
    ]
    path, _ = build(nodes, {"q": (1, 3, 7, 4), "k": (1, 3, 4, 9), "v": (1, 3, 9, 5)}, {})
    work = load_workload(path, in_bits=6)
    found = [(at.name, at.kind, at.K, at.M, at.P, at.groups, at.bits) for at in work.layers]
    assert found == [("scores", "attention", 4, 9, 7, 3, 6), ("values", "attention", 9, 5, 7, 3, 6)]
    assert (len(work.weighted), dict(work.values)) == (0, {})
    assert work.at_bits(3) == work


def test_one_input_for_many_matrices(build):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    path, _ = build([node], {"x": (4, 5)}, {"w": np.ones((2, 5, 3), np.float32)})
    with pytest.raises(ValueError, match="MatMul with one input for many matrices"):
        load_workload(path)


def test_floats_are_rounded(build):
    """[S1.4] [S2.1] By `roundclamp`, layer by layer, at the width that is asked for."""
    w = np.random.default_rng(3).standard_normal((3, 2, 3, 3)).astype(np.float32)
    path, _ = conv(build, (1, 2, 5, 5), w)
    for bits in (None, 4):
        work, layer = only(path, bits=bits)
        assert layer.bits == (bits or 8)
        expected = np.sign(w) * roundclamp(normalize_signed(w), layer.bits - 1)
        assert np.array_equal(work.values["c"], expected.transpose(2, 3, 1, 0))


INTEGERS = {
    "int8": (np.int8, np.int8(0), -128, 127, 8),
    "uint8 around 128": (np.uint8, np.uint8(128), 0, 255, 8),
    "uint8 around 100": (np.uint8, np.uint8(100), 0, 255, 9),
    "uint8": (np.uint8, None, 0, 255, 9),
    "int16": (np.int16, None, -300, 300, 16),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_keep_their_width(build, name):
    """[S9.1] Or get the one that they need without their zero point; others are rounded anew."""
    dtype, zero, low, high, bits = INTEGERS[name]
    q = np.random.default_rng(4).integers(low, high + 1, (6, 5)).astype(dtype)
    q[0, :2] = low, high
    constants = {"q": q, "scale": np.float32(0.25)}
    inputs = ["q", "scale"]
    if zero is not None:
        constants["zero"] = zero
        inputs.append("zero")
    nodes = [
        helper.make_node("DequantizeLinear", inputs, ["w"]),
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"], name="fc"),
    ]
    path, _ = build(nodes, {"x": (1, 5)}, constants)
    work, layer = only(path)
    v = q.astype(int) - int(zero or 0)
    assert layer.bits == bits
    assert np.array_equal(work.values[layer.name][0, 0], v.T)
    other = work.at_bits(4).values[layer.name][0, 0]
    expected = np.sign(v) * roundclamp(np.abs(v) / np.abs(v).max(), 3)
    assert np.array_equal(other, expected.T)


def test_scales_and_zero_points_by_channel(build):
    """Real weights at another width take the scales into account."""
    q = np.array([[4, -4], [7, 1]], np.int8)
    constants = {"q": q, "s": np.float32([1, 10]), "z": np.int8([0, 1])}
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    path, _ = build(nodes, {"x": (1, 2)}, constants)
    work, layer = only(path)
    assert np.array_equal(work.values[layer.name][0, 0], [[4, -5], [7, 0]])
    real = np.array([[4.0, -50], [7, 0]])
    narrow = np.sign(real) * roundclamp(np.abs(real) / 50, 3)
    assert np.array_equal(work.at_bits(4).values[layer.name][0, 0], narrow)


@pytest.mark.parametrize("opset", [10, 13, 21])
def test_integers_of_older_versions(build, opset):
    """onnx's own evaluator knows none of before version 19."""
    q = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    constants = {"q": q, "s": np.float32(0.5), "z": np.int8(1)}
    path, _ = build(nodes, {"x": (2, 4)}, constants, opset=opset)
    work, layer = only(path)
    assert np.array_equal(work.values[layer.name][0, 0], q - 1)


def test_four_bits_in_blocks(build):
    """As language models are packed: scales by blocks of the reduction."""
    q = helper.make_tensor("q", TensorProto.INT4, (4, 3), [-8, 7, 1, 0] * 3)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=0, block_size=2),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    path, _ = build(nodes, {"x": (2, 4)}, {"s": np.float32([[1, 2, 4], [8, 16, 32]])})
    model = onnx.load(path)
    model.graph.initializer.append(q)
    onnx.save(model, path)
    work, layer = only(path)
    assert layer.bits == 4
    assert work.values[layer.name].ravel().tolist() == [-8, 7, 1, 0] * 3
    scales = np.repeat([[1, 2, 4], [8, 16, 32]], 2, axis=0)
    real = np.array([-8, 7, 1, 0] * 3).reshape(4, 3) * scales
    expected = np.sign(real) * roundclamp(np.abs(real) / np.abs(real).max(), 2)
    assert np.array_equal(work.at_bits(3).values[layer.name][0, 0], expected)


def test_operators_of_integers(build):
    """[S8.1] Activations are as wide as the file has them, the last results 32 bits."""
    w = np.random.default_rng(5).integers(0, 256, (3, 2, 1, 1)).astype(np.uint8)
    w[1, 0] = 255
    scales = {"xs": np.float32(0.5), "ws": np.float32([1, 2, 4]), "ys": np.float32(9)}
    zeros = {"xz": np.uint8(3), "wz": np.uint8([128, 120, 140]), "yz": np.uint8(0)}
    nodes = [
        helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["a"]),
        helper.make_node("ConvInteger", ["a", "v", "", "wy"], ["y"]),
    ]
    constants = {**scales, **zeros, "w": w, "v": w[:, [0, 1, 0]], "wy": np.uint8(128)}
    path, _ = build(nodes, {"x": (1, 2, 4, 4)}, constants, kinds={"x": TensorProto.UINT8})
    work = load_workload(path)
    first, second = work.layers
    assert [(at.bits, at.in_bits, at.out_bits) for at in work.layers] == [(9, 8, 8), (8, 8, 32)]
    v = w.astype(int) - np.array([128, 120, 140]).reshape(3, 1, 1, 1)
    assert np.array_equal(work.values[first.name], v.transpose(2, 3, 1, 0))
    v = w[:, [0, 1, 0]].astype(int) - 128
    assert np.array_equal(work.values[second.name], v.transpose(2, 3, 1, 0))


def test_quantized_activations(build):
    """[S8.1] Behind a ``DequantizeLinear`` they have the width of its integers."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]
    constants = {"s": np.float32(1), "z": np.int16(0), "w": np.ones((5, 3), np.float32)}
    path, _ = build(nodes, {"x": (2, 5)}, constants)
    assert only(path)[1].in_bits == 16
    assert only(path, in_bits=5)[1].in_bits == 5


def test_names(build):
    """Those of the weights as PyTorch calls them, else of the node; twice the same is numbered."""
    constants = {"stem.conv.weight": np.ones((2, 2, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "stem.conv.weight"], ["a"], name="/stem/Conv"),
        helper.make_node("Conv", ["a", "stem.conv.weight"], ["b"], name="/again/Conv"),
        helper.make_node("Flatten", ["b"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["c"], name="/fc/MatMul"),
        helper.make_node("MatMul", ["c", "v"], ["y"]),
    ]
    constants |= {"w": np.ones((32, 3), np.float32), "v": np.ones((3, 2), np.float32)}
    path, _ = build(nodes, {"x": (1, 2, 4, 4)}, constants)
    names = [layer.name for layer in load_workload(path).layers]
    assert names == ["stem.conv", "stem.conv (2)", "/fc/MatMul", "y"]
