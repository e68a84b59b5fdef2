"""Bit planes and their packed form, exhaustively over all codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as msq


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 17))
def test_all_codes_go_there_and_back(bits, signed):
    """[S3.3] [S9.1]"""
    low = -(2 ** (bits - 1)) if signed else 0
    codes = np.arange(low, low + 2**bits, dtype=np.int32)
    planes = msq.bit_planes(codes, bits, signed)
    assert planes.dtype == np.uint8
    assert planes.shape == (bits, 2**bits)
    text = [format(int(code) % 2**bits, f"0{bits}b")[::-1] for code in codes]
    assert ["".join(map(str, column)) for column in planes.T.tolist()] == text
    back = msq.from_bit_planes(planes, signed)
    assert back.dtype == np.int32
    assert np.array_equal(back, codes)


@given(hnp.arrays(np.uint8, hnp.array_shapes(max_side=150), elements=st.integers(0, 1)))
def test_packing_puts_element_i_in_bit_i(planes):
    """[S9.3]"""
    words = msq.pack_planes(planes)
    assert words.dtype == np.uint64
    assert words.shape == (*planes.shape[:-1], -(-planes.shape[-1] // 64))
    lines = planes.reshape(-1, planes.shape[-1])
    for line, packed in zip(lines, words.reshape(len(lines), -1), strict=True):
        number = sum(int(word) << (64 * i) for i, word in enumerate(packed))
        assert number == sum(int(bit) << i for i, bit in enumerate(line))


def test_shapes_of_nothing():
    """[S0.3]"""
    assert msq.bit_planes(np.zeros((0, 2), np.int32), 3).shape == (3, 0, 2)
    assert msq.from_bit_planes(np.zeros((3, 0), np.uint8)).shape == (0,)
    assert msq.pack_planes(np.zeros((3, 0), np.uint8)).shape == (3, 0)
    assert msq.bit_planes(np.int32(5), 3).tolist() == [1, 0, 1]


def test_bad_planes():
    """[S0.2]"""
    for call in (
        lambda: msq.bit_planes(np.array([8]), 3),
        lambda: msq.bit_planes(np.array([-1]), 3),
        lambda: msq.bit_planes(np.array([4]), 3, True),
        lambda: msq.bit_planes(np.array([-5]), 3, True),
        lambda: msq.from_bit_planes(np.array([[2]])),
        lambda: msq.from_bit_planes(np.zeros((17, 1), np.uint8)),
        lambda: msq.from_bit_planes(np.uint8(1)),
        lambda: msq.pack_planes(np.array([3])),
        lambda: msq.pack_planes(np.uint8(1)),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
    for call in (msq.bit_planes, msq.from_bit_planes):
        with pytest.raises(TypeError, match="expected integers"):
            call(np.array([1.0]), 3)
