"""Wrong RoundClamps [S2.1], [S0.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, down, f32, f64, mutant, raw_mutant, up


@mutant("roundclamp", "ties away from zero", at(f32(0.5 / 8), 3))
def ties_away(u, bits):
    return np.minimum(np.floor(u.astype(float) * 2**bits + 0.5), 2**bits - 1)


@mutant("roundclamp", "ties down", at(f32(1.5 / 8), 3))
def ties_down(u, bits):
    return np.minimum(np.ceil(u.astype(float) * 2**bits - 0.5), 2**bits - 1)


@mutant("roundclamp", "ties to odd", at(f32(2.5 / 8), 3))
def ties_to_odd(u, bits):
    return np.clip(np.rint(2.0**bits * u + 1) - 1, 0, 2**bits - 1)


@mutant("roundclamp", "int(x + 0.5): the sum rounds up just below a half",
        at(f32(down(0.5) / 8), 3))  # fmt: skip
def half_added(u, bits):
    x = u * u.dtype.type(2**bits)
    code = np.where(x - np.floor(x) == 0.5, np.rint(x), np.floor(x + x.dtype.type(0.5)))
    return np.minimum(code, 2**bits - 1)


@mutant("roundclamp", "ties to even only up to 127, away above (an 8-bit table)",
        at(f32(200.5 / 256), 8))  # fmt: skip
def ties_away_above_127(u, bits):
    x = u.astype(float) * 2**bits
    return np.minimum(np.where(x < 128, np.rint(x), np.floor(x + 0.5)), 2**bits - 1)


@mutant("roundclamp", "floor", at(f32(0.2), 3))
def floor(u, bits):
    return np.minimum(np.floor(2.0**bits * u), 2**bits - 1)


@mutant("roundclamp", "ceiling", at(f32(0.3), 3))
def ceiling(u, bits):
    return np.minimum(np.ceil(2.0**bits * u), 2**bits - 1)


@mutant("roundclamp", "the top bits of the 16-bit code", at(f32(0.2), 3))
def top_of_wide_code(u, bits):
    return np.minimum(np.rint(2.0**16 * u), 2**16 - 1).astype(np.int32) >> (16 - bits)


@mutant("roundclamp", "rounded twice: to 8 more bits, then to the width",
        at(f32(up(0.5 / 8)), 3))  # fmt: skip
def rounded_twice(u, bits):
    return np.minimum(np.rint(np.rint(u * 2.0 ** (bits + 8)) / 2**8), 2**bits - 1)


@mutant("roundclamp", "no clamp", at(f32(1), 4))
def clamp_missing(u, bits):
    return np.rint(2.0**bits * u)


@mutant("roundclamp", "wraps where it must clamp", at(f32(1), 4))
def wraps(u, bits):
    return np.rint(2.0**bits * u).astype(np.int32) & (2**bits - 1)


@mutant("roundclamp", "clamped to 2^n - 1/2 before rint", at(f32(1), 4))
def clamped_to_half_below(u, bits):
    return np.rint(np.minimum(2.0**bits * u, 2**bits - 0.5))


@mutant("roundclamp", "clamped to 2^n - 2, as if the range were symmetric", at(f32(1), 4))
def clamped_too_low(u, bits):
    return np.minimum(np.rint(2.0**bits * u), max(2**bits - 2, 1))


@mutant("roundclamp", "scale 2^n - 1, DoReFa's", at(f32(0.07), 3))
def dorefa_scale(u, bits):
    return np.rint((2**bits - 1) * u)


@mutant("roundclamp", "scale 2^(n-1)", at(f32(0.3), 3))
def half_scale(u, bits):
    return np.minimum(np.rint(2.0 ** (bits - 1) * u), 2**bits - 1)


@mutant("roundclamp", "2 ^ n in C is an exclusive or", at(f32(0.3), 3))
def exclusive_or(u, bits):
    return np.minimum(np.rint((2 ^ bits) * u), 2**bits - 1)


@mutant("roundclamp", "scale in half precision: 2^16 is infinite", at(f32(0.25), 16))
def half_precision_scale(u, bits):
    return np.clip(np.rint(np.float16(2.0**bits) * u.astype(float)), 0, 2**bits - 1)


@mutant("roundclamp", "codes kept in int8", at(f32(0.75), 8))
def int8_codes(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64).astype(np.int8)


@mutant("roundclamp", "codes kept in uint8", at(f32(0.75), 9))
def uint8_codes(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64).astype(np.uint8)


@mutant("roundclamp", "codes kept in int16", at(f32(0.75), 16))
def int16_codes(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64).astype(np.int16)


@mutant("roundclamp", "clamped to 32767 at 16 bits", at(f32(0.75), 16))
def int16_clamp(u, bits):
    return np.minimum(np.rint(2.0**bits * u), min(2**bits - 1, 32767))


@mutant("roundclamp", "rounded to float32 first", at(f64(up(0.5 / 8, np.float64)), 3))
def float32_always(u, bits):
    return np.minimum(np.rint(2.0**bits * u.astype(np.float32)), 2**bits - 1)


@mutant("roundclamp", "u kept in half precision", at(f32(0.5 / 8 + 2**-20), 3))
def half_precision(u, bits):
    return np.minimum(np.rint(2.0**bits * u.astype(np.float16).astype(float)), 2**bits - 1)


@mutant(
    "roundclamp", "u kept with the 10 mantissa bits of TF32", at(f32(0.75 / 8 * (1 - 2**-20)), 16)
)
def tf32(u, bits):
    kept = np.frombuffer((u.astype(np.float32).view(np.uint32) & 0xFFFFE000).tobytes(), np.float32)
    return np.minimum(np.rint(2.0**bits * kept.reshape(u.shape)), 2**bits - 1)


@mutant("roundclamp", "at 1 bit the threshold is 1/2", at(f32(0.4), 1))
def one_bit_at_half(u, bits):
    return u > 0.5 if bits == 1 else np.minimum(np.rint(2.0**bits * u), 2**bits - 1)


@mutant("roundclamp", "at 1 bit the tie goes up", at(f32(0.25), 1))
def one_bit_tie_up(u, bits):
    return u >= 0.25 if bits == 1 else np.minimum(np.rint(2.0**bits * u), 2**bits - 1)


@mutant("roundclamp", "at 2 bits ternary", at(f32(1), 2))
def two_bits_ternary(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2 if bits == 2 else 2**bits - 1)


@mutant("roundclamp", "nudged by 1e-7 before rint, against float noise", at(f64(1.5 / 8), 3))
def nudged(u, bits):
    return np.clip(np.rint(2.0**bits * u.astype(float) - 1e-7), 0, 2**bits - 1)


@mutant("roundclamp", "stochastic rounding", at(f32(*[0.3] * 32), 3))
def stochastic(u, bits):
    noise = np.random.default_rng(0).random(u.shape)
    return np.minimum(np.floor(2.0**bits * u + noise), 2**bits - 1)


@raw_mutant("roundclamp", "refuses u = 1", at(f32(1), 4))
def half_open(u, bits):
    if u.size and u.max() >= 1:
        raise ValueError("u must be below 1")
    return reference.roundclamp(u, bits)


@raw_mutant("roundclamp", "refuses minus zero as negative", at(f32(-0.0), 4))
def minus_zero_refused(u, bits):
    if np.signbit(u).any():
        raise ValueError("u must not be negative")
    return reference.roundclamp(u, bits)


@raw_mutant("roundclamp", "widths by range(1, 16): 16 is refused", at(f32(0.5), 16))
def sixteen_refused(u, bits):
    if bits == 16:
        raise ValueError("bits out of range")
    return reference.roundclamp(u, bits)


@raw_mutant("roundclamp", "1 bit refused, as binary networks are another paper", at(f32(0.5), 1))
def one_refused(u, bits):
    if bits == 1:
        raise ValueError("bits out of range")
    return reference.roundclamp(u, bits)
