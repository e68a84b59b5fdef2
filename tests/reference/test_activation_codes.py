"""Activation codes against rational numbers."""

from fractions import Fraction

import numpy as np
import pytest

import msq_ref as msq

SCALES = [1.0, 0.5, 0.1, 1 / 3, 2.7e-5, 7.3, 1e30]


def nearest(value, dtype):
    """Return the float of a dtype nearest to a fraction, ties to the even one, as a Fraction."""
    kind = np.dtype(dtype).type
    start = kind(float(value))  # at most one step off
    floats = [np.nextafter(start, kind(-np.inf)), start, np.nextafter(start, kind(np.inf))]

    def rank(candidate):
        odd = int(np.abs(candidate).view(f"u{candidate.itemsize}")) & 1
        return abs(Fraction(float(candidate)) - value), odd

    return Fraction(float(min(floats, key=rank)))


def half_even(value):
    return round(value)  # of a Fraction: exact, ties to the even integer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 9))
def test_activation_codes_on_every_edge(bits, signed, dtype):
    """[S8.1] Half-integers times the scale, and the two floats to either side."""
    kind = np.dtype(dtype).type
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    halves = np.arange(2 * low - 3, 2 * high + 4) / 2
    for scale in SCALES:
        s = Fraction(float(kind(scale)))
        points = (halves * float(kind(scale))).astype(dtype)
        steps = [points]
        for direction in (-np.inf, np.inf):
            once = np.nextafter(points, kind(direction))
            steps += [once, np.nextafter(once, kind(direction))]
        x = np.concatenate(steps)
        codes = msq.activation_codes(x, scale, bits, signed)
        assert codes.dtype == np.int32
        expected = [
            min(max(half_even(nearest(Fraction(float(value)) / s, dtype)), low), high)
            for value in x
        ]
        assert codes.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_activation_codes_far_out(bits, dtype):
    """[S8.1] Quotients beyond every float, subnormal numbers, zeros of both signs."""
    limits = np.finfo(dtype)
    tiny = limits.smallest_subnormal
    x = np.array([limits.max, -limits.max, tiny, -tiny, 0.0, -0.0], dtype)
    top, low, high = 2**bits - 1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    assert msq.activation_codes(x, float(tiny), bits, False).tolist() == [top, 0, 1, 0, 0, 0]
    near = [high and 1, -1]  # one bit of two's complement is -1 or 0
    assert msq.activation_codes(x, float(tiny), bits, True).tolist() == [high, low, *near, 0, 0]
    assert msq.activation_codes(x, float(limits.max), bits, False).tolist() == [1, 0, 0, 0, 0, 0]
    assert msq.activation_codes(dtype(3.0), 1.0, bits, False).shape == ()
    assert msq.activation_codes(np.zeros((2, 0), dtype), 1.0, bits, True).shape == (2, 0)


def test_activation_codes_divide_in_the_dtype_of_x():
    """[S8.1] The scale is rounded to float32 first, and the quotient to float32 before rint."""
    rng = np.random.default_rng(5)
    x = rng.random(20_000).astype(np.float32)
    single = msq.activation_codes(x, 0.1 / 255, 12, False)
    double = msq.activation_codes(x.astype(np.float64), 0.1 / 255, 12, False)
    assert 0 < (single != double).sum() < len(x) / 50


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1], 1.0, 8, False), TypeError, "x has dtype"),
        (([np.nan], 1.0, 8, False), ValueError, "x contains nan"),
        (([1.0], 0.0, 8, False), ValueError, "scale"),
        (([1.0], -1.0, 8, False), ValueError, "scale"),
        (([1.0], np.nan, 8, False), ValueError, "scale"),
        (([1.0], "1", 8, False), TypeError, "scale"),
        (([1.0], True, 8, False), TypeError, "scale"),
        (([1.0], np.array(True), 8, False), TypeError, "scale"),
        (([1.0], np.array("1"), 8, False), TypeError, "scale"),
        (([1.0], 10**400, 8, False), ValueError, "scale"),
        (([1.0], 1.0, 17, False), ValueError, "bits = 17"),
        (([1.0], 1.0, 8.0, False), ValueError, "bits = 8.0"),
        ((np.ones(1, np.float32), 1e-50, 8, False), ValueError, "scale"),
    ],
)
def test_activation_codes_refuse(arguments, error, message):
    """[S0.2] [S0.3] [S8.1]"""
    with pytest.raises(error, match=message):
        msq.activation_codes(*arguments)
