"""The drawn layers cover what they should; layer files come back as they went; bad input."""

import numpy as np
import pytest

from hwsim import Layer
from hwsim.rtl import Case, Shape, simulate_batch, validate_rtl
from hwsim.rtl.cases import SHAPES, demo_cases, draw_case
from hwsim.rtl.files import HEADER, read_cases, read_results, write_cases


def test_draws_cover_every_kind_on_every_array():
    """Else a thousand equal layers would say little."""
    draws = [draw_case(index, 0) for index in range(1000)]
    for shape in SHAPES:
        layers = [draw.case.layer for draw in draws if draw.shape == shape]
        cases = [draw.case for draw in draws if draw.shape == shape]
        assert {(one.bits, one.domain) for one in layers} >= {
            *((n, "offset") for n in range(1, 9)), *((n, "signed") for n in range(2, 9))
        }  # fmt: skip
        assert {case.drain for case in cases} == {0, 1, 2, 3}
        assert {case.in_signed for case in cases} == {False, True}
        assert {one.kind for one in layers} == {"conv", "linear", "attention"}
        assert {one.stride for one in layers} == {1, 2, 3}
        assert {one.padding for one in layers} == {0, 1, 2}
        for many in (
            [one for one in layers if one.K == 1],
            [one for one in layers if one.P == 1],
            [one for one in layers if 1 < one.groups < one.channels],
            [one for one in layers if 1 < one.groups == one.channels],
            [one for one in layers if one.groups == 1 and one.kind == "conv"],
        ):
            assert len(many) >= 3, shape
        for size, side in (("M", shape.rows), ("P", shape.cols), ("K", shape.lanes)):
            ragged = [one for one in layers if getattr(one, size) % side]
            passes = [one for one in layers if getattr(one, size) > side]
            assert len(passes) >= 10
            assert len(ragged) >= 10 or side == 1
    assert max(draw.case.layer.bits for draw in draws) == 16
    assert draw_case(17, 3).case.x.tolist() == draw_case(17, 3).case.x.tolist()
    assert [shape.lanes for shape in SHAPES].count(1) == 3
    assert {(shape.rows, shape.cols, shape.lanes) for shape in SHAPES if shape.skip} == {
        (3, 2, 1), (2, 3, 4), (8, 8, 16)
    }  # fmt: skip


def test_draws_for_arrays_that_skip_lack_planes():
    """Some lack planes between others, some all; some have them all."""
    draws = [draw_case(index, 0) for index in range(1000)]
    weights = [(draw.case, draw.case.weights()) for draw in draws if draw.shape.skip]
    there = [np.bitwise_or.reduce(w, axis=None) & (2**case.layer.bits - 1) for case, w in weights]
    full = [2**case.layer.bits - 1 for case, _ in weights]
    assert there.count(0) >= 10
    assert sum(one == most for one, most in zip(there, full, strict=True)) >= 10
    assert sum(one & (one + 1) != 0 for one in there) >= 50, "a plane without ones below another"


def test_the_demo_networks_layers_are_the_models():
    cases = demo_cases(0)
    layers = [case.layer for case in cases]
    assert [one.name for one in layers] == ["conv1", "conv2", "conv3", "fc"]
    assert [one.bits for one in layers] == [8, 3, 2, 5]
    assert sum(one.K * one.outputs for one in layers) == 23_824
    assert [one.P for one in layers] == [64, 16, 4, 1]
    pruned = [case.weights() for case in demo_cases(0, pruned=2)]
    for case, w in zip(cases, pruned, strict=True):
        assert not (w & 3).any() or case.layer.bits <= 3
        assert w.any()


def test_a_layer_file_comes_back(tmp_path, case):
    cases = [draw_case(index, 5).case for index in range(60)]
    write_cases(tmp_path / "layers", cases)
    for one, other in zip(cases, read_cases(tmp_path / "layers"), strict=True):
        for field in ("K", "M", "P", "groups", "bits", "in_bits", "domain", "stride", "padding"):
            assert getattr(one.layer, field) == getattr(other.layer, field)
        assert (one.drain, one.in_signed) == (other.drain, other.in_signed)
        assert np.array_equal(one.x.ravel(), other.x.ravel())
        assert np.array_equal(one.weights().ravel(), other.weights().ravel())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a file that begins with 'hwsim layers 1'"),
        (b"hwsim layers 1\n", "0 numbers: expected 1"),
        (b"hwsim layers 1\n\1\0\0", "expected a file that begins"),
        (b"hwsim layers 1\n\1\0\0\0\5\0\0\0", "cut short in layer 0"),
    ],
)
def test_damaged_layer_files(tmp_path, content, message):
    path = tmp_path / "layers"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_cases(path)


def test_files_cut_short_anywhere(tmp_path, case):
    """Or with too much at the end."""
    path = tmp_path / "layers"
    one = case(Layer("c", "conv", 3, 3, 2, 3, 3))
    write_cases(path, [one])
    whole = path.read_bytes()
    for content in (whole[:-4], whole[: 19 + 4 * len(HEADER) + 8], whole + bytes(4)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"layers: (cut short in layer 0|\d+ numbers)"):
            read_cases(path)
    path.write_bytes(b"hwsim results 1\n" + bytes(8 * (1 + 27 - 1)))
    with pytest.raises(ValueError, match="27 numbers: expected 28"):
        read_results(path, [one])


LINEAR = Layer.linear("fc", 2, 2, 3, in_bits=4)
ONES = np.ones((2, 2), int)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.ones(2)}, TypeError, "layer fc: x has dtype float64: expected integers"),
        ({"x": np.ones(3, int)}, ValueError, r"x has shape \(3,\): expected 2 values"),
        ({"x": np.array([0, 16])}, ValueError, r"x contains 16: expected integers in \[0, 15\]"),
        ({"x": np.array([-1, 0])}, ValueError, "x contains -1"),
        ({"codes": 4 * ONES}, ValueError, r"codes contains 4: expected integers in \[0, 3\]"),
        ({"signs": 2 * ONES}, ValueError, r"signs contains 2: expected integers in \[-1, 1\]"),
        ({"signs": None}, ValueError, "signs = None: expected an array in the signed domain"),
        ({"drain": 4097}, ValueError, "drain = 4097: expected 0 to 4096"),
        ({"drain": -1}, ValueError, "drain = -1"),
    ],
)
def test_bad_cases(change, error, message):
    """[S0.2]"""
    arguments = {"x": np.ones(2, int), "codes": ONES, "signs": ONES, **change}
    with pytest.raises(error, match=message):
        Case(LINEAR, **arguments)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1, 1), "rows = 0: expected 1 to 4096"),
        ((1, 1, 5000), "lanes = 5000"),
        ((32, 32, 32), "rows x cols x lanes = 32 x 32 x 32: expected at most 8192 lanes in RTL"),
        ((1, 1, 4, 9, 10), "accumulator = 10: expected 11 to 63"),
        ((1, 1, 4, 1), "activation = 1: expected 2 to 32"),
    ],
)
def test_bad_shapes(numbers, message):
    with pytest.raises(ValueError, match=message):
        Shape(*numbers)


def test_layers_too_wide_for_an_array(case):
    """Said before anything is built or run."""
    wide = case(Layer.linear("fc", 3, 2, 8, in_bits=9))
    with pytest.raises(ValueError, match="in_bits = 9: too wide for an array with 9-bit activ"):
        simulate_batch([wide], Shape(1, 1, 1, activation=9))
    case_in_signed = case(Layer.linear("fc", 3, 2, 8, in_bits=9), in_signed=True)
    with pytest.raises(ValueError, match=r"outputs up to 390915: .* 16-bit accumulators"):
        simulate_batch([case_in_signed], Shape(1, 1, 1, activation=9, accumulator=16))
    with pytest.raises(ValueError, match="count = -1: expected at least 0"):
        validate_rtl(-1)
