"""Values of the vectors keep every bit in JSON, and have one form."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.conformance.vectors.canonical import parse
from msq_ref.conformance.vectors.encoding import (
    Store,
    decode,
    encode,
    float_text,
    float_value,
    npy_bytes,
)

numbers = st.one_of(st.floats(width=32), st.floats())


@given(numbers)
def test_floats_keep_every_bit(value):
    text = float_text(value)
    back = float_value(text)
    assert np.float64(back).tobytes() == np.float64(value).tobytes() or value != value
    assert float(text) if text in ("inf", "-inf", "nan") else float.fromhex(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0x0p+0"), (-0.0, "-0x0p+0"), (1.0, "0x1p+0"), (0.1875, "0x1.8p-3"),
        (5e-324, "0x0.0000000000001p-1022"), (2.0**-149, "0x1p-149"),
        (1e308, "0x1.1ccf385ebc8ap+1023"),
        (float("nan"), "nan"), (float("-inf"), "-inf"),
    ],
)  # fmt: skip
def test_floats_are_written_as_c_writes_them(value, text):
    assert float_text(value) == text


@pytest.mark.parametrize(
    "text",
    ["0x1.80p-3", "0x1.8p-03", "0x1.8p3", "0X1P+0", "1.5", "0x3p+0", "+0x1p+0", "", "infinity",
     "NaN", "0x1.p+0", "0x0.8p-1", " 0x1p+0"],
)  # fmt: skip
def test_floats_have_one_form(text):
    with pytest.raises(ValueError, match="expected"):
        float_value(text)


arrays = st.tuples(
    st.sampled_from(["float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 2**32),
)
values = st.one_of(
    st.integers(-(2**80), 2**80), st.booleans(), st.none(), numbers,
    st.fractions(), st.lists(st.integers(-(2**60), 2**60)), st.lists(numbers),
    st.sampled_from(["float32", "float64"]),
)  # fmt: skip


@given(arrays)
def test_arrays_come_back(drawn):
    dtype, shape, seed = drawn
    size = int(np.prod(shape))
    raw = np.random.default_rng(seed).bytes(size * np.dtype(dtype).itemsize)
    bits = np.frombuffer(raw, dtype if dtype != "bool" else "uint8")
    array = (bits % 2 == 1 if dtype == "bool" else bits).reshape(shape)
    for threshold in (1000, 0):
        store = Store(threshold=threshold)
        text = json.dumps(encode(array, store))
        files = {}
        for name, content in store.files.items():
            files[name] = _loaded(content)
        back = decode(parse(text, "test"), files)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")
        assert np.array_equal(np.signbit(back), np.signbit(array)) if dtype[0] == "f" else True


def _loaded(content):
    return np.load(io.BytesIO(content), allow_pickle=False)


@given(values)
def test_other_values_come_back(value):
    back = decode(parse(json.dumps(encode(value, Store())), "test"), {})
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        {"dtype": "float32", "shape": [1], "data": ["0x1.999999999999ap-4"]},
        {"dtype": "int32", "shape": [1], "data": ["0x1p+0"]},
        {"dtype": "int8", "shape": [1], "data": [128]},
        {"dtype": "float64", "shape": [1], "data": [1]},
        {"dtype": "int32", "shape": [2], "data": [1]},
        {"dtype": "int32", "shape": [1], "data": [True]},
        {"dtype": "complex64", "shape": [0], "data": []},
        {"npy": "npy/none.npy", "sha256": "", "dtype": "int8", "shape": []},
        {"nothing": 1}, "12", 2**53, "0x1.0p+0",
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        decode(value, {})


def test_npy_files_are_as_numpy_reads_them():
    for array in (np.arange(6, dtype=np.int16).reshape(2, 3), np.array(1.5), np.zeros((0, 2))):
        for order in (array, np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">"))):
            content = npy_bytes(order)
            back = _loaded(content)
            assert np.array_equal(back, order)
            assert back.shape == order.shape
            assert (len(content) - array.nbytes) % 64 == 0
