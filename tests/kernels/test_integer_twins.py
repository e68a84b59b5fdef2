"""Compiled integer operations give the bits of their definitions, errors included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from tests.reference.test_activation_codes import SCALES
from tests.reference.test_integer import INTEGERS, convolutions, products, weights
from tests.reference.test_requantize import LIMIT, kinds, ranges


def same(a, b):
    """Dtype, shape and bits; both in C order."""
    assert a.flags.c_contiguous
    assert b.flags.c_contiguous
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def both(name, *arguments):
    """Compare the results, or the errors."""
    results = []
    for backend in (reference, kernels):
        try:
            results.append(getattr(backend, name)(*arguments))
        except (TypeError, ValueError) as error:
            results.append(error)
    a, b = results
    if isinstance(a, Exception) or isinstance(b, Exception):
        return type(a) is type(b) and str(a) == str(b)
    return same(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 3, 8, 16])
def test_activation_codes(bits, signed, dtype):
    """[S8.1] On edges and one float to either side, far out, at 0, in 0 dimensions."""
    kind = np.dtype(dtype).type
    limits = np.finfo(dtype)
    extremes = [limits.max, -limits.max, limits.smallest_subnormal, 0.0, -0.0]
    halves = np.arange(-300, 301) / 2
    for scale in [*SCALES, float(limits.smallest_subnormal), float(limits.max) / 2]:
        with np.errstate(over="ignore"):
            points = np.clip(halves * float(kind(scale)), -limits.max, limits.max).astype(dtype)
        x = np.concatenate([
            np.nextafter(points, kind(-1)), points, np.nextafter(points, kind(1)),
            np.array(extremes, dtype),
        ])  # fmt: skip
        assert both("activation_codes", x, scale, bits, signed)
        assert both("activation_codes", x.reshape(-1, 2)[:, ::-1], scale, bits, signed)
    assert both("activation_codes", kind(3), 0.7, bits, signed)
    assert both("activation_codes", np.zeros((0, 3), dtype), 0.7, bits, signed)


@given(st.data(), st.lists(st.integers(0, 5), max_size=3))
def test_weights(data, shape):
    """[S9.1]"""
    codes, bits, signs = data.draw(weights(tuple(shape)))
    assert both("integer_weights", codes, bits, signs)


@given(products())
def test_linear_and_bit_serial(case):
    """[S9.1] [S9.3] Empty reductions too."""
    x, codes, bits, signs = case
    assert both("integer_linear", x, codes, bits, signs)
    signed = signs is not None
    v = reference.integer_weights(codes, bits, signs) if signed else codes
    assert both("bitserial_linear", x, reference.bit_planes(v, bits, signed), signed)


@given(convolutions())
def test_conv(case):
    """[S9.1] [S11.1] Strides, padding, groups, depthwise, empty."""
    assert both("integer_conv2d", *case)


@given(products(), st.integers(1, 16), st.booleans())
def test_packed_planes(case, in_bits, in_signed):
    """[S9.3] AND, count the ones, shift, add: the sum again, on words with a ragged end."""
    x, codes, bits, signs = case
    low, high = ranges(in_bits, in_signed)
    x = np.clip(x.astype(np.int64), low, high).reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    v = reference.integer_weights(codes, bits, signs)
    signed = signs is not None
    planes = reference.bit_planes(v if signed else codes, bits, signed)
    x_words = kernels.pack_planes(reference.bit_planes(x, in_bits, in_signed))
    w_words = kernels.pack_planes(np.swapaxes(planes, 1, 2))
    packed = kernels.bitserial_packed(x_words, w_words, in_signed, signed)
    assert same(packed, reference.bitserial_linear(x, planes, signed))
    swapped = x_words.astype(">u8")[:, ::-1][:, ::-1]  # byte order and strides do not matter
    assert same(packed, kernels.bitserial_packed(swapped, w_words, in_signed, signed))


@given(st.integers(1, 3), st.integers(1, 200), st.integers(0, 2**32))
def test_every_width_of_packed_planes(lines, length, seed):
    """[S9.3] All pairs of widths, at their extreme codes."""
    rng = np.random.default_rng(seed)
    a, n = rng.integers(1, 17, 2)
    x_signed, w_signed = rng.random(2) < 0.5
    x = rng.choice(ranges(a, x_signed), (lines, length))
    v = rng.choice(ranges(n, w_signed), (length, 2))
    words = (
        kernels.pack_planes(reference.bit_planes(x, a, x_signed)),
        kernels.pack_planes(np.swapaxes(reference.bit_planes(v, n, w_signed), 1, 2)),
    )
    assert np.array_equal(kernels.bitserial_packed(*words, x_signed, w_signed), x @ v)


@given(kinds, st.integers(0, 2**32))
def test_requantize(kind, seed):
    """[S9.4] One multiplier or one a channel, all shapes."""
    bits, signed = kind
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(0, 5, rng.integers(0, 4)))
    acc = rng.integers(-LIMIT + 1, LIMIT, shape)
    acc = np.where(rng.random(shape) < 0.3, acc >> 24, acc)
    for channels in [(), shape[-1:]]:
        m, s = rng.integers(2**30, LIMIT, channels), rng.integers(1, 63, channels)
        z = rng.integers(*ranges(bits, signed), channels, endpoint=True)
        assert both("requantize", acc, m, s, z, bits, signed)
        if not channels:
            assert both("requantize", acc, int(m), int(s), int(z), bits, signed)


def test_one_factor_for_both():
    """[S9.4] There is nothing to compile in it."""
    assert kernels.requantize_factor is reference.requantize_factor


@pytest.mark.parametrize("kind", INTEGERS)
def test_every_integer_dtype(kind):
    """[S0.4] Read-only, big-endian and strided arrays too."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 100, (3, 4, 8)).astype(kind)
    codes = rng.integers(0, 16, (8, 3)).astype(kind)
    x.setflags(write=False)
    for one in (x, x.astype(x.dtype.newbyteorder()), x[::-1, :, ::-1]):
        assert both("integer_linear", one, codes, 4)
        assert both("integer_conv2d", one[None], codes[None, None], 4)
        assert both("bitserial_linear", one, np.stack([codes & 1, codes >> 3]))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("activation_codes", ([1], 1.0, 8, False)),
        ("activation_codes", ([np.inf], 1.0, 8, False)),
        ("activation_codes", ([1.0], 0.0, 8, False)),
        ("activation_codes", ([1.0], 1.0, 0, False)),
        ("integer_linear", ([1.0], [[1]], 1)),
        ("integer_linear", ([1, 2], [[1]], 1)),
        ("integer_linear", (1, [[1]], 1)),
        ("integer_linear", ([2**62], [[1]], 1)),
        ("integer_linear", (np.array([2**64 - 1], np.uint64), [[1]], 1)),
        ("integer_linear", ([1], [[2]], 1)),
        ("integer_linear", ([1], [[1]], 1, [[1]])),
        ("integer_conv2d", (np.zeros((1, 2, 2, 1), int), np.zeros((3, 3, 1, 1), int), 4)),
        ("integer_conv2d", (np.zeros((1, 4, 4, 1), int), np.zeros((3, 3, 1, 1), int), 4, 0)),
        ("integer_conv2d", (np.full((1, 4, 4, 1), 2**59), np.zeros((3, 3, 1, 1), int), 4)),
        ("bitserial_linear", ([1], [[[2]]])),
        ("bitserial_linear", ([1], [[1]])),
        ("bitserial_linear", ([1], 1)),
        ("bitserial_linear", ([2**61], [[[1]]])),
        ("bitserial_linear", ([2**62], [[[1]]])),
        ("requantize", ([LIMIT], 2**30, 31, 0, 8, True)),
        ("requantize", ([0], 2**31, 31, 0, 8, True)),
        ("requantize", ([0], 2**30, 0, 0, 8, True)),
        ("requantize", ([0], 2**30, 31, 128, 8, True)),
        ("requantize", ([0, 1], [2**30], 31, 0, 8, True)),
    ],
)
def test_the_same_errors(name, arguments):
    """[S0.2] [S0.3] [S9.2] [S9.4]"""
    assert both(name, *arguments)


def words(*shape):
    return np.zeros(shape, np.uint64)


@pytest.mark.parametrize(
    ("x", "w", "error", "message"),
    [
        (np.uint64(3), words(1, 1, 1), ValueError, "x_planes has shape"),
        (words(1, 1, 1), words(1, 1), ValueError, "w_planes has shape"),
        (np.zeros((1, 1, 1), int), words(1, 1, 1), TypeError, "x_planes has dtype"),
        ([[[1]]], words(1, 1, 1), TypeError, "x_planes has dtype"),
        (words(1, 1, 2), words(1, 1, 1), ValueError, "w_planes has shape"),
        (words(0, 1, 1), words(1, 1, 1), ValueError, "x_planes.shape"),
        (words(1, 1, 1), words(17, 1, 1), ValueError, "w_planes.shape"),
    ],
)
def test_packed_planes_refused(x, w, error, message):
    """[S9.3]"""
    with pytest.raises(error, match=message):
        kernels.bitserial_packed(x, w, True, True)


def test_packed_planes_that_could_overflow_are_refused():
    """[S9.2] 2^31 products of two 16-bit codes stay below 2^63, more might not."""
    most = np.broadcast_to(np.uint64(0), (1, 0, 2**25))
    assert kernels.bitserial_packed(most, most).shape == (0, 0)
    more = np.broadcast_to(np.uint64(0), (1, 0, 2**25 + 1))
    with pytest.raises(ValueError, match=r"x_planes.shape\[2\] = 33554433"):
        kernels.bitserial_packed(more, more)
