"""Wrong zero points, channels and ranges of requantization [S9.4]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, i64, mutant, raw_mutant

HALF = 2**30
"""m / 2^31 = 1/2."""
TIES = i32(-3, -1, 1, 3)
NARROW = (HALF, 31, 0, 8, True)
RANGE = {False: lambda n: (0, 2**n - 1), True: lambda n: (-(2 ** (n - 1)), 2 ** (n - 1) - 1)}
SQUARE = np.full((3, 3), 1000, np.int32)


def _finish(scaled, zero_point, bits, signed):
    return np.clip(scaled + zero_point, *RANGE[bool(signed)](bits))


def _wide(*values):
    return [np.asarray(value).astype(np.int64) for value in values]


def _right(a, m, s):
    return a * m + (np.int64(1) << (s - 1)) >> s


@mutant("requantize", "no zero point", at(TIES, HALF, 31, 5, 8, True))
def zero_point_missing(acc, multiplier, shift, zero_point, bits, signed):
    return reference.requantize(acc, multiplier, shift, zero_point * 0, bits, signed)


@mutant("requantize", "zero point subtracted", at(TIES, HALF, 31, 5, 8, True))
def zero_point_subtracted(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a, m, s), -z, bits, signed)


@mutant("requantize", "zero point after the clamp", at(i32(1000), HALF, 31, 5, 8, False))
def zero_point_after_clamp(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a, m, s), 0, bits, signed) + z


@mutant(
    "requantize", "clamped before the zero point and after", at(i32(-20), HALF, 31, 15, 8, False)
)
def clamped_twice(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_finish(_right(a, m, s), 0, bits, signed), z, bits, signed)


@mutant("requantize", "zero point added to the accumulator", at(TIES, HALF, 31, 5, 8, True))
def zero_point_scaled(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a + np.where(np.abs(a + z) < 2**31, z, 0), m, s), 0, bits, signed)


@mutant("requantize", "zero point of the first channel for all",
        at(i32(10, 10), HALF, 31, i32(1, 2), 8, True))  # fmt: skip
def first_zero_point(acc, multiplier, shift, zero_point, bits, signed):
    return reference.requantize(acc, multiplier, shift, _first(zero_point), bits, signed)


@mutant("requantize", "multiplier of the first channel for all",
        at(i32(10, 10), i64(HALF, 2**31 - 1), 30, 0, 8, True))  # fmt: skip
def first_multiplier(acc, multiplier, shift, zero_point, bits, signed):
    return reference.requantize(acc, _first(multiplier), shift, zero_point, bits, signed)


@mutant("requantize", "shift of the first channel for all",
        at(i32(10, 10), HALF, i32(30, 31), 0, 8, True))  # fmt: skip
def first_shift(acc, multiplier, shift, zero_point, bits, signed):
    return reference.requantize(acc, multiplier, _first(shift), zero_point, bits, signed)


@mutant("requantize", "largest shift for all channels",
        at(i32(10, 10), HALF, i32(30, 31), 0, 8, True))  # fmt: skip
def largest_shift(acc, multiplier, shift, zero_point, bits, signed):
    shift = np.max(shift) if np.size(shift) else shift
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


def _first(value):
    return value if not np.ndim(value) or not np.size(value) else int(value[0])


def _along_rows(name):
    def wrong(acc, multiplier, shift, zero_point, bits, signed):
        a, m, s, z = _wide(acc, multiplier, shift, zero_point)
        if a.ndim == 2 and a.shape[0] == a.shape[1]:
            m, s, z = (
                v[:, None] if name == n and v.ndim else v
                for n, v in (("multiplier", m), ("shift", s), ("zero_point", z))
            )
        return _finish(_right(a, m, s), z, bits, signed)

    wrong.__name__ = f"{name}_along_rows"
    return wrong


mutant(
    "requantize",
    "multipliers along the first axis of a square",
    at(SQUARE, i64(HALF, 2**31 - 1, 1500000000), 34, 0, 16, True),
)(_along_rows("multiplier"))
mutant(
    "requantize",
    "shifts along the first axis of a square",
    at(SQUARE, HALF, i32(31, 32, 33), 0, 16, True),
)(_along_rows("shift"))
mutant(
    "requantize",
    "zero points along the first axis of a square",
    at(SQUARE, HALF, 33, i32(1, 2, 3), 16, True),
)(_along_rows("zero_point"))


@mutant("requantize", "no clamp", at(i32(10000), HALF, 31, 0, 8, True))
def clamp_missing(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _right(a, m, s) + z


@mutant("requantize", "clamped as signed always", at(i32(400), HALF, 31, 0, 8, False))
def always_signed(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a, m, s), z, bits, True)


@mutant("requantize", "clamped as unsigned always", at(TIES, *NARROW))
def always_unsigned(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a, m, s), z, bits, False)


@mutant("requantize", "symmetric range: -2^(a-1) is left out", at(i32(-1000), HALF, 31, 0, 8, True))
def symmetric_clamp(acc, multiplier, shift, zero_point, bits, signed):
    codes = reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
    return np.maximum(codes, -(2 ** (bits - 1)) + 1) if signed else codes


@mutant("requantize", "wraps where it must clamp", at(i32(1000), HALF, 31, 0, 8, True))
def wraps(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    low = RANGE[bool(signed)](bits)[0]
    return (_right(a, m, s) + z - low) % 2**bits + low


@mutant("requantize", "clamped to 8 bits whatever the width", at(i32(10000), HALF, 31, 0, 12, True))
def eight_bits(acc, multiplier, shift, zero_point, bits, signed):
    codes = reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
    return np.clip(codes, -128, 127) if signed else np.minimum(codes, 255)


@mutant("requantize", "unsigned codes kept in int16", at(i32(120000), HALF, 31, 0, 16, False))
def int16_codes(acc, multiplier, shift, zero_point, bits, signed):
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed).astype(np.int16)


@mutant(
    "requantize", "scaled value in int32 before the clamp", at(i64(2**31 - 1), HALF, 1, 0, 8, True)
)
def scaled_in_int32(acc, multiplier, shift, zero_point, bits, signed):
    a, m, s, z = _wide(acc, multiplier, shift, zero_point)
    return _finish(_right(a, m, s).astype(np.int32), z, bits, signed)


@mutant("requantize", "negative accumulators count as 0 (fused ReLU)", at(TIES, *NARROW))
def fused_relu(acc, multiplier, shift, zero_point, bits, signed):
    codes = reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
    return np.maximum(codes, zero_point)


@mutant(
    "requantize",
    "accumulators through float32",
    at(i64(2**24 + 1), HALF, 31, 0, 16, True),
    at(i64(2**30 - 1), HALF, 45, 0, 16, True),
    at(i64(2**24 + 3), HALF, 40, 0, 16, True),
    at(i64(2**25 - 1), 2**30, 42, 0, 16, True),
    at(i64(2**24 * 3 + 2**10 - 1), 2**30, 41, 0, 16, True),
)
def float32_accumulators(acc, multiplier, shift, zero_point, bits, signed):
    a = np.clip(acc.astype(np.float32).astype(np.int64), -(2**31) + 1, 2**31 - 1)
    return reference.requantize(a, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "acc = -2^31 is accepted, it fits int32",
            at(i64(-(2**31)), *NARROW))  # fmt: skip
def least_int32(acc, multiplier, shift, zero_point, bits, signed):
    acc = np.asarray(acc)
    if acc.dtype.kind == "i" and acc.size and acc.min() == -(2**31):
        acc = np.maximum(acc, -(2**31) + 1)
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "a multiplier for each of one channel is refused",
            at(i32(7), i64(HALF), i32(31), i32(0), 8, True))  # fmt: skip
def one_channel_refused(acc, multiplier, shift, zero_point, bits, signed):
    if np.shape(multiplier) == (1,):
        raise ValueError("expected a scalar")
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "per channel all or nothing: a scalar beside arrays is refused",
            at(i32(7, 8), i64(HALF, HALF), 31, 0, 8, True))  # fmt: skip
def mixture_refused(acc, multiplier, shift, zero_point, bits, signed):
    if len({np.ndim(value) for value in (multiplier, shift, zero_point)}) > 1:
        raise ValueError("expected all per channel")
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "shifts above 31 are refused", at(TIES, HALF, 40, 0, 8, True))
def long_shift_refused(acc, multiplier, shift, zero_point, bits, signed):
    if np.size(shift) and np.max(shift) > 31:
        raise ValueError("shift out of range")
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "shifts below 31 are refused: factors above 1",
            at(TIES, HALF, 8, 0, 8, True))  # fmt: skip
def short_shift_refused(acc, multiplier, shift, zero_point, bits, signed):
    if np.size(shift) and np.min(shift) < 31:
        raise ValueError("shift out of range")
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)


@raw_mutant("requantize", "parameters for each of the first axis where it fits",
            at(np.ones((2, 3), np.int32), i64(HALF, HALF), 31, 0, 8, True))  # fmt: skip
def first_axis_accepted(acc, multiplier, shift, zero_point, bits, signed):
    acc, m = np.asarray(acc), np.asarray(multiplier)
    if acc.ndim == 2 and m.shape == acc.shape[:1] != acc.shape[1:]:
        return np.ascontiguousarray(
            reference.requantize(acc.T, multiplier, shift, zero_point, bits, signed).T
        )
    return reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
