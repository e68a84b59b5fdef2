"""Integer weights and products against rational numbers, Python integers and PyTorch."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as msq

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


@pytest.mark.parametrize("n", range(1, 9))
def test_offset_weights_are_the_real_ones(n):
    """[S9.1] ``scale / (2^n - 1) v = scale (2 q - 1)`` for every code, exactly."""
    codes = np.arange(2**n)
    v = msq.integer_weights(codes, n)
    assert v.dtype == np.int32
    top = 2**n - 1
    scale = Fraction(0.3)
    real = [scale * (2 * Fraction(int(c), top) - 1) for c in codes]
    assert [scale / top * int(value) for value in v] == real
    effective = msq.effective(msq.dequantize(codes, n, np.float64), float(scale))
    errors = [abs(Fraction(w) - r) for w, r in zip(effective, real, strict=True)]
    assert max(errors) <= 4 * scale / 2**53
    assert all(value % 2 for value in v)
    assert np.array_equal(v, -v[::-1])


@pytest.mark.parametrize("n", range(2, 9))
def test_signed_weights_are_the_real_ones(n):
    """[S9.1] ``scale / (2^(n-1) - 1) v = scale sign q`` for every sign and code, exactly."""
    magnitudes, signs = np.meshgrid(np.arange(2 ** (n - 1)), [-1, 0, 1])
    v = msq.integer_weights(magnitudes, n, signs)
    top = 2 ** (n - 1) - 1
    scale = Fraction(0.3)
    real = [
        scale * int(sign) * Fraction(int(c), top)
        for sign, c in zip(signs.flat, magnitudes.flat, strict=True)
    ]
    assert [scale / top * int(value) for value in v.flat] == real
    q = msq.dequantize(magnitudes, n - 1, np.float64)
    effective = msq.effective_signed(q, signs.astype(float), float(scale))
    assert all(
        abs(Fraction(w) - r) <= 2 * scale / 2**53 for w, r in zip(effective.flat, real, strict=True)
    )
    assert np.abs(v).max() == top
    planes = msq.bit_planes(v, n, signed=True).astype(int)
    counts = np.array([*(2**j for j in range(n - 1)), -(2 ** (n - 1))])
    assert np.array_equal(np.tensordot(counts, planes, 1), v)
    for kind in (np.int8, np.float32, np.float64):
        assert np.array_equal(msq.integer_weights(magnitudes, n, signs.astype(kind)), v)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([4], 2), ValueError, "codes contains 4"),
        (([-1], 2), ValueError, "codes contains -1"),
        (([1.0], 2), TypeError, "codes has dtype"),
        (([True], 2), TypeError, "codes has dtype"),
        (([1], 0), ValueError, "bits = 0"),
        (([1], 17), ValueError, "bits = 17"),
        (([1], True), ValueError, "bits = True"),
        (([1], 1, [1]), ValueError, "bits = 1"),
        (([2], 2, [1]), ValueError, "codes contains 2"),
        (([1], 2, [2]), ValueError, "signs contains 2"),
        (([1], 2, [np.nan]), ValueError, "signs contains nan"),
        (([1], 2, [1, 1]), ValueError, "signs has shape"),
        (([1], 2, [True]), TypeError, "signs has dtype"),
    ],
)
def test_integer_weights_refuse(arguments, error, message):
    """[S0.2] [S1.4] [S9.1]"""
    with pytest.raises(error, match=message):
        msq.integer_weights(*arguments)


@st.composite
def weights(draw, shape):
    """Codes, bits and signs of a shape, in either domain."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        n = draw(st.integers(2, 16))
        signs = rng.integers(-1, 2, shape)
        return rng.integers(0, 2 ** (n - 1), shape), n, signs
    n = draw(st.integers(1, 16))
    return rng.integers(0, 2**n, shape), n, None


@st.composite
def activations(draw, shape, length, bits):
    """Integers of any dtype that prove no overflow, up to the largest there are [S9.2]."""
    kind = np.dtype(draw(st.sampled_from(INTEGERS)))
    limit = (2**63 - 1) // (2 * max(length, 1) * (2**bits - 1))
    low, high = max(np.iinfo(kind).min, -limit), min(np.iinfo(kind).max, limit)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.integers(low, high, shape, dtype=kind, endpoint=True)
    return np.where(rng.random(shape) < 0.2, kind.type(high), x).astype(kind)


@st.composite
def products(draw):
    """A linear product: x (..., K), codes (K, M), bits, signs; any size may be 0."""
    length, outputs = draw(st.integers(0, 70)), draw(st.integers(0, 4))
    lines = draw(st.lists(st.integers(0, 4), max_size=2))
    codes, bits, signs = draw(weights((length, outputs)))
    return draw(activations((*lines, length), length, bits)), codes, bits, signs


def python_product(x, codes, bits, signs):
    """By the definition, in Python's integers."""
    length, outputs = codes.shape
    y = np.zeros((*x.shape[:-1], outputs), object)
    for *line, m in np.ndindex(y.shape):
        for k in range(length):
            code = int(codes[k, m])
            v = 2 * code - (2**bits - 1) if signs is None else int(signs[k, m]) * code
            y[*line, m] += int(x[*line, k]) * v
    return y.tolist()


@given(products())
def test_linear_is_the_sum_and_every_order_gives_it(case):
    """[S9.1] [S9.2] [S9.3] Up to the largest activations that int64 allows."""
    x, codes, bits, signs = case
    y = msq.integer_linear(x, codes, bits, signs)
    assert y.dtype == np.int64
    assert y.shape == (*x.shape[:-1], codes.shape[1])
    assert y.tolist() == python_product(x, codes, bits, signs)
    if signs is None:
        planes = msq.bit_planes(codes, bits)
        sums = x.astype(np.int64).sum(axis=-1, keepdims=True)
        assert np.array_equal(2 * msq.bitserial_linear(x, planes) - (2**bits - 1) * sums, y)
    else:
        planes = msq.bit_planes(msq.integer_weights(codes, bits, signs), bits, signed=True)
        assert np.array_equal(msq.bitserial_linear(x, planes, signed=True), y)
    signed = signs is not None
    assert np.array_equal(horner(x, planes, signed), msq.bitserial_linear(x, planes, signed))


def horner(x, planes, signed):
    """``(...(p_{n-1} 2 + p_{n-2}) 2 + ...)``: another order of the same sum [S9.3]."""
    total = np.zeros((*x.shape[:-1], planes.shape[2]), np.int64)
    for j in reversed(range(len(planes))):
        partial = x.astype(np.int64) @ planes[j].astype(np.int64)
        total = 2 * total + (-partial if signed and j == len(planes) - 1 else partial)
    return total


@given(products(), st.integers(-3, 3))
def test_linear_is_linear(case, factor):
    """[S9.1] In the activations; and odd in the codes of the offset domain."""
    x, codes, bits, signs = case
    x = (x // 8).astype(np.int64)  # room for the sums
    other = np.roll(x, 1) // 2
    y = msq.integer_linear(x, codes, bits, signs)
    both = msq.integer_linear(factor * x + other, codes, bits, signs)
    assert np.array_equal(both, factor * y + msq.integer_linear(other, codes, bits, signs))
    if signs is None:
        assert np.array_equal(msq.integer_linear(x, 2**bits - 1 - codes, bits), -y)
    else:
        assert np.array_equal(msq.integer_linear(x, codes, bits, -signs), -y)


@st.composite
def convolutions(draw, limit=None):
    """Images, codes, bits, signs and the options of a convolution that fits."""
    groups, share = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    if draw(st.booleans()):
        share = 1  # depthwise
    outputs = groups * draw(st.integers(0, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    height, width = (
        draw(st.integers(max(0, side - 2 * padding), 6)) for side in kernel
    )
    codes, bits, signs = draw(weights((*kernel, share, outputs)))
    shape = (draw(st.integers(0, 2)), height, width, groups * share)
    x = draw(activations(shape, kernel[0] * kernel[1] * share, bits))
    if limit is not None:
        x = np.clip(x, 0 if x.dtype.kind == "u" else -limit, limit).astype(x.dtype)
    return x, codes, bits, stride, padding, groups, signs


def python_conv(x, v, stride, padding, groups):
    """By the definition of cross-correlation, in Python's integers."""
    batch, height, width, _ = x.shape
    kh, kw, share, outputs = v.shape
    rows = (height + 2 * padding - kh) // stride + 1
    columns = (width + 2 * padding - kw) // stride + 1
    y = np.zeros((batch, rows, columns, outputs), object)
    for b, p, q, m in np.ndindex(y.shape):
        first = m // (outputs // groups) * share
        for i, j, c in np.ndindex(kh, kw, share):
            r, s = p * stride + i - padding, q * stride + j - padding
            if 0 <= r < height and 0 <= s < width:
                y[b, p, q, m] += int(x[b, r, s, first + c]) * int(v[i, j, c, m])
    return y


@given(convolutions())
def test_conv_is_the_sum(case):
    """[S9.1] [S9.2] [S11.1] Strides, padding, groups, depthwise, 1x1, empty."""
    x, codes, bits, stride, padding, groups, signs = case
    y = msq.integer_conv2d(x, codes, bits, stride, padding, groups, signs)
    assert y.dtype == np.int64
    v = msq.integer_weights(codes, bits, signs)
    expected = python_conv(x, v, stride, padding, groups)
    assert y.shape == expected.shape
    assert y.tolist() == expected.tolist()


@given(convolutions(limit=2**20))
def test_conv_is_that_of_pytorch(case):
    """[S11.1] In float64, which holds these sums exactly."""
    x, codes, bits, stride, padding, groups, signs = case
    if 0 in (*x.shape, *codes.shape):
        return  # PyTorch refuses some of these; the sum above covers them
    y = msq.integer_conv2d(x, codes, bits, stride, padding, groups, signs)
    v = msq.integer_weights(codes, bits, signs).astype(np.float64)
    theirs = torch.nn.functional.conv2d(
        torch.from_numpy(x.astype(np.float64).transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(v.transpose(3, 2, 0, 1).copy()),
        stride=stride, padding=padding, groups=groups,
    )  # fmt: skip
    assert np.array_equal(theirs.numpy().transpose(0, 2, 3, 1), y)


@given(convolutions())
def test_one_by_one_convolution_is_a_linear_layer(case):
    """[S9.1] A window of one tap is a product of channels."""
    x, codes, bits, _, _, _, signs = case
    x = x[..., : codes.shape[2]]  # of the first group
    x = np.zeros((1, 1, 1, x.shape[3]), x.dtype) if 0 in x.shape[1:3] else x
    taps = codes[:1, :1], None if signs is None else signs[:1, :1]
    y = msq.integer_conv2d(x, taps[0], bits, signs=taps[1])
    signs = None if signs is None else signs[0, 0]
    assert np.array_equal(y, msq.integer_linear(x, codes[0, 0], bits, signs))


@pytest.mark.parametrize("n", [1, 2, 5, 8, 16])
@pytest.mark.parametrize("length", [1, 2, 3, 64, 1000])
def test_the_bound_of_overflow_is_exact(n, length):
    """[S9.2] ``2 K (2^n - 1) X < 2^63`` runs and is right, one more is refused."""
    top = 2**n - 1
    most = (2**63 - 1) // (2 * length * top)
    codes = np.full((length, 1), top)
    sides = {1: (1, 1, 1), 64: (4, 4, 4), 1000: (10, 5, 20)}.get(length, (1, 1, length))
    images, filters = (1, *sides), codes.reshape(*sides, 1)  # one position sees it all
    for sign in (1, -1):
        x = np.full((1, length), sign * most, np.int64)
        assert msq.integer_linear(x, codes, n).tolist() == [[sign * most * length * top]]
        assert msq.integer_conv2d(x.reshape(images), filters, n).tolist() == [
            [[[sign * most * length * top]]]
        ]
        planes = msq.bit_planes(codes, n)
        serial = msq.bitserial_linear(x, planes)
        assert serial.tolist() == [[sign * most * length * top]]
        # The intermediate 2 sum c x, for which the bound has its factor 2.
        assert (2 * serial).tolist() == [[2 * sign * most * length * top]]
        x[0, 0] += sign
        for call in (
            lambda: msq.integer_linear(x, codes, n),  # noqa: B023  (called at once)
            lambda: msq.integer_conv2d(x.reshape(images), filters, n),  # noqa: B023
            lambda: msq.bitserial_linear(x, planes),  # noqa: B023
        ):
            with pytest.raises(ValueError, match=f"magnitude of {most + 1}.*could overflow int64"):
                call()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2**64 - 1, np.uint64), (2**63, np.uint64), (-(2**63), np.int64), (2**63 - 1, np.int64)],
)
def test_the_largest_integers_are_refused_not_wrapped(value, kind):
    """[S9.2]"""
    x = np.array([[value]], kind)
    with pytest.raises(ValueError, match=f"magnitude of {abs(value)}"):
        msq.integer_linear(x, np.array([[1]]), 1)
    with pytest.raises(ValueError, match=f"magnitude of {abs(value)}"):
        msq.bitserial_linear(x, np.array([[[1]]]))
    assert msq.integer_linear(np.array([[2**62 - 1]], np.uint64), np.array([[1]]), 1) == 2**62 - 1


def test_dimensions_and_layouts():
    """[S0.4] Vectors, stacks, byte orders and strides; inputs stay."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 16, (5, 3))
    x = rng.integers(-9, 9, (2, 4, 5))
    y = msq.integer_linear(x, codes, 4)
    assert y.shape == (2, 4, 3)
    assert np.array_equal(msq.integer_linear(x[1, 2], codes, 4), y[1, 2])
    frozen = codes.copy()
    frozen.setflags(write=False)
    for other in (x.astype(">i2"), np.asfortranarray(x), x[::-1][::-1]):
        before = other.tobytes()
        assert np.array_equal(msq.integer_linear(other, frozen.astype(">i4"), 4), y)
        assert np.array_equal(
            msq.integer_conv2d(other[None], frozen[None, None], 4)[0], y
        )
        assert other.tobytes() == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: msq.integer_linear([1.0], [[1]], 1), TypeError, "x has dtype float64"),
        (lambda: msq.integer_linear([True], [[1]], 1), TypeError, "x has dtype bool"),
        (lambda: msq.integer_linear(1, [[1]], 1), ValueError, "x has shape"),
        (lambda: msq.integer_linear([1, 2], [[1]], 1), ValueError, "x has shape"),
        (lambda: msq.integer_linear([1], [1], 1), ValueError, "w has shape"),
        (lambda: msq.integer_linear([1], [[2]], 1), ValueError, "codes contains 2"),
        (lambda: msq.integer_linear([1], [[1]], 2, [1]), ValueError, "signs has shape"),
        (lambda: msq.integer_conv2d([1], [[1]], 1), ValueError, "x has shape"),
        (lambda: conv((1, 4, 4, 2), (3, 3, 3, 1)), ValueError, "w has shape"),
        (lambda: conv((1, 4, 4, 2), (3, 3, 1, 3), groups=2), ValueError, "w has shape"),
        (lambda: conv((1, 2, 2, 1), (3, 3, 1, 1)), ValueError, "larger than x"),
        (lambda: conv((1, 2, 2, 1), (0, 3, 1, 1)), ValueError, "w has shape"),
        (lambda: conv((1, 4, 4, 1), (3, 3, 1, 1), stride=0), ValueError, "stride = 0"),
        (lambda: conv((1, 4, 4, 1), (3, 3, 1, 1), padding=-1), ValueError, "padding = -1"),
        (lambda: conv((1, 4, 4, 1), (3, 3, 1, 1), groups=1.0), ValueError, "groups = 1.0"),
        (lambda: msq.bitserial_linear([1], [[1]]), ValueError, "w has shape"),
        (lambda: msq.bitserial_linear([1], [[[2]]]), ValueError, "planes contains 2"),
        (lambda: msq.bitserial_linear([1], [[[1.0]]]), TypeError, "planes has dtype"),
        (lambda: msq.bitserial_linear([1, 1], [[[1]]]), ValueError, "x has shape"),
        (lambda: msq.bitserial_linear([1], np.zeros((17, 1, 1), int)), ValueError, "planes.shape"),
        (lambda: msq.bitserial_linear([1], np.zeros((0, 1, 1), int)), ValueError, "planes.shape"),
    ],
)
def test_products_refuse(call, error, message):
    """[S0.2] [S0.3] [S9.1]"""
    with pytest.raises(error, match=message):
        call()


def conv(x, w, **options):
    return msq.integer_conv2d(np.zeros(x, int), np.zeros(w, int), 4, **options)
