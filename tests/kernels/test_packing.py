"""Planes and panels against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.kernels.packing import (
    aligned_zeros,
    byte_panels,
    code_planes,
    plane_panels,
    row_sums,
)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 17))
def test_planes_of_codes(bits, signed):
    """[S9.3] Ends within, at and behind a word; signed codes are lifted by half their range."""
    rng = np.random.default_rng(bits)
    low = -(2 ** (bits - 1)) if signed else 0
    kinds = [np.int32] if bits > 8 else [np.int8 if signed else np.uint8, np.int32]
    for length in (0, 1, 63, 64, 65, 128, 200):
        codes = rng.integers(low, low + 2**bits, (5, length))
        expected = reference.pack_planes(reference.bit_planes(codes - low, bits))
        for kind in kinds:
            assert np.array_equal(code_planes(codes.astype(kind), bits, signed), expected)
        out = np.full(expected.shape, 7, np.uint64)
        assert code_planes(codes.astype(np.int32), bits, signed, out) is out
        assert np.array_equal(out, expected)


def test_planes_of_all_bytes():
    """[S9.3] Every byte at every place in a word."""
    codes = (np.arange(256)[:, None] + np.arange(64)).astype(np.uint8)
    expected = reference.pack_planes(reference.bit_planes(codes, 8))
    assert np.array_equal(code_planes(codes, 8), expected)


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 70), st.sampled_from([16, 32]))
def test_panels_of_bytes(seed, length, outputs, columns):
    """[S9.2] Four values of k for each column in turn, zeros at the ends."""
    w = np.random.default_rng(seed).integers(-128, 128, (length, outputs)).astype(np.int8)
    panels = byte_panels(w, columns)
    expected = np.zeros((-(-length // 4) * 4, -(-outputs // columns) * columns), np.int8)
    expected[:length, :outputs] = w
    taken = expected.reshape(panels.shape[1], 4, panels.shape[0], columns).transpose(2, 0, 3, 1)
    assert np.array_equal(panels, taken.reshape(panels.shape))


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(0, 20), st.integers(0, 5))
def test_panels_of_planes(seed, bits, outputs, words):
    """[S9.3] Columns side by side, zeros at the end."""
    rng = np.random.default_rng(seed)
    planes = rng.integers(0, 2**64, (bits, outputs, words), np.uint64)
    panels = plane_panels(planes, 8)
    back = panels.transpose(1, 0, 3, 2).reshape(bits, len(panels) * 8, words)
    assert np.array_equal(back[:, :outputs], planes)
    assert not back[:, outputs:].any()


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16])
def test_sums_of_rows(kind):
    """[S9.1] Longer than what is added up in 32 bits, at extreme values."""
    info = np.iinfo(kind)
    x = np.random.default_rng(1).choice(np.array([info.min, info.max], kind), (3, 40000))
    x[0] = info.max
    sums = np.empty(3, np.int64)
    row_sums(x, sums)
    assert np.array_equal(sums, x.sum(axis=1, dtype=np.int64))


def test_panels_begin_on_a_cache_line():
    """[S9.2] Any shape."""
    for shape in ((3, 5), (7, 4), (1000,)):
        zeros = aligned_zeros(shape, np.uint64)
        assert zeros.shape == shape
        assert zeros.ctypes.data % 64 == 0
        assert not zeros.any()
