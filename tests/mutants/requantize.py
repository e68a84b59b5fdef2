"""Wrong roundings of requantization [S9.4]."""

import numpy as np

from tests.mutants.registry import at, i32, i64, mutant

HALF = 2**30
"""m / 2^31 = 1/2."""
TIES = i32(-3, -1, 1, 3)
RANGE = {False: lambda n: (0, 2**n - 1), True: lambda n: (-(2 ** (n - 1)), 2 ** (n - 1) - 1)}
RNG = np.random.default_rng(0)
SPREAD = RNG.integers(-(2**31) + 1, 2**31, 4000)
NEAR = np.arange(-2000, 2000)
M = 1518500249


def _finish(scaled, zero_point, bits, signed):
    return np.clip(scaled + zero_point, *RANGE[bool(signed)](bits))


def _wide(*values):
    return [np.asarray(value).astype(np.int64) for value in values]


def _rounded(slug, mistake, witness, rounding):
    """Register another rounding of acc m / 2^s: (acc, m, s) -> integers."""

    def wrong(acc, multiplier, shift, zero_point, bits, signed):
        a, m, s, z = _wide(acc, multiplier, shift, zero_point)
        return _finish(rounding(a, m, s), z, bits, signed)

    wrong.__name__ = slug
    mutant("requantize", mistake, witness)(wrong)


def _remainder(a, m, s):
    floor = a * m >> s
    return floor, a * m - (floor << s), np.int64(1) << (s - 1)


def _half_even(a, m, s):
    floor, rest, half = _remainder(a, m, s)
    return floor + ((rest > half) | ((rest == half) & (floor & 1 == 1)))


def _half_away(a, m, s):
    floor, rest, half = _remainder(a, m, s)
    return floor + ((rest > half) | ((rest == half) & (floor >= 0)))


def _half_down(a, m, s):
    floor, rest, half = _remainder(a, m, s)
    return floor + (rest > half)


def _half_to_zero(a, m, s):
    floor, rest, half = _remainder(a, m, s)
    return floor + ((rest > half) | ((rest == half) & (floor < 0)))


def _right(a, m, s):
    return a * m + (np.int64(1) << (s - 1)) >> s


def _high_then_round(a, m, s):
    """gemmlowp: a doubling high product rounded to nearest, then a rounding shift."""
    high = a * m + (1 << 30) >> 31
    rest = np.maximum(s - 31, 0)
    half = np.where(rest > 0, np.int64(1) << np.maximum(rest - 1, 0), 0)
    return np.where(s > 31, high + half >> rest, _right(a, m, s))


def _division(a, m, s):
    product = a * m + (np.int64(1) << (s - 1))
    return np.sign(product) * (np.abs(product) >> s)


NARROW = (HALF, 31, 0, 8, True)
_rounded("half_even", "ties to even", at(TIES, *NARROW), _half_even)
_rounded("half_away", "ties away from zero", at(TIES, *NARROW), _half_away)
_rounded("half_down", "ties down", at(TIES, *NARROW), _half_down)
_rounded("half_to_zero", "ties towards zero", at(TIES, *NARROW), _half_to_zero)
_rounded(
    "double_rounding",
    "rounded twice: high product, then shift",
    at(NEAR, M, 33, 0, 16, True),
    _high_then_round,
)
_rounded("floor", "floor: no rounding constant", at(TIES, *NARROW), lambda a, m, s: a * m >> s)
_rounded(
    "c_division",
    "rounding constant, then division that truncates negatives",
    at(i32(-2, -5), HALF, 32, 0, 8, True),
    _division,
)
_rounded(
    "truncation",
    "truncation towards zero",
    at(TIES, *NARROW),
    lambda a, m, s: np.sign(a) * (np.abs(a * m) >> s),
)
_rounded(
    "logical_shift",
    "logical shift of negatives",
    at(TIES, *NARROW),
    lambda a, m, s: np.where(
        s > 1,
        ((a * m + (np.int64(1) << (s - 1))).astype(np.uint64) >> s.astype(np.uint64)).astype(
            np.int64
        ),
        _right(a, m, s),
    ),
)
_rounded("ceiling", "ceiling", at(i32(1), HALF, 32, 0, 8, True), lambda a, m, s: -(-a * m >> s))
_rounded(
    "constant_twice_as_large",
    "rounding constant 2^s",
    at(TIES + 1, *NARROW),
    lambda a, m, s: a * m + np.where(s < 62, np.int64(1) << np.minimum(s, 61), 0) >> s,
)
_rounded(
    "constant_half_as_large",
    "rounding constant 2^(s-2)",
    at(TIES, *NARROW),
    lambda a, m, s: a * m + (np.int64(1) << np.maximum(s - 2, 0)) >> s,
)
_rounded(
    "shift_too_small",
    "shift by s - 1",
    at(TIES, *NARROW),
    lambda a, m, s: a * m + (np.int64(1) << (s - 1)) >> (s - 1),
)
_rounded(
    "constant_in_int32",
    "1 << (s - 1) in 32 bits, where it wraps as on x86",
    at(i64(2**30 + 1, 2**21 * 3), HALF, 52, 0, 8, True),
    lambda a, m, s: a * m + (np.int64(1) << (s - 1) % 32).astype(np.int32) >> s,
)
_rounded(
    "product_in_int32",
    "product in int32",
    at(TIES, *NARROW),
    lambda a, m, s: (a * m).astype(np.int32).astype(np.int64) + (np.int64(1) << (s - 1)) >> s,
)
_rounded(
    "product_in_float32",
    "factor in float32",
    at(SPREAD, M, 45, 0, 16, True),
    lambda a, m, s: np.floor(
        a.astype(np.float32) * (m / 2.0**s).astype(np.float32) + np.float32(0.5)
    ).astype(np.int64),
)
_rounded(
    "product_in_float64",
    "floor(acc f + 1/2) in float64, where the product is rounded",
    at(i64(2**30 + 1), 2**31 - 2, 62, 0, 8, True),
    lambda a, m, s: np.floor(a * (m / 2.0**s) + 0.5).astype(np.int64),
)
_rounded(
    "rint_in_float64",
    "rint(acc f) in float64",
    at(TIES, *NARROW),
    lambda a, m, s: np.rint(a * (m / 2.0**s)).astype(np.int64),
)
_rounded(
    "short_multiplier",
    "multiplier reduced to 16 bits",
    at(SPREAD, M, 45, 0, 16, True),
    lambda a, m, s: a * (m + (1 << 15) >> 16 << 16) + (np.int64(1) << (s - 1)) >> s,
)
_rounded(
    "low_word_dropped",
    "high 32 bits of the product only, for s below 32 shifted back",
    at(TIES, *NARROW),
    lambda a, m, s: np.where(s >= 32, _right(a, m, s), (a * m >> 32) << np.maximum(32 - s, 0)),
)
_rounded(
    "constant_added_to_acc",
    "a half added to acc before the product",
    at(TIES, *NARROW),
    lambda a, m, s: (2 * a + 1) * m >> s + 1,
)
_rounded(
    "shift_before_product",
    "acc shifted before the product",
    at(i64(511), HALF, 31, 0, 16, True),
    lambda a, m, s: (
        (a >> np.minimum(8, s)) * m + (np.int64(1) << np.maximum(s - 9, 0)) >> np.maximum(s - 8, 1)
    ),
)
_rounded(
    "shift_in_two_halves",
    "two rounding shifts",
    at(i64(2**31 - 1), HALF, 62, 0, 8, True),
    lambda a, m, s: np.where(
        s > 1,
        (a * m + (np.int64(1) << np.maximum(s // 2 - 1, 0)) >> s // 2)
        + (np.int64(1) << (s - s // 2 - 1))
        >> s - s // 2,
        _right(a, m, s),
    ),
)
_rounded(
    "shift_at_most_31",
    "shifts above 31 are taken for 31",
    at(i64(2**30), HALF, 50, 0, 16, True),
    lambda a, m, s: _right(a, m, np.minimum(s, 31)),
)
_rounded(
    "shift_modulo_32",
    "the shift modulo 32 from the high word, as 32-bit cores do",
    at(i64(16), HALF, 33, 0, 16, True),
    lambda a, m, s: _right(a, m, (s - 1) % 32 + 1),
)
_rounded(
    "multiplier_signed_overflow",
    "the rounding constant wraps int64 at s = 62",
    at(i64(2**31 - 1), 2**31 - 1, 62, 0, 8, True),
    lambda a, m, s: np.where(s == 62, a * m >> 62, _right(a, m, s)),
)
