"""Wrong gradients of the regularizer [S4.2]."""

import numpy as np

from tests.mutants.registry import at, f32, mutant

U = f32(0.3, 0.5, 0.7)


def _code(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1).astype(np.int64)


def _lsb(u, bits, k):
    return _code(u, bits) - 2**k * _code(u, bits - k)


@mutant("lsb_l1_grad", "B itself, not its sign", at(f32(0.4), 4, 2))
def grad_is_slice(u, bits, k):
    return _lsb(u, bits, k)


@mutant("lsb_l1_grad", "through both terms: zero everywhere", at(U, 4, 1))
def grad_through_both(u, bits, k):
    return np.sign(_lsb(u, bits, k)) * (2**bits - 2**k * 2 ** (bits - k))


@mutant("lsb_l1_grad", "sign turned round", at(U, 4, 1))
def grad_negated(u, bits, k):
    return -np.sign(_lsb(u, bits, k)) + 0


@mutant("lsb_l1_grad", "divided by 2^n", at(U, 4, 1))
def grad_scaled_down(u, bits, k):
    return np.sign(_lsb(u, bits, k)) / 2.0**bits


@mutant("lsb_l1_grad", "times 2^n, the slope of the code", at(U, 4, 1))
def grad_scaled_up(u, bits, k):
    return np.sign(_lsb(u, bits, k)) * 2.0**bits


@mutant("lsb_l1_grad", "divided by the number of weights", at(U, 4, 1))
def grad_of_mean(u, bits, k):
    return np.sign(_lsb(u, bits, k)) / max(u.size, 1)


@mutant("lsb_l1_grad", "sign(0) = 1", at(U, 4, 1))
def grad_sign_of_zero(u, bits, k):
    return np.where(_lsb(u, bits, k) >= 0, 1, -1)


@mutant("lsb_l1_grad", "of truncated slices: never negative", at(U, 4, 1))
def grad_truncated(u, bits, k):
    return np.sign(_code(u, bits) % 2**k)


@mutant("lsb_l1_grad", "sign of u minus the coarse grid, not of the codes", at(f32(0.26), 4, 2))
def grad_of_distance(u, bits, k):
    return np.sign(u.astype(float) - _code(u, bits - k) / 2 ** (bits - k))


@mutant("lsb_l1_grad", "zero where the coarse code clamps", at(f32(0.95), 4, 2))
def grad_zero_at_clamp(u, bits, k):
    inside = np.rint(2.0 ** (bits - k) * u) <= 2 ** (bits - k) - 1
    return np.sign(_lsb(u, bits, k)) * inside


@mutant("lsb_l1_grad", "zero where the fine code clamps, at u = 1", at(f32(1), 4, 2))
def grad_zero_at_one(u, bits, k):
    return np.sign(_lsb(u, bits, k)) * (u < 1)


@mutant("lsb_l1_grad", "zero where 2^n u is rounded up and clamped", at(f32(15.6 / 16), 4, 2))
def grad_zero_at_fine_clamp(u, bits, k):
    return np.sign(_lsb(u, bits, k)) * (np.rint(2.0**bits * u) < 2**bits)


@mutant("lsb_l1_grad", "coarse code not clamped", at(f32(1), 4, 2))
def grad_coarse_unclamped(u, bits, k):
    return np.sign(_code(u, bits) - 2**k * np.rint(2.0 ** (bits - k) * u))


@mutant("lsb_l1_grad", "minus zero where the slice is zero", at(f32(0.5), 4, 1))
def grad_minus_zero(u, bits, k):
    return -np.sign(-_lsb(u, bits, k).astype(float))


@mutant("lsb_l1_grad", "ties of the coarse code away from zero", at(f32(2 / 16), 4, 2))
def grad_ties_away(u, bits, k):
    coarse = np.floor(2.0 ** (bits - k) * u.astype(float) + 0.5)
    return np.sign(_code(u, bits) - 2**k * np.minimum(coarse, 2 ** (bits - k) - 1))


@mutant("lsb_l1_grad", "|B| = 1 counts as zero", at(U, 4, 1))
def grad_with_dead_zone(u, bits, k):
    b = _lsb(u, bits, k)
    return np.sign(b) * (np.abs(b) > 1)


@mutant("lsb_l1_grad", "slices kept in int8", at(f32(255 / 4096), 12, 9))
def grad_int8(u, bits, k):
    return np.sign(_lsb(u, bits, k).astype(np.int8))
