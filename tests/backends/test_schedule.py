"""The schedule: comparisons are exact, in C with its own arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as reference

finite = st.floats(allow_nan=False, allow_infinity=False)
simple = st.integers(-8, 8).map(lambda i: i / 4)


@given(st.lists(finite | simple, min_size=1, max_size=9))
def test_k_of_any_floats(both, omegas):
    """[S5.6] From the smallest to the largest number, of both signs."""
    both("assign_k", omegas)


@given(st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=5), st.integers(-1060, 1000))
def test_k_of_exact_ties(both, numbers, exponent):
    """[S5.6] One layer exactly at the mean of all, however large or small: a tie gives 1."""
    omegas = [float(np.ldexp(float(2 * n * len(numbers)), exponent)) for n in numbers]
    mean = sum(map(Fraction, omegas)) / len(omegas)
    tied = float(mean)
    assert tied == mean
    assert both("assign_k", [*omegas, tied])[-1] == 1
    below = float(np.nextafter(tied, -np.inf))
    assert both("assign_k", [*omegas, below])[-1] == 2


def test_k_where_floats_err(both):
    """[S5.6] The float mean exceeds equal values; large terms cancel and leave the smallest."""
    both("assign_k", [0.1] * 3)
    tiny, huge = 5e-324, 1.7976931348623157e308
    assert both("assign_k", [huge, -huge, tiny]) == [1, 2, 1]
    assert both("assign_k", [huge, -huge, -tiny, 0.0]) == [1, 2, 2, 1]
    both("assign_k", [huge] * 1000)
    both("assign_k", [-huge] * 999 + [huge])
    both("assign_k", np.array([3.0, 1.0, 2.0]))


layer = st.tuples(
    st.integers(1, 16),  # bits
    st.sampled_from([0.0, 0.1, 0.3, float(np.nextafter(0.3, 0)), 1.0]),  # beta
    st.integers(0, 20) | st.just(2**70),  # k
    st.integers(0, 10**6),  # size
)


@given(
    st.lists(layer, min_size=1, max_size=8),
    st.sampled_from([0.0, 0.1, 0.3]),
    st.floats(1, 40) | st.just(float("inf")),
    st.integers(1, 16),
)
def test_rounds_of_pruning(both, layers, alpha, target, n_min):
    """[S6.1] [S6.2]"""
    bits, betas, ks, sizes = (list(column) for column in zip(*layers, strict=True))
    sizes[0] += 1
    both("prune_step", bits, betas, ks, sizes, alpha, target, n_min)
    both("prune_step", bits, betas, ks, sizes, [alpha] * len(bits), target, n_min)
    both("compression", sizes, bits)


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=6), st.data())
def test_a_target_is_reached_exactly_or_not(both, sizes, data):
    """[S6.2] The float nearest to the compression after one drop, and its neighbours."""
    bits = data.draw(st.lists(st.integers(2, 16), min_size=len(sizes), max_size=len(sizes)))
    zeros, ones = [0.0] * len(bits), [1] * len(bits)
    near = float(reference.compression(sizes, [bits[0] - 1, *bits[1:]]))
    for target in (near, float(np.nextafter(near, 0)), float(np.nextafter(near, 99))):
        both("prune_step", bits, zeros, ones, sizes, 0.3, target, 1)


def test_the_worked_example_and_the_extremes(both):
    """[S6.2] [S6.3] A round that stops in its middle; networks of any size; no layers at all."""
    assert both("prune_step", [8] * 3, [0] * 3, [2] * 3, [5] * 3, 0.3, 4.8, 1) == [6, 6, 8]
    both("prune_step", [8] * 3, [0] * 3, [2] * 3, [5] * 3, np.array([0.3, 0.0, 0.1]), 1e300, 1)
    both("prune_step", [], [], [], [], 0.3, 4.0, 1)
    both("prune_step", [1, 4], [0, 0], [2, 2], [5, 5], 0.3, 5e-324, 3)
    both("prune_step", [1, 4], [0, 0], [2, 2], [5, 5], 0.3, 1e3, 3)
    for size in (2**57, 2**58 - 1, 2**58, 10**30):
        both("compression", [size, 0], [3, 16])
        both("prune_step", [8, 8], [0, 0], [2, 2], [size, 0], 0.3, 5.0, 1)


@pytest.mark.parametrize("kind", [np.int8, np.int64])
def test_schedules_of_numpy_numbers(both, kind):
    """[S0.2]"""
    numbers = np.array([8, 6, 7], kind)
    both("compression", np.array([100, 50, 3], kind), numbers)
    rates = np.array([0.0, 0.5, 0.1], np.float32)
    both("prune_step", numbers, rates, numbers, numbers, np.float32(0.3), np.inf, kind(2))
