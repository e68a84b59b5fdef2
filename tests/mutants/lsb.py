"""Wrong bipartite slices [S3.1], [S3.2]."""

import numpy as np

from tests.mutants.registry import at, f32, f64, mutant, up


def _code(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64)


@mutant("lsb", "truncation: c mod 2^k", at(f32(0.45), 4, 2))
def truncated(u, bits, k):
    return _code(u, bits) % 2**k


@mutant("lsb", "coarse code by rounding the fine code half up", at(f32(2 / 16), 4, 2))
def coarse_of_fine_half_up(u, bits, k):
    c = _code(u, bits)
    return c - 2**k * np.minimum((c + 2 ** (k - 1)) >> k, 2 ** (bits - k) - 1)


@mutant("lsb", "coarse code by rounding the fine code to even", at(f32(up(2.1 / 16)), 4, 2))
def coarse_of_fine(u, bits, k):
    c = _code(u, bits)
    return c - 2**k * np.minimum(np.rint(c / 2**k), 2 ** (bits - k) - 1)


@mutant("lsb", "coarse code of the dequantized value", at(f32(0.1253), 2, 1))
def coarse_of_dequantized(u, bits, k):
    q = _code(u, bits) / u.dtype.type(2**bits - 1)
    return _code(u, bits) - 2**k * _code(q, bits - k)


@mutant("lsb", "coarse code of c / 2^n", at(f32(2.4 / 16), 4, 2))
def coarse_of_grid(u, bits, k):
    return _code(u, bits) - 2**k * _code(_code(u, bits) / 2.0**bits, bits - k)


@mutant("lsb", "coarse code not clamped", at(f32(1), 4, 2))
def coarse_unclamped(u, bits, k):
    return _code(u, bits) - 2**k * np.rint(2.0 ** (bits - k) * u)


@mutant("lsb", "fine code not clamped", at(f32(1), 4, 2))
def fine_unclamped(u, bits, k):
    return np.rint(2.0**bits * u) - 2**k * _code(u, bits - k)


@mutant("lsb", "neither code clamped", at(f32(1), 4, 2))
def unclamped(u, bits, k):
    return np.rint(2.0**bits * u) - 2**k * np.rint(2.0 ** (bits - k) * u)


@mutant("lsb", "coarse code floored", at(f32(0.45), 4, 2))
def coarse_floored(u, bits, k):
    return _code(u, bits) - 2**k * np.minimum(np.floor(2.0 ** (bits - k) * u), 2 ** (bits - k) - 1)


@mutant("lsb", "ties of the coarse code away from zero", at(f32(2 / 16), 4, 2))
def coarse_ties_away(u, bits, k):
    coarse = np.floor(2.0 ** (bits - k) * u.astype(float) + 0.5)
    return _code(u, bits) - 2**k * np.minimum(coarse, 2 ** (bits - k) - 1)


@mutant("lsb", "ties of the fine code away from zero", at(f32(0.5 / 16), 4, 2))
def fine_ties_away(u, bits, k):
    fine = np.minimum(np.floor(2.0**bits * u.astype(float) + 0.5), 2**bits - 1)
    return fine - 2**k * _code(u, bits - k)


@mutant("lsb", "2^(k-1) instead of 2^k", at(f32(0.6), 4, 2))
def shift_off_by_one(u, bits, k):
    return _code(u, bits) - 2 ** (k - 1) * _code(u, bits - k)


@mutant("lsb", "coarse width n - k + 1", at(f32(0.6), 4, 2))
def coarse_width_off_by_one(u, bits, k):
    return _code(u, bits) - 2**k * _code(u, bits - k + 1)


@mutant("lsb", "coarse width k instead of n - k", at(f32(0.6), 4, 1))
def coarse_width_k(u, bits, k):
    return _code(u, bits) - 2**k * _code(u, k)


@mutant("lsb", "both quantizers DoReFa's", at(f32(0.6), 4, 2))
def dorefa_codes(u, bits, k):
    return np.rint((2**bits - 1) * u) - 2**k * np.rint((2 ** (bits - k) - 1) * u)


@mutant("lsb", "magnitude only", at(f32(0.45), 4, 2))
def magnitude(u, bits, k):
    return np.abs(_code(u, bits) - 2**k * _code(u, bits - k))


@mutant("lsb", "sign turned round", at(f32(0.45), 4, 2))
def negated(u, bits, k):
    return 2**k * _code(u, bits - k) - _code(u, bits)


@mutant("lsb", "clipped to [-2^(k-1), 2^(k-1)], also at the clamp", at(f32(1), 4, 2))
def clipped(u, bits, k):
    return np.clip(_code(u, bits) - 2**k * _code(u, bits - k), -(2 ** (k - 1)), 2 ** (k - 1))


@mutant("lsb", "wrapped into k bits of two's complement", at(f32(2 / 16), 4, 2))
def wrapped(u, bits, k):
    half = 2 ** (k - 1)
    return (_code(u, bits) + half) % 2**k - half


@mutant("lsb", "kept in int8", at(f32(1), 12, 9))
def int8_slices(u, bits, k):
    return (_code(u, bits) - 2**k * _code(u, bits - k)).astype(np.int8)


@mutant("lsb", "k above 2 is treated as 2, the paper's largest", at(f32(0.4), 6, 4))
def k_at_most_two(u, bits, k):
    k = min(k, 2)
    return _code(u, bits) - 2**k * _code(u, bits - k)


@mutant("lsb", "at k = n - 1 the coarse bit is u > 1/2", at(f32(0.4), 3, 2))
def coarse_bit_at_half(u, bits, k):
    coarse = (u > 0.5) if k == bits - 1 else _code(u, bits - k)
    return _code(u, bits) - 2**k * coarse


@mutant("lsb", "at k = n - 1 there is no coarse code", at(f32(0.4), 3, 2))
def no_coarse_bit(u, bits, k):
    return _code(u, bits) - 2**k * (_code(u, bits - k) if k < bits - 1 else 0)


@mutant("lsb", "u rounded to float32 first", at(f64(np.nextafter(0.5 / 16, 1)), 4, 2))
def float32_always(u, bits, k):
    u = u.astype(np.float32)
    return _code(u, bits) - 2**k * _code(u, bits - k)


@mutant("lsb", "u rounded to half precision for the coarse code", at(f32(2 / 16 + 2**-16), 4, 2))
def half_coarse(u, bits, k):
    return _code(u, bits) - 2**k * _code(u.astype(np.float16).astype(float), bits - k)


@mutant("lsb", "fine code kept in int16", at(f32(0.7), 16, 1))
def int16_fine(u, bits, k):
    return _code(u, bits).astype(np.int16) - 2**k * _code(u, bits - k)


@mutant("lsb", "the coarse step 2^k - 1, of dequantized codes", at(f32(0.6), 4, 2))
def dequantized_step(u, bits, k):
    return _code(u, bits) - np.rint(_code(u, bits - k) * (2**bits - 1) / (2 ** (bits - k) - 1))


@mutant("lsb", "at the top, 2^k - 1 is taken for -1", at(f32(1), 5, 2))
def top_becomes_minus_one(u, bits, k):
    b = _code(u, bits) - 2**k * _code(u, bits - k)
    return np.where(b == 2**k - 1, np.where(k > 1, -1, b), b)
