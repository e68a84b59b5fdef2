"""Sensitivity, k and the pruning schedule against exact fractions and a plain transcription."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as msq

finite = st.floats(-1e12, 1e12)


def test_compression_is_an_exact_fraction():
    """[S6.3]"""
    assert msq.compression([10, 30], [8, 4]) == Fraction(32 * 40, 200)
    assert msq.average_bits([10, 30], [8, 4]) == 5
    assert msq.compression([7, 0], [3, 16]) == Fraction(32, 3)
    wrong = ([], []), ([0], [8]), ([1], [8, 8]), ([-1], [8]), ([1], [17]), ([1.0], [8])
    for sizes, bits in wrong:
        with pytest.raises(ValueError, match="expected"):
            msq.compression(sizes, bits)


@given(st.lists(finite, min_size=1, max_size=12))
def test_k_is_two_strictly_below_the_mean(omegas):
    """[S5.6] In rational arithmetic."""
    mean = sum(map(Fraction, omegas)) / len(omegas)
    assert msq.assign_k(omegas) == [2 if Fraction(omega) < mean else 1 for omega in omegas]


def test_equal_sensitivities_all_get_one():
    """[S5.6] A float mean of equal values can exceed them; the exact one does not."""
    omegas = [0.1] * 3
    assert sum(omegas) / 3 > 0.1
    assert msq.assign_k(omegas) == [1, 1, 1]
    with pytest.raises(ValueError, match="omegas is empty"):
        msq.assign_k([])
    with pytest.raises(ValueError, match=r"omegas\[1\]"):
        msq.assign_k([1.0, math.nan])


def test_sensitivity_is_trace_times_distance():
    """[S5.5] Sign included."""
    a, b = np.array([3.0, 0.0]), np.array([0.0, 4.0])
    assert msq.sensitivity(-2.0, a, b) == -10.0
    for bad in (np.ones(3), np.ones(2, np.float32)):
        with pytest.raises((ValueError, TypeError), match="weights has"):
            msq.sensitivity(1.0, a, bad)
    with pytest.raises(ValueError, match="trace"):
        msq.sensitivity(math.inf, a, b)
    with pytest.raises(TypeError, match="trace"):
        msq.sensitivity("1", a, b)


def transcription(bits, betas, ks, sizes, alpha, target, n_min):
    """[S6.1] [S6.2] as written, with its own arithmetic."""
    bits = list(bits)
    for layer in range(len(bits)):
        stored = sum(n * size for n, size in zip(bits, sizes, strict=True))
        if not math.isinf(target) and 32 * sum(sizes) >= Fraction(target) * stored:
            return bits
        if betas[layer] < alpha:
            bits[layer] = max(bits[layer] - ks[layer], n_min)
    return bits


@given(st.data())
def test_a_round_of_pruning(data):
    """[S6.1] [S6.2]"""
    n_min = data.draw(st.integers(1, 3))
    count = data.draw(st.integers(1, 6))
    draw = lambda each: data.draw(st.lists(each, min_size=count, max_size=count))  # noqa: E731
    bits, ks = draw(st.integers(n_min, 16)), draw(st.integers(0, 4))
    betas, sizes = draw(st.floats(0, 1)), draw(st.integers(1, 1000))
    alpha = data.draw(st.sampled_from([0.1, 0.3, 1.0, betas[0]]))
    target = data.draw(st.sampled_from([1.0, 4.0, 7.5, 10.0, 32.0, math.inf]))
    expected = transcription(bits, betas, ks, sizes, alpha, target, n_min)
    given_bits = list(bits)
    assert msq.prune_step(bits, betas, ks, sizes, alpha, target, n_min) == expected
    assert msq.prune_step(bits, betas, ks, sizes, [alpha] * count, target, n_min) == expected
    assert bits == given_bits


def test_pruning_stops_in_the_middle_of_a_round():
    """[S6.2] The second layer reaches the target, the third keeps its bits."""
    assert msq.prune_step([8, 8, 8], [0, 0, 0], [2, 2, 2], [1, 1, 1], 0.3, 4.8, 1) == [6, 6, 8]
    assert msq.prune_step([8, 8], [0, 0], [2, 2], [1, 1], 0.3, 4, 1) == [8, 8]
    assert msq.prune_step([8], [0.3], [1], [1], 0.3, math.inf, 1) == [8]  # strictly below
    assert msq.prune_step([2], [0.0], [2], [1], 0.3, math.inf, 1) == [1]  # not below n_min


def test_bad_rounds():
    good = {
        "bits": [8], "betas": [0.1], "ks": [1], "sizes": [1], "alpha": 0.3, "target": 10,
        "n_min": 1,
    }  # fmt: skip
    for change in (
        {"bits": [0]}, {"bits": [8.0]}, {"betas": [math.nan]}, {"betas": [1.5]}, {"ks": [-1]},
        {"ks": [1.0]}, {"ks": []}, {"alpha": math.nan}, {"alpha": [0.1, 0.2]}, {"target": 0},
        {"target": math.nan}, {"n_min": 0}, {"betas": []}, {"sizes": [-1]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(change))):
            msq.prune_step(**(good | change))
    with pytest.raises(TypeError, match="alpha"):
        msq.prune_step(**(good | {"alpha": "0.3"}))
