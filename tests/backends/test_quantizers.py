"""Quantizers, slicing and planes to the bit: small widths exhausted, the rest on every edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as reference

DTYPES = [np.float32, np.float64]
SLICES = [(bits, k) for bits in range(2, 9) for k in range(1, bits)]
SLICING = ("lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", range(1, 9))
def test_quantizers_on_every_edge(both, edge_grid, bits, dtype):
    """[S2.1] [S2.2] [S2.3] [S1.2] [S1.4] [S3.3] Exhaustive for n <= 8."""
    u = edge_grid(bits, dtype)
    both("roundclamp", u, bits)
    both("dorefa", u, bits)
    codes = np.arange(2**bits, dtype=np.int32)
    q = both("dequantize", codes, bits, dtype)
    for scale in (1.0, 0.3, 1e-5, 7.0):
        both("effective", q, scale)
        for signs in ([-1.0, 0.0, 1.0], np.array([1, 0, -1], np.int8)):
            both("effective_signed", q, np.resize(signs, q.shape), scale)
    both("from_bit_planes", both("bit_planes", codes, bits))
    both("from_bit_planes", both("bit_planes", codes - 2 ** (bits - 1), bits, True), True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("bits", "k"), SLICES)
def test_slicing_on_every_edge(both, edge_grid, bits, k, dtype):
    """[S3.1] [S3.4] [S4.1] [S4.2] Exhaustive for n <= 8."""
    u = edge_grid(bits, dtype)
    for name in SLICING:
        both(name, u, bits, k)


def _wide_edges(bits, dtype):
    """Every bin edge of both quantizers and its neighbours, in blocks of one size."""
    j = np.arange(2**bits) + 0.5
    points = np.concatenate([j / 2**bits, j[:-1] / (2**bits - 1)]).astype(dtype)
    below, above = np.nextafter(points, dtype(0)), np.nextafter(points, dtype(1))
    values = np.concatenate([below, points, above])
    blocks = -(-values.size // 2**15)
    return np.resize(values, (blocks, 2**15))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", range(9, 17))
def test_wide_codes_on_every_edge(both, bits, dtype):
    """[S2.1] [S2.2] [S2.3] [S3.3] All edges and all codes of 9 to 16 bits."""
    for u in _wide_edges(bits, dtype):
        both("roundclamp", u, bits)
        both("dorefa", u, bits)
    codes = np.resize(np.arange(2**bits), 2**16)
    both("dequantize", codes, bits, dtype)
    if dtype == np.float32:
        both("from_bit_planes", both("bit_planes", codes, bits))
        both("from_bit_planes", both("bit_planes", codes - 2 ** (bits - 1), bits, True), True)


widths = st.integers(2, 16).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60)
@given(data=st.data())
def test_any_values_and_widths(both, dtype, data):
    """[S2] [S3] [S4] Beyond eight bits, of any shape; ties of the finer code are frequent."""
    bits, k = data.draw(widths)
    edge = st.integers(0, 2 ** (bits + 1)).map(lambda j: j / 2 ** (bits + 1))
    any_u = st.floats(0, 1, width=np.dtype(dtype).itemsize * 8)
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    u = data.draw(hnp.arrays(dtype, shapes, elements=edge | any_u))
    both("roundclamp", u, bits)
    both("dorefa", u, bits)
    for name in SLICING[: 5 if u.size else 4]:
        both(name, u, bits, k)
    codes = reference.roundclamp(u, bits)
    both("effective", both("dequantize", codes, bits, dtype), data.draw(st.floats(1e-3, 1e3)))


def test_sums_of_codes_are_exact_beyond_every_float(both):
    """[S4.1] Sums above 2^24, where float32 stops counting, and above 2^31."""
    u = np.full(140_001, 0.25, np.float32)
    u[::3] = 0.25 - 2.0**-14
    assert both("lsb_l1_codes", u[:2001], 16, 15) > 2**24
    assert both("lsb_l1_codes", u, 16, 15) > 2**31
    both("lsb_l1", u, 16, 15)
    both("lsb_nonzero_rate", u, 16, 1)


def test_any_integer_dtype_of_codes(both):
    """[S0.2] Codes of any integer dtype."""
    for kind in (np.int8, np.uint8, np.int16, np.uint16, np.int64, np.uint64):
        codes = np.arange(100, dtype=kind).reshape(20, 5)
        both("dequantize", codes, 7)
        both("bit_planes", codes, 8, True)
        both("from_bit_planes", codes[:16] % 2)
        both("integer_weights", codes, 7)
        both("integer_linear", codes[:3], codes[:5], 7)
        both("integer_linear", codes[:3], codes[:5], 8, signs=(codes[:5] % 2).astype(np.int8))
        both("bitserial_linear", codes[:3], np.ones((3, 5, 2), kind))
        both("requantize", codes, 2**30, 33, 7, 8, False)
