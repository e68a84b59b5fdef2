"""Wrong regularizers [S4.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, mutant, raw_mutant

U = f32(0.3, 0.5, 0.7)
NEAR_TOP = f32(*[0.99] * 3)
# 65600 slices of 32767 each: above 2^31.
TOP = np.ones(65600, np.float32)
ODD = np.append(np.ones(600, np.float32), np.float32(0.3))


def _code(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64)


def _lsb(u, bits, k):
    return _code(u, bits) - 2**k * _code(u, bits - k)


@mutant("lsb_l1", "not divided by 2^n", at(U, 4, 1))
def codes(u, bits, k):
    return np.abs(_lsb(u, bits, k)).sum()


@mutant("lsb_l1", "mean instead of sum", at(U, 4, 1))
def mean(u, bits, k):
    return np.abs(_lsb(u, bits, k)).sum() / max(u.size, 1) / 2**bits


@mutant("lsb_l1", "divided by 2^(n-1)", at(U, 4, 1))
def half_scale(u, bits, k):
    return np.abs(_lsb(u, bits, k)).sum() / 2 ** (bits - 1)


@mutant("lsb_l1", "divided by 2^n - 1", at(U, 4, 1))
def levels(u, bits, k):
    return np.abs(_lsb(u, bits, k)).sum() / (2**bits - 1)


@mutant("lsb_l1", "divided by 2^k", at(U, 4, 1))
def slice_scale(u, bits, k):
    return np.abs(_lsb(u, bits, k)).sum() / 2**k


@mutant("lsb_l1", "summed in float32, where 2^24 + 1 is lost", at(ODD, 16, 15))
def float32_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k)).astype(np.float32).cumsum(dtype=np.float32)[-1:].sum() / 2**bits


@mutant("lsb_l1", "result rounded to float32", at(ODD, 16, 15))
def float32_result(u, bits, k):
    return np.float32(np.abs(_lsb(u, bits, k)).sum() / 2**bits)


@mutant("lsb_l1", "summed in int32", at(TOP, 16, 15))
def int32_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k)).astype(np.int32).sum(dtype=np.int32) / 2**bits


@mutant("lsb_l1", "summed in half precision", at(f32(1, 1, 1), 12, 11))
def half_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k) / 2.0**bits).astype(np.float16).sum(dtype=np.float16)


@mutant("lsb_l1", "squares instead of magnitudes", at(f32(0.4), 4, 2))
def squares(u, bits, k):
    return (_lsb(u, bits, k) ** 2).sum() / 2**bits


@mutant("lsb_l1", "Euclidean norm", at(U, 4, 1))
def euclidean(u, bits, k):
    return np.sqrt((_lsb(u, bits, k) ** 2).sum()) / 2**bits


@mutant("lsb_l1", "no magnitude: signs cancel", at(U, 4, 1))
def signs_cancel(u, bits, k):
    return _lsb(u, bits, k).sum() / 2**bits


@mutant("lsb_l1", "coarse code not clamped", at(NEAR_TOP, 4, 2))
def coarse_unclamped(u, bits, k):
    return np.abs(_code(u, bits) - 2**k * np.rint(2.0 ** (bits - k) * u)).sum() / 2**bits


@mutant("lsb_l1", "truncated slices", at(f32(0.45), 4, 2))
def truncated(u, bits, k):
    return (_code(u, bits) % 2**k).sum() / 2**bits


@mutant("lsb_l1", "distance of u itself to the coarse grid, not of its code", at(f32(0.31), 4, 1))
def unrounded(u, bits, k):
    return np.abs(u.astype(float) - _code(u, bits - k) / 2 ** (bits - k)).sum()


@mutant("lsb_l1", "number of nonzero slices", at(f32(0.4), 4, 2))
def count(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k)) / 2**bits


@mutant("lsb_l1", "the largest slice", at(U, 4, 1))
def largest(u, bits, k):
    return np.abs(_lsb(u, bits, k)).max(initial=0) / 2**bits


@raw_mutant("lsb_l1", "NaN for an empty array", at(f32(), 4, 1))
def empty_nan(u, bits, k):
    right = reference.lsb_l1(u, bits, k)
    return right if u.size else float("nan")


@raw_mutant("lsb_l1", "the integer 0 where the sum is 0", at(f32(0), 4, 1))
def integer_zero(u, bits, k):
    return reference.lsb_l1(u, bits, k) or 0


@raw_mutant("lsb_l1", "a 0-dimensional array", at(U, 4, 1))
def array_returned(u, bits, k):
    return np.array(reference.lsb_l1(u, bits, k))


@mutant("lsb_l1_codes", "summed in float32", at(ODD, 16, 15))
def codes_float32_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k)).astype(np.float32).cumsum(dtype=np.float32)[-1:].sum()


@mutant("lsb_l1_codes", "summed in int32", at(TOP, 16, 15))
def codes_int32_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k)).astype(np.int32).sum(dtype=np.int32)


@mutant("lsb_l1_codes", "summed in int16", at(f32(1, 1), 16, 15))
def codes_int16_sum(u, bits, k):
    return np.abs(_lsb(u, bits, k)).astype(np.int16).sum(dtype=np.int16)


@mutant("lsb_l1_codes", "rows summed in int32, their sums in int64",
        at(TOP.reshape(1, -1), 16, 15))  # fmt: skip
def rows_in_int32(u, bits, k):
    b = np.abs(_lsb(u, bits, k)).astype(np.int32)
    return b.sum(axis=-1, dtype=np.int32).sum(dtype=np.int64) if b.ndim else b


@mutant("lsb_l1_codes", "number of nonzero slices", at(f32(0.4), 4, 2))
def codes_count(u, bits, k):
    return np.count_nonzero(_lsb(u, bits, k))


@mutant("lsb_l1_codes", "signs cancel", at(U, 4, 1))
def codes_signs_cancel(u, bits, k):
    return _lsb(u, bits, k).sum()


@mutant("lsb_l1_codes", "magnitude of the sum", at(U, 4, 1))
def codes_magnitude_of_sum(u, bits, k):
    return abs(_lsb(u, bits, k).sum())


@mutant("lsb_l1_codes", "slices kept in int8", at(f32(1), 12, 9))
def codes_int8(u, bits, k):
    return np.abs(_lsb(u, bits, k).astype(np.int8)).sum(dtype=np.int64)


@mutant("lsb_l1_codes", "slices clipped to 2^(k-1)", at(NEAR_TOP, 4, 2))
def codes_clipped(u, bits, k):
    return np.minimum(np.abs(_lsb(u, bits, k)), 2 ** (k - 1)).sum()


@mutant("lsb_l1_codes", "squares", at(f32(0.4), 4, 2))
def codes_squares(u, bits, k):
    return (_lsb(u, bits, k) ** 2).sum()


@raw_mutant("lsb_l1_codes", "a float", at(U, 4, 1))
def codes_float(u, bits, k):
    return float(reference.lsb_l1_codes(u, bits, k))


@raw_mutant("lsb_l1_codes", "a 0-dimensional array", at(U, 4, 1))
def codes_array(u, bits, k):
    return np.array(reference.lsb_l1_codes(u, bits, k))
