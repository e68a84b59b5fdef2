"""Wrong rates of nonzero slices [S3.4]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, mutant, raw_mutant

U = f32(0.3, 0.5, 0.7)


def _code(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64)


def _lsb(u, bits, k):
    return _code(u, bits) - 2**k * _code(u, bits - k)


@mutant("lsb_nonzero_rate", "over weights that are not zero", at(f32(0, 0.3), 4, 1))
def rate_over_nonzero(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k)) / max(np.count_nonzero(u), 1)


@mutant("lsb_nonzero_rate", "over codes that are not zero", at(f32(0.01, 0.3), 4, 1))
def rate_over_nonzero_codes(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k)) / max(np.count_nonzero(_code(u, bits)), 1)


@mutant("lsb_nonzero_rate", "per cent", at(U, 4, 1))
def rate_percent(u, bits, k):
    return 100 * np.count_nonzero(_lsb(u, bits, k)) / u.size


@mutant("lsb_nonzero_rate", "divided in float32", at(U, 4, 1))
def rate_float32(u, bits, k):
    return np.float32(np.count_nonzero(_lsb(u, bits, k))) / np.float32(u.size)


@mutant("lsb_nonzero_rate", "count times 1 / size", at(f32(*[0.3] * 49), 4, 1))
def rate_by_reciprocal(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k)) * (1 / u.size)


@mutant("lsb_nonzero_rate", "rounded to 4 places", at(U, 4, 1))
def rate_rounded(u, bits, k):
    return round(np.count_nonzero(_lsb(u, bits, k)) / u.size, 4)


@mutant("lsb_nonzero_rate", "the rate of zeros", at(U, 4, 1))
def rate_of_zeros(u, bits, k):
    return 1 - np.count_nonzero(_lsb(u, bits, k)) / u.size


@mutant("lsb_nonzero_rate", "positive slices only", at(U, 4, 1))
def rate_positive(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k) > 0) / u.size


@mutant("lsb_nonzero_rate", "|B| > 1", at(U, 4, 1))
def rate_above_one(u, bits, k):
    return np.count_nonzero(np.abs(_lsb(u, bits, k)) > 1) / u.size


@mutant("lsb_nonzero_rate", "of truncated slices", at(f32(1.6 / 16, 0.3), 4, 2))
def rate_truncated(u, bits, k):
    return np.count_nonzero(_code(np.minimum(u, 0.9999), bits) % 2**k % 2) / u.size


@mutant("lsb_nonzero_rate", "of low bits, not of slices", at(f32(1 / 16, 0.5), 4, 2))
def rate_of_bits(u, bits, k):
    low = np.abs(_lsb(u, bits, k))
    return sum(np.count_nonzero(low >> j & 1) for j in range(k)) / (u.size * k)


@mutant("lsb_nonzero_rate", "slices kept in int8: 256 counts as zero",
        at(f32(256 / 65536), 16, 10))  # fmt: skip
def rate_int8(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k).astype(np.int8)) / u.size


@mutant("lsb_nonzero_rate", "coarse code not clamped", at(f32(31.9 / 32), 4, 2))
def rate_unclamped(u, bits, k):
    b = np.rint(2.0**bits * u) - 2**k * np.rint(2.0 ** (bits - k) * u)
    return np.count_nonzero(b) / u.size


@mutant("lsb_nonzero_rate", "u off the coarse grid, not its code", at(f32(0.26), 4, 2))
def rate_unrounded(u, bits, k):
    return np.count_nonzero(u.astype(float) != _code(u, bits - k) / 2 ** (bits - k)) / u.size


@mutant("lsb_nonzero_rate", "over size - 1", at(U, 4, 1))
def rate_unbiased(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k)) / max(u.size - 1, 1)


@mutant("lsb_nonzero_rate", "counted in uint8", at(f32(*[0.3] * 256), 4, 1))
def rate_uint8_count(u, bits, k):
    return (_lsb(u, bits, k) != 0).sum(dtype=np.uint8) / u.size


@mutant("lsb_nonzero_rate", "counted in uint16",
        at(np.full(65536, 0.3, np.float32), 4, 1))  # fmt: skip
def rate_uint16_count(u, bits, k):
    return (_lsb(u, bits, k) != 0).sum(dtype=np.uint16) / u.size


@mutant("lsb_nonzero_rate", "mean of the rates of 8192-element chunks",
        at(np.append(np.full(8192, 0.5, np.float32), np.float32(0.3)), 4, 1))  # fmt: skip
def rate_of_chunks(u, bits, k):
    b = _lsb(u, bits, k).ravel() != 0
    return np.mean([b[i : i + 8192].mean() for i in range(0, b.size, 8192)])


@raw_mutant("lsb_nonzero_rate", "0 for an empty array", at(f32(), 4, 1))
def rate_empty_zero(u, bits, k):
    if u.size == 0 and u.dtype.kind == "f":
        reference.lsb(u, bits, k)
        return 0.0
    return reference.lsb_nonzero_rate(u, bits, k)


@raw_mutant("lsb_nonzero_rate", "NaN for an empty array", at(f32(), 4, 1))
def rate_empty_nan(u, bits, k):
    if u.size == 0 and u.dtype.kind == "f":
        reference.lsb(u, bits, k)
        return float("nan")
    return reference.lsb_nonzero_rate(u, bits, k)


@raw_mutant("lsb_nonzero_rate", "the integer 1 where all are nonzero", at(f32(0.3), 4, 1))
def rate_integer_one(u, bits, k):
    rate = reference.lsb_nonzero_rate(u, bits, k)
    return 1 if rate == 1 else rate
