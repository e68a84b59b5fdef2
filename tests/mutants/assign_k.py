"""Wrong choices of k [S5.6]."""

import math
from fractions import Fraction
from statistics import median

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, mutant, raw_mutant

TENTHS = [0.1, 0.1, 0.1]


@mutant("assign_k", "<= instead of <", at([1.0, 1.0]))
def at_most(omegas):
    mean = sum(map(Fraction, map(float, omegas))) / len(omegas)
    return [2 if omega <= mean else 1 for omega in omegas]


@mutant("assign_k", "mean in float", at(TENTHS))
def float_mean(omegas):
    return [2 if omega < sum(map(float, omegas)) / len(omegas) else 1 for omega in omegas]


@mutant("assign_k", "L * Omega and sum in float", at([0.01] * 6))
def float_products(omegas):
    return [2 if len(omegas) * omega < sum(map(float, omegas)) else 1 for omega in omegas]


@mutant("assign_k", "mean of a correctly rounded sum", at([0.05] * 3))
def rounded_mean(omegas):
    mean = float(sum(map(Fraction, map(float, omegas)))) / len(omegas)
    return [2 if omega < mean else 1 for omega in omegas]


@mutant("assign_k", "mean in extended precision", at([0.5, -1e20, 0.0, 1e20]))
def extended_mean(omegas):
    mean = np.array([float(omega) for omega in omegas], np.longdouble).sum() / len(omegas)
    return [2 if omega < mean else 1 for omega in omegas]


@mutant("assign_k", "sums that overflow: everything is below an infinite mean", at([1e308] * 4))
def overflowing_mean(omegas):
    total = sum(map(float, omegas))
    if math.isinf(total):
        return [2 if total > 0 else 1] * len(omegas)
    return reference.assign_k(omegas)


@mutant(
    "assign_k", "the sum is correct to float64 only, exact otherwise", at([2.0**53, 1.0, 2.0**52])
)
def absorbed(omegas):
    total = Fraction(sum(map(float, omegas))) if all(map(math.isfinite, np.cumsum(omegas))) else 0
    return [2 if len(omegas) * Fraction(float(omega)) < total else 1 for omega in omegas]


@mutant("assign_k", "compared with a tolerance of 1e-9", at([1.0, 1.0 + 1e-12]))
def tolerant(omegas):
    mean = sum(map(Fraction, map(float, omegas))) / len(omegas)
    return [2 if omega < mean and not math.isclose(omega, mean) else 1 for omega in omegas]


@mutant("assign_k", "median instead of mean", at([1.0, 2.0, 9.0]))
def against_median(omegas):
    return [2 if omega < median(omegas) else 1 for omega in omegas]


@mutant("assign_k", "1 and 2 swapped", at([1.0, 2.0]))
def swapped(omegas):
    return [3 - k for k in reference.assign_k(omegas)]


@mutant("assign_k", "|Omega|", at([-3.0, 1.0, 1.5]))
def magnitudes(omegas):
    return reference.assign_k([abs(omega) for omega in omegas])


@mutant("assign_k", "negative values count as 0", at([-3.0, 0.5, -0.5, 0.0]))
def negatives_are_zero(omegas):
    return reference.assign_k([max(omega, 0) for omega in omegas])


@mutant("assign_k", "in float32", at([1.0, 1.0 + 1e-12]))
def in_float32(omegas):
    if max(map(abs, omegas)) > 1e38:
        return reference.assign_k(omegas)
    return reference.assign_k([float(np.float32(omega)) for omega in omegas])


@mutant("assign_k", "mean of the magnitudes", at([-3.0, 0.5, 1.5]))
def mean_of_magnitudes(omegas):
    mean = sum(Fraction(abs(float(omega))) for omega in omegas) / len(omegas)
    return [2 if omega < mean else 1 for omega in omegas]


@mutant("assign_k", "the lower half by rank", at([1.0, 1.0, 1.0, 2.0]))
def by_rank(omegas):
    order = np.argsort(omegas, kind="stable")
    return [2 if rank < len(omegas) // 2 else 1 for rank in np.argsort(order, kind="stable")]


@mutant("assign_k", "mean of the other layers", at([1.0, 1.2, 1.1, 8.0]))
def mean_without_extremes(omegas):
    inner = sorted(map(Fraction, map(float, omegas)))[1:-1] or list(
        map(Fraction, map(float, omegas))
    )
    return [2 if omega < sum(inner) / len(inner) else 1 for omega in omegas]


@mutant("assign_k", "a single layer gets 2", at([1.0]))
def single_gets_two(omegas):
    return reference.assign_k(omegas) if len(omegas) > 1 else [2]


@mutant("assign_k", "geometric mean", at([1.0, 2.5, 10.0, 3.4]))
def geometric(omegas):
    if min(omegas) <= 0:
        return reference.assign_k(omegas)
    mean = math.exp(sum(math.log(omega) for omega in omegas) / len(omegas))
    return [2 if omega < mean else 1 for omega in omegas]


@raw_mutant("assign_k", "sorts its input in place", at([2.0, 1.0]))
def sorts_input(omegas):
    ks = reference.assign_k(omegas)
    if isinstance(omegas, list):
        omegas.sort()
    return ks


@raw_mutant("assign_k", "an array", at([2.0, 1.0]))
def ks_as_array(omegas):
    return np.array(reference.assign_k(omegas))


@raw_mutant("assign_k", "floats", at([2.0, 1.0]))
def ks_as_floats(omegas):
    return [float(k) for k in reference.assign_k(omegas)]


@raw_mutant("assign_k", "empty gives empty", at([]))
def empty_accepted(omegas):
    return reference.assign_k(omegas) if len(omegas) else []


@raw_mutant("assign_k", "NaN layers get 1, the mean leaves them out", at([1.0, math.nan, 3.0]))
def nan_left_out(omegas):
    try:
        kept = [omega for omega in omegas if not math.isnan(omega)]
    except TypeError:
        kept = omegas
    ks = iter(reference.assign_k(kept))
    return [next(ks) if any(omega is other for other in kept) else 1 for omega in omegas]
