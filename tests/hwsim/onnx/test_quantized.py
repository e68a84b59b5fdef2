"""Constants that are quantized: our definition against onnx's, where that exists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.onnx.quantized import dequantized, less_zero, quantized, width

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
from onnx import helper, reference  # noqa: E402


def by_onnx(operator, inputs, attributes):
    names = ["x", "s", "z"][: len(inputs)]
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], **attributes)], "g",
        [helper.make_empty_tensor_value_info(name) for name in names],
        [helper.make_empty_tensor_value_info("y")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return reference.ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))[0]


@st.composite
def cases(draw):
    dtype = draw(st.sampled_from([np.int8, np.uint8, np.int16, np.uint16]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    info, shape = np.iinfo(dtype), (draw(st.integers(1, 3)), draw(st.integers(2, 9)), 2)
    form = draw(st.sampled_from(["one", "axis 0", "axis 1", "axis -1", "block"]))
    attributes, sizes = {}, ()
    if form.startswith("axis"):
        attributes = {"axis": int(form[5:])}
        sizes = (shape[attributes["axis"]],)
    elif form == "block":
        block = draw(st.integers(2, 4))
        attributes = {"axis": 1, "block_size": block}
        sizes = shape[0], -(-shape[1] // block), shape[2]
    codes = rng.integers(info.min, info.max + 1, shape).astype(dtype)
    scale = rng.choice([0.25, 0.5, 3.0], sizes).astype(np.float32)
    zero = rng.integers(info.min // 2, info.max // 2, sizes).astype(dtype)
    return codes, np.asarray(scale), np.asarray(zero), attributes


@given(cases())
def test_dequantized_is_onnx_own(case):
    """To the bit."""
    codes, scale, zero, attributes = case
    if attributes.get("block_size") and codes.shape[1] % attributes["block_size"]:
        return  # onnx's evaluator wants whole blocks
    ours = dequantized([codes, scale, zero], attributes)
    theirs = by_onnx("DequantizeLinear", [codes, scale, zero], attributes)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


@given(cases(), st.integers(0, 99))
def test_quantized_is_onnx_own(case, seed):
    """Ties to even, and the range of the type."""
    codes, scale, zero, attributes = case
    if attributes.get("block_size"):
        return  # weights only come dequantized by blocks
    x = np.random.default_rng(seed).choice([-99999, -7.5, 0.125, 0.375, 88.0, 99999], codes.shape)
    x = x.astype(np.float32)
    ours = quantized([x, scale, zero], attributes)
    theirs = by_onnx("QuantizeLinear", [x, scale, zero], attributes)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


def test_ragged_blocks():
    """The last block is shorter."""
    codes = np.arange(10, dtype=np.int8).reshape(1, 5, 2)
    zero = np.int8([[[1, 2], [3, 4]]])
    expected = codes - np.int32([[[1, 2]] * 3 + [[3, 4]] * 2])
    assert np.array_equal(less_zero(codes, zero, 1, 3), expected)


def test_widths():
    import ml_dtypes

    assert [width(np.dtype(one)) for one in (np.int8, np.uint16, ml_dtypes.int4)] == [8, 16, 4]
    assert [width(np.dtype(one)) for one in (np.int32, np.float32, bool)] == [0, 0, 0]
    assert width(np.dtype(ml_dtypes.float8_e4m3fn)) == 0
