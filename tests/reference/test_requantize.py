"""Requantization against rational numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as msq
from msq_ref.reference.requantize import FACTOR_HIGH, FACTOR_LOW

LIMIT = 2**31


def exact(acc, m, s, z, bits, signed):
    """``floor((acc m + 2^(s-1)) / 2^s) + z``, clamped, in Python's integers."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    scaled = math.floor(Fraction(acc) * m / 2**s + Fraction(1, 2))
    return min(max(scaled + z, low), high)


def ranges(bits, signed):
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


accumulators = st.one_of(
    st.integers(-LIMIT + 1, LIMIT - 1),
    st.integers(-300, 300),
    st.sampled_from([LIMIT - 1, 1 - LIMIT, 0, 1, -1, 2**30, -(2**30)]),
)
multipliers = st.one_of(
    st.integers(2**30, LIMIT - 1), st.sampled_from([2**30, 2**30 + 1, LIMIT - 1, 3 << 29])
)
kinds = st.tuples(st.integers(1, 16), st.booleans())


@given(st.lists(accumulators, max_size=20), multipliers, st.integers(1, 62), kinds, st.data())
def test_one_rounding_half_up(values, m, s, kind, data):
    """[S9.4] Negative numbers, extremes and all shifts."""
    bits, signed = kind
    z = data.draw(st.integers(*ranges(bits, signed)))
    acc = np.array(values, np.int64)
    codes = msq.requantize(acc, m, s, z, bits, signed)
    assert codes.dtype == np.int32
    assert codes.tolist() == [exact(value, m, s, z, bits, signed) for value in values]


@pytest.mark.parametrize("m", [2**30, 3 << 29, 5 << 28, 127 << 24])
@pytest.mark.parametrize("s", [31, 32, 33, 40])
def test_ties_go_up(m, s):
    """[S9.4] Where ``acc m / 2^s`` is a half-integer, and the accumulators beside it."""
    step = 2 ** (s - 1) // (m & -m)  # odd multiples of it are ties
    ties = step * np.arange(-39, 40, 2)
    assert all(Fraction(int(tie) * m, 2**s).denominator == 2 for tie in ties)
    acc = np.concatenate([ties - 1, ties, ties + 1])
    codes = msq.requantize(acc, m, s, 0, 16, True)
    assert codes.tolist() == [exact(int(a), m, s, 0, 16, True) for a in acc]


def test_the_table_of_the_spec():
    """[S9.4]"""
    acc = np.array([-3, -1, 1, 3])
    assert msq.requantize(acc, *msq.requantize_factor(0.5), 0, 8, True).tolist() == [-1, 0, 1, 2]
    assert msq.requantize(acc, *msq.requantize_factor(0.5), 7, 8, False).tolist() == [6, 7, 8, 9]


@given(st.integers(0, 5), st.integers(0, 4), kinds, st.integers(0, 2**32))
def test_a_multiplier_a_channel(lines, channels, kind, seed):
    """[S9.4] Arrays are one a channel, the last axis; numbers are for all channels."""
    bits, signed = kind
    rng = np.random.default_rng(seed)
    acc = rng.integers(-LIMIT + 1, LIMIT, (2, lines, channels))
    m, s = rng.integers(2**30, LIMIT, channels), rng.integers(1, 63, channels)
    z = rng.integers(*ranges(bits, signed), channels, endpoint=True)
    codes = msq.requantize(acc, m, s, z, bits, signed)
    assert codes.shape == acc.shape
    for index in np.ndindex(acc.shape):
        c = index[-1]
        assert codes[index] == exact(int(acc[index]), int(m[c]), int(s[c]), int(z[c]), bits, signed)
    for c in range(channels):
        one = [np.array(value[c]) for value in (m, s, z)]  # 0-d arrays are numbers
        assert np.array_equal(msq.requantize(acc[..., c], *one, bits, signed), codes[..., c])


def test_zero_dimensions_and_dtypes():
    """[S0.4] [S9.4]"""
    assert msq.requantize(np.int64(5), 2**30, 31, 0, 8, True).shape == ()
    for kind in (np.int8, np.uint64, ">i4"):
        assert msq.requantize(np.array([5], kind), 2**30, 31, 0, 8, True).tolist() == [3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([LIMIT], 2**30, 31, 0, 8, True), ValueError, "acc contains 2147483648"),
        (([-LIMIT], 2**30, 31, 0, 8, True), ValueError, "acc contains -2147483648"),
        (([0.0], 2**30, 31, 0, 8, True), TypeError, "acc has dtype"),
        (([0], 2**30 - 1, 31, 0, 8, True), ValueError, "multiplier contains"),
        (([0], 2**31, 31, 0, 8, True), ValueError, "multiplier contains"),
        (([0], 1.5e9, 31, 0, 8, True), TypeError, "multiplier has dtype"),
        (([0], 2**30, 0, 0, 8, True), ValueError, "shift contains 0"),
        (([0], 2**30, 63, 0, 8, True), ValueError, "shift contains 63"),
        (([0], 2**30, 31, 128, 8, True), ValueError, "zero_point contains 128"),
        (([0], 2**30, 31, -129, 8, True), ValueError, "zero_point contains -129"),
        (([0], 2**30, 31, -1, 8, False), ValueError, "zero_point contains -1"),
        (([0], 2**30, 31, 256, 8, False), ValueError, "zero_point contains 256"),
        (([0], 2**30, 31, 0.0, 8, False), TypeError, "zero_point has dtype"),
        (([0], 2**30, 31, 0, 17, True), ValueError, "bits = 17"),
        (([0, 0], [2**30], 31, 0, 8, True), ValueError, "multiplier has shape"),
        (([0, 0], 2**30, [31] * 3, 0, 8, True), ValueError, "shift has shape"),
        ((0, [2**30], 31, 0, 8, True), ValueError, "multiplier has shape"),
        (([[0, 0]], [[2**30] * 2], 31, 0, 8, True), ValueError, "multiplier has shape"),
    ],
)
def test_requantize_refuses(arguments, error, message):
    """[S0.2] [S9.4]"""
    with pytest.raises(error, match=message):
        msq.requantize(*arguments)


def factor_by_definition(f):
    """``s = 30 - floor(log2 f)``, ``m = rint(f 2^s)``, by rational comparison."""
    f = Fraction(f)
    exponent = -40
    while Fraction(2) ** (exponent + 1) <= f:
        exponent += 1
    s = 30 - exponent
    m = round(f * Fraction(2) ** s)
    return (2**30, s - 1) if m == 2**31 else (m, s)


def neighbours(value, steps=3):
    around = [value]
    for direction in (0.0, math.inf):
        at = value
        for _ in range(steps):
            at = math.nextafter(at, direction)
            around.append(at)
    return around


@pytest.mark.parametrize("exponent", range(-32, 31))
def test_factors_around_every_power_of_two(exponent):
    """[S9.4] Also where m rounds up to 2^31, and on the ties of m."""
    base = 2.0**exponent
    factors = neighbours(base)
    factors += neighbours(base * (1 - 2.0**-32))  # m = 2^31 - 1/2, the tie that rounds up to 2^31
    factors += neighbours(base * (1 - 2.0**-31))
    for j in (0, 1, 2, 3, 2**30 - 1):  # m = 2^30 + j + 1/2
        factors += neighbours(base * (1 + (j + 0.5) * 2.0**-30))
    seen = 0
    for f in factors:
        if not FACTOR_LOW <= f < FACTOR_HIGH:
            with pytest.raises(ValueError, match=r"expected a real number in \[2\^-32, 2\^30\)"):
                msq.requantize_factor(f)
            continue
        m, s = factor_by_definition(f)
        if s < 1:
            with pytest.raises(ValueError, match="no shift >= 1"):
                msq.requantize_factor(f)
            continue
        seen += 1
        assert msq.requantize_factor(f) == (m, s)
        assert 2**30 <= m < 2**31
        assert 1 <= s <= 62
        assert abs(Fraction(m, 2**s) - Fraction(f)) <= Fraction(f) / 2**31
    assert seen >= (1 if exponent == 30 else 20)


@given(st.floats(FACTOR_LOW, FACTOR_HIGH, exclude_max=True))
def test_factors_anywhere(f):
    """[S9.4] The relative error is at most 2^-31, and the halves of a factor share m."""
    m, s = factor_by_definition(f)
    if s < 1:
        return
    assert msq.requantize_factor(f) == (m, s)
    assert abs(Fraction(m, 2**s) - Fraction(f)) <= Fraction(f) / 2**31
    if f >= 2 * FACTOR_LOW:
        assert msq.requantize_factor(f / 2) == (m, s + 1)


@given(st.floats(2.0**-31, 2.0**8), st.integers(-(2**20), 2**20))
def test_a_factor_is_applied_to_half_a_code(f, acc):
    """[S9.4] ``requantize`` with its multiplier is the nearest integer to ``acc f``, nearly."""
    (code,) = msq.requantize(np.array([acc]), *msq.requantize_factor(f), 0, 16, True).tolist()
    real = Fraction(f) * acc
    low, high = ranges(16, True)
    assert abs(min(max(real, low), high) - code) <= Fraction(1, 2) + abs(real) / 2**31


@given(
    st.tuples(st.floats(2.0**-12, 4.0), st.floats(2.0**-12, 4.0)),
    st.lists(st.tuples(st.integers(-128, 127), st.integers(-128, 127)), min_size=1, max_size=20),
)
def test_branches_meet_at_the_scale_of_their_sum(scales, pairs):
    """[S9.5] Codes of two scales are requantized to a third, then added: half a unit each."""
    total = max(scales) / 2
    a, b = (np.array(codes) for codes in zip(*pairs, strict=True))
    first, second = (
        msq.requantize(codes, *msq.requantize_factor(scale / total), 0, 16, True)
        for codes, scale in zip((a, b), scales, strict=True)
    )
    for i, j, code in zip(a, b, first + second, strict=True):
        real = (int(i) * Fraction(scales[0]) + int(j) * Fraction(scales[1])) / Fraction(total)
        assert abs(int(code) - real) <= 1 + Fraction(1, 2**20)


def test_bounds_of_factors():
    """[S9.4]"""
    assert msq.requantize_factor(FACTOR_LOW) == (2**30, 62)
    assert msq.requantize_factor(2.0**29) == (2**30, 1)
    assert msq.requantize_factor(2.0**30 - 0.5) == (2**31 - 1, 1)
    assert msq.requantize_factor(1) == (2**30, 30)
    assert msq.requantize_factor(np.float32(0.1)) == factor_by_definition(float(np.float32(0.1)))


@pytest.mark.parametrize(
    ("factor", "error"),
    [
        (2.0**30, ValueError), (math.nextafter(2.0**-32, 0), ValueError), (0.0, ValueError),
        (-1.0, ValueError), (math.nan, ValueError), (math.inf, ValueError),
        (math.nextafter(2.0**30, 0), ValueError), (2.0**30 - 0.25, ValueError),
        ("1", TypeError), (True, TypeError), (1j, TypeError), (None, TypeError),
        (np.array(1j), TypeError), (np.array([1.0, 2.0]), TypeError),
    ],
)  # fmt: skip
def test_factors_refused(factor, error):
    """[S9.4]"""
    with pytest.raises(error, match="factor = "):
        msq.requantize_factor(factor)
