"""Integer weights, products, planes and requantization to the bit, far beyond 32 bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import msq_ref as reference


@pytest.mark.parametrize("bits", range(1, 17))
def test_integer_weights_of_every_code(both, bits):
    """[S9.1] Both domains."""
    both("integer_weights", np.resize(np.arange(2**bits), 2**16), bits)
    if bits > 1:
        codes = np.resize(np.arange(2 ** (bits - 1)), 2**16)
        both("integer_weights", codes, bits, signs=np.resize([-1, 0, 1], codes.shape))


@settings(max_examples=60)
@given(st.data())
def test_products_of_any_shape_up_to_int64(both, data):
    """[S9.1] [S9.2] [S9.3] Accumulators up to just below 2^63."""
    bits = data.draw(st.integers(1, 16))
    p, k, m = (data.draw(st.integers(0, 12)) for _ in range(3))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    largest = (2**63 - 1) // (2 * max(k, 1) * (2**bits - 1))
    largest >>= data.draw(st.integers(0, 40))
    x = rng.integers(-largest, largest, (p, k), endpoint=True)
    codes = rng.integers(0, 2**bits, (k, m))
    both("integer_linear", x, codes, bits)
    both("bitserial_linear", x, reference.bit_planes(codes, bits))
    two = codes - 2 ** (bits - 1)
    both("bitserial_linear", x, reference.bit_planes(two, bits, True), signed=True)
    if bits > 1:
        both("integer_linear", x, codes >> 1, bits, signs=rng.integers(-1, 2, codes.shape))
    if p:
        both("integer_linear", x[0], codes, bits)
        both("integer_linear", np.stack([x, -x]), codes, bits)


def test_accumulators_beyond_32_bits(both):
    """[S9.2] The result is int64 and exact where int32, and float64, are not."""
    x = np.full((2, 3), 2**44 + 1)
    y = both("integer_linear", x, np.full((3, 2), 2**12 - 1), 12)
    assert y.max() > 2**53
    assert y[0, 0] == 3 * (2**44 + 1) * (2**12 - 1)
    both("bitserial_linear", x, np.ones((12, 3, 2), np.uint8))
    both("integer_conv2d", x[None, :, :, None], np.full((1, 2, 1, 3), 2**12 - 1), 12)


CONVOLUTIONS = [
    # x, kernel, outputs, stride, padding, groups
    ((2, 8, 8, 16), (3, 3), 32, 1, 1, 1),
    ((2, 8, 8, 16), (3, 3), 32, 2, 1, 16),
    ((1, 5, 7, 4), (2, 2), 6, 3, 0, 2),
    ((1, 5, 7, 4), (1, 3), 6, 2, 3, 2),
    ((0, 5, 7, 4), (2, 2), 6, 3, 0, 2),
    ((2, 6, 5, 0), (3, 3), 4, 1, 1, 1),
    ((1, 1, 1, 1), (1, 1), 1, 1, 0, 1),
    ((1, 4, 4, 3), (4, 4), 5, 1, 0, 1),
    ((1, 2, 9, 6), (2, 5), 12, 4, 5, 6),
]


@pytest.mark.parametrize(("x", "kernel", "outputs", "stride", "padding", "groups"), CONVOLUTIONS)
def test_convolutions(both, x, kernel, outputs, stride, padding, groups):
    """[S9.1] [S11.1]"""
    rng = np.random.default_rng(sum(x))
    images = rng.integers(-(2**20), 2**20, x)
    shape = *kernel, x[3] // groups, outputs
    both("integer_conv2d", images, rng.integers(0, 256, shape), 8, stride, padding, groups)
    both(
        "integer_conv2d", images, rng.integers(0, 256, shape), 9, stride=stride, padding=padding,
        groups=groups, signs=rng.integers(-1, 2, shape),
    )  # fmt: skip


@settings(max_examples=30)
@given(st.data())
def test_convolutions_of_any_shape(both, data):
    """[S9.1] [S11.1]"""
    small = st.integers(1, 3)
    groups, inputs, outputs, kh, kw, stride = (data.draw(small) for _ in range(6))
    padding = data.draw(st.integers(0, 3))
    height = data.draw(st.integers(max(1, kh - 2 * padding), 6))
    width = data.draw(st.integers(max(1, kw - 2 * padding), 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    batch = data.draw(st.integers(0, 2))
    x = rng.integers(-(2**31), 2**31, (batch, height, width, groups * inputs))
    codes = rng.integers(0, 2**5, (kh, kw, inputs, groups * outputs))
    both("integer_conv2d", x, codes, 5, stride, padding, groups)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_numbers_of_numpy_are_numbers(both, kind):
    """[S0.2] Widths, strides and paddings as NumPy integers of any size."""
    rng = np.random.default_rng(7)
    x, codes = rng.integers(0, 99, (1, 6, 6, 4)), rng.integers(0, 256, (3, 3, 2, 4))
    both("integer_conv2d", x, codes, kind(8), kind(2), kind(1), kind(2))
    both("integer_linear", x, codes[0, 0, :, :1].repeat(2, 0), kind(16))
    both("lsb", rng.random(9), kind(7), kind(2))
    both("requantize", x, 2**30, kind(40), kind(3), kind(8), True)


@pytest.mark.parametrize("shift", range(1, 63))
def test_requantization_on_ties_of_both_signs(both, shift):
    """[S9.4] Half up for negatives too; extremes of the accumulator and the multiplier."""
    edge = np.array([-(2**31) + 1, -(2**30), -3, -1, 0, 1, 3, 2**30, 2**31 - 1])
    odd = np.arange(-41, 42, 2) * 2 ** max(shift - 31, 0)
    acc = np.concatenate([edge, odd[np.abs(odd) < 2**31]])
    for multiplier in (2**30, 2**30 + 1, 2**31 - 1):
        for bits, signed, zero in ((8, False, 3), (16, True, -5), (1, False, 1), (1, True, -1)):
            both("requantize", acc, multiplier, shift, zero, bits, signed)


def test_requantization_per_channel(both):
    """[S9.4] Scalars and arrays of the last axis, mixed."""
    rng = np.random.default_rng(8)
    acc = rng.integers(-(2**31) + 1, 2**31, (5, 4, 6))
    each = rng.integers(2**30, 2**31, 6), rng.integers(1, 63, 6), rng.integers(0, 256, 6)
    both("requantize", acc, *each, 8, False)
    both("requantize", acc, each[0], 33, each[2], 8, False)
    both("requantize", acc, 2**30, each[1], 9, 8, False)
    both("requantize", acc[:0], *each, 8, False)
    both("requantize", acc[0, 0], *each, 8, False)
    both("requantize", np.array(12345), *(np.array(n) for n in (2**30, 31, 7)), 8, True)
