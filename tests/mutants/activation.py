"""Wrong activation codes [S8.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, f64, mutant, raw_mutant

STEPS = np.arange(256, dtype=np.float32)
HALVES = (STEPS + np.float32(0.5)) * np.float32(0.1)
EDGES = np.concatenate(
    [HALVES, np.nextafter(HALVES, np.float32(0)), np.nextafter(HALVES, np.float32(99))]
)
EDGES64 = np.concatenate([np.nextafter((np.arange(256) + 0.5) * 0.1, side) for side in (0, 99)])


def _range(bits, signed):
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def _codes(quotient, bits, signed):
    return np.clip(np.rint(quotient), *_range(bits, signed))


@mutant("activation_codes", "ties away from zero", at(f32(0.5, -0.5), 1.0, 4, True))
def ties_away(x, scale, bits, signed):
    q = (x / x.dtype.type(scale)).astype(float)
    return np.clip(np.copysign(np.floor(np.abs(q) + 0.5), q), *_range(bits, signed))


@mutant("activation_codes", "ties up", at(f32(-1.5), 1.0, 4, True))
def ties_up(x, scale, bits, signed):
    q = (x / x.dtype.type(scale)).astype(float)
    return np.clip(np.where(q < 0, np.floor(q + 0.5), np.rint(q)), *_range(bits, signed))


@mutant("activation_codes", "ties down", at(f32(1.5), 1.0, 4, True))
def ties_down(x, scale, bits, signed):
    q = (x / x.dtype.type(scale)).astype(float)
    return np.clip(np.ceil(q - 0.5), *_range(bits, signed))


@mutant("activation_codes", "int(x / s + 0.5): negatives truncate", at(f32(-1.2), 1.0, 4, True))
def truncated_sum(x, scale, bits, signed):
    q = (x / x.dtype.type(scale)).astype(float)
    return np.clip(np.where(q < 0, np.trunc(q + 0.5), np.rint(q)), *_range(bits, signed))


@mutant("activation_codes", "product with the reciprocal", at(EDGES, 0.1, 8, False))
def reciprocal(x, scale, bits, signed):
    one = x.dtype.type(1)
    return _codes(x * (one / x.dtype.type(scale)), bits, signed)


@mutant("activation_codes", "product with the reciprocal in float64 only",
        at(EDGES64, 0.1, 8, False))  # fmt: skip
def reciprocal_in_float64(x, scale, bits, signed):
    s = x.dtype.type(scale)
    return _codes(x * (1 / s) if x.dtype == np.float64 else x / s, bits, signed)


@mutant("activation_codes", "the scale is not rounded to the dtype first", at(EDGES, 0.1, 8, False))
def wide_scale(x, scale, bits, signed):
    return _codes(x.astype(np.float64) / float(scale), bits, signed)


@mutant("activation_codes", "division in float64 for float32", at(EDGES, 0.1, 8, False))
def float64_division(x, scale, bits, signed):
    return _codes(x.astype(np.float64) / float(x.dtype.type(scale)), bits, signed)


@mutant("activation_codes", "division in float32 for float64", at(EDGES64, 0.1, 8, False))
def float32_division(x, scale, bits, signed):
    if np.abs(x).max(initial=0) > 1e38 or not 1e-38 < scale < 1e38:
        return reference.activation_codes(x, scale, bits, signed)
    return _codes(x.astype(np.float32) / np.float32(scale), bits, signed)


@mutant(
    "activation_codes",
    "half precision",
    at(f32(0.30001), 0.1, 8, False),
)
def half_precision(x, scale, bits, signed):
    return _codes(x.astype(np.float16) / np.float16(2 * scale), bits, signed)


@mutant("activation_codes", "symmetric range: -2^(a-1) is left out", at(f32(-9), 1.0, 4, True))
def symmetric_clamp(x, scale, bits, signed):
    low, high = _range(bits, signed)
    return np.clip(np.rint(x / x.dtype.type(scale)), -high if signed else low, high)


@mutant("activation_codes", "unsigned codes are not clamped at 0", at(f32(-1), 1.0, 4, False))
def low_clamp_missing(x, scale, bits, signed):
    low, high = _range(bits, signed)
    q = np.minimum(np.rint(x / x.dtype.type(scale)), high)
    return np.maximum(q, low if signed else -(2.0**30))


@mutant("activation_codes", "|x| for unsigned codes", at(f32(-1), 1.0, 4, False))
def magnitude(x, scale, bits, signed):
    return _codes((x if signed else np.abs(x)) / x.dtype.type(scale), bits, signed)


@mutant("activation_codes", "no upper clamp", at(f32(99), 1.0, 4, False))
def high_clamp_missing(x, scale, bits, signed):
    q = np.rint(x / x.dtype.type(scale))
    return np.clip(q, _range(bits, signed)[0], 2.0**30)


@mutant("activation_codes", "upper bound 2^a", at(f32(99), 1.0, 4, False))
def high_bound_off_by_one(x, scale, bits, signed):
    low, high = _range(bits, signed)
    return np.clip(np.rint(x / x.dtype.type(scale)), low, high + 1)


@mutant("activation_codes", "upper bound 2^a - 2", at(f32(99), 1.0, 4, False))
def narrow(x, scale, bits, signed):
    low, high = _range(bits, signed)
    return np.clip(np.rint(x / x.dtype.type(scale)), low, max(high - 1, low) if bits > 1 else high)


@mutant("activation_codes", "wraps where it must clamp", at(f32(17), 1.0, 4, False))
def wraps(x, scale, bits, signed):
    low, _ = _range(bits, signed)
    q = np.clip(np.rint(x / x.dtype.type(scale)), -(2.0**60), 2.0**60).astype(np.int64)
    return (q - low) % 2**bits + low


@mutant("activation_codes", "clamped to int8 whatever the width", at(f32(200), 1.0, 8, False))
def int8_clamp(x, scale, bits, signed):
    return np.clip(_codes(x / x.dtype.type(scale), bits, signed), -128, 127)


@mutant("activation_codes", "kept in uint8 when unsigned", at(f32(300), 1.0, 9, False))
def uint8_codes(x, scale, bits, signed):
    codes = _codes(x / x.dtype.type(scale), bits, signed).astype(np.int64)
    return codes if signed else codes.astype(np.uint8)


@mutant("activation_codes", "kept in int16", at(f32(40000), 1.0, 16, False))
def int16_codes(x, scale, bits, signed):
    return _codes(x / x.dtype.type(scale), bits, signed).astype(np.int64).astype(np.int16)


@mutant("activation_codes", "kept in int8 when signed", at(f32(-200), 1.0, 9, True))
def int8_codes(x, scale, bits, signed):
    codes = _codes(x / x.dtype.type(scale), bits, signed).astype(np.int64)
    return codes.astype(np.int8) if signed else codes


@mutant("activation_codes", "floor", at(f32(0.7), 1.0, 4, False))
def floor(x, scale, bits, signed):
    return np.clip(np.floor(x / x.dtype.type(scale)), *_range(bits, signed))


@mutant("activation_codes", "truncation", at(f32(-0.7), 1.0, 4, True))
def truncation(x, scale, bits, signed):
    return np.clip(np.trunc(x / x.dtype.type(scale)), *_range(bits, signed))


@mutant("activation_codes", "always signed", at(f32(12), 1.0, 4, False))
def always_signed(x, scale, bits, signed):
    return _codes(x / x.dtype.type(scale), bits, True)


@mutant("activation_codes", "never signed", at(f32(-3), 1.0, 4, True))
def never_signed(x, scale, bits, signed):
    return _codes(x / x.dtype.type(scale), bits, False)


@mutant("activation_codes", "signed decided by the data", at(f32(3), 1.0, 2, True))
def sign_from_data(x, scale, bits, signed):
    return _codes(x / x.dtype.type(scale), bits, bool((x < 0).any()))


@mutant("activation_codes", "x times the scale", at(f32(3), 2.0, 4, False))
def multiplied(x, scale, bits, signed):
    return _codes(x * x.dtype.type(scale), bits, signed)


@mutant("activation_codes", "x / s in int32 before the clamp: large values turn negative",
        at(f32(1e10), 1.0, 8, False))  # fmt: skip
def overflowing_cast(x, scale, bits, signed):
    q = np.rint(x.astype(float) / float(x.dtype.type(scale)))
    if x.dtype == np.float64 or np.abs(q).max(initial=0) < 2**31:
        q = np.rint(x / x.dtype.type(scale))
    whole = np.where(np.abs(q) < 2.0**31, q, -(2.0**31))
    return np.clip(whole, *_range(bits, signed))


@mutant("activation_codes", "an infinite quotient gives 0", at(f32(3e38), 1e-3, 8, False))
def infinite_quotient(x, scale, bits, signed):
    q = x / x.dtype.type(scale)
    return _codes(np.where(np.isinf(q), 0, q), bits, signed)


@raw_mutant("activation_codes", "an infinite quotient is refused", at(f32(3e38), 1e-3, 8, False))
def infinite_quotient_refused(x, scale, bits, signed):
    codes = reference.activation_codes(x, scale, bits, signed)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.asarray(x) / x.dtype.type(scale)).all():
            raise ValueError("overflow")
    return codes


@mutant("activation_codes", "one signed bit is -1 and 1", at(f32(3), 1.0, 1, True))
def one_signed_bit(x, scale, bits, signed):
    codes = _codes(x / x.dtype.type(scale), bits, signed)
    return np.where(x < 0, -1, 1) if bits == 1 and signed else codes


@mutant("activation_codes", "subnormal activations count as 0, undeclared",
        at(f32(3e-45), 1.4e-45, 4, False))  # fmt: skip
def flushed(x, scale, bits, signed):
    x = np.where(np.abs(x) < np.finfo(x.dtype).tiny, x.dtype.type(0), x)
    return _codes(x / x.dtype.type(scale), bits, signed)


@mutant("activation_codes", "a scale below 1e-8 is raised to it, against division by 0",
        at(f32(3e-9), 1e-9, 4, False))  # fmt: skip
def scale_floored(x, scale, bits, signed):
    return _codes(x / x.dtype.type(max(scale, 1e-8)), bits, signed)


@mutant("activation_codes", "the scale is the largest value, not the step",
        at(f32(3), 1.0, 4, False))  # fmt: skip
def scale_is_maximum(x, scale, bits, signed):
    high = _range(bits, signed)[1]
    return _codes(x / x.dtype.type(scale) * max(high, 1), bits, signed)


@mutant("activation_codes", "rounded to 1/16 first", at(f32(1.49), 1.0, 4, False))
def rounded_twice(x, scale, bits, signed):
    q = x / x.dtype.type(scale)
    return _codes(np.where(np.abs(q) < 2**20, np.rint(q * 16) / 16, q), bits, signed)


@raw_mutant("activation_codes", "negative activations are refused when unsigned",
            at(f32(-1), 1.0, 4, False))  # fmt: skip
def negatives_refused(x, scale, bits, signed):
    if not signed and np.size(x) and np.min(x) < 0:
        raise ValueError("x must not be negative")
    return reference.activation_codes(x, scale, bits, signed)


@raw_mutant("activation_codes", "an integer scale is refused", at(f32(3), 1, 4, False))
def integer_scale_refused(x, scale, bits, signed):
    if isinstance(scale, int):
        raise TypeError("scale must be a float")
    return reference.activation_codes(x, scale, bits, signed)


@raw_mutant("activation_codes", "a NumPy scalar as scale is refused",
            at(f64(3), np.float32(1), 4, False))  # fmt: skip
def numpy_scale_refused(x, scale, bits, signed):
    if type(scale) not in (int, float):
        raise TypeError("scale must be a float")
    return reference.activation_codes(x, scale, bits, signed)
