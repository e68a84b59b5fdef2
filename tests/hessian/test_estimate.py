"""Estimates and their intervals [S5.4]."""

import math

import numpy as np
import pytest
from scipy import stats

from msq_ref.hessian import TraceEstimate
from msq_ref.hessian.estimate import LEAST_SAMPLES, estimate, precise


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("count", [4, 16, 500])
def test_the_interval_of_even_samples_is_students(confidence, count):
    """[S5.4] What SciPy gives from the samples themselves, a known part added."""
    half = np.random.default_rng(count).standard_normal(count // 2)
    values = np.concatenate([half, -half])
    found = estimate(list(values), count, float, known=[1.0, 2.0])
    theirs = stats.t.interval(confidence, count - 1, 3, stats.sem(values))
    assert found.interval(confidence) == pytest.approx(theirs, rel=1e-9)
    assert found.trace == pytest.approx(3, rel=1e-12)
    assert found.skewness == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_interval_of_skewed_samples_is_halls(mirrored):
    """[S5.4] Its ends, put into the cubic, are Student's quantiles; it leans like the samples."""
    values = np.random.default_rng(0).chisquare(1, 20) * (-1 if mirrored else 1)
    found = estimate(list(values), 20, float)
    assert found.skewness == pytest.approx(stats.skew(values, bias=False), rel=1e-9)
    low, high = found.interval(0.9)
    a = found.skewness / np.sqrt(20)
    for end, quantile in ((low, 0.95), (high, 0.05)):
        t = (found.trace - end) / found.standard_error
        moved = t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6
        assert moved == pytest.approx(stats.t.ppf(quantile, 19), rel=1e-9)
    below, above = found.trace - low, high - found.trace
    assert (below > 1.2 * above) if mirrored else (above > 1.2 * below)


def test_wider_where_more_confident():
    found = estimate(list(np.random.default_rng(0).chisquare(1, 16)), 16, float)
    ends = np.array([found.interval(share) for share in (0.5, 0.8, 0.95, 0.99)])
    assert (np.diff(ends[:, 0]) < 0).all()
    assert (np.diff(ends[:, 1]) > 0).all()
    assert found.interval() == found.interval(0.95)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_samples_and_one(dtype):
    """[S5.4] What was added up is certain to rounding; one sample says nothing of its spread."""
    rounding = 8 * np.finfo(dtype).eps
    assert estimate([], 12, dtype, known=[-3.0, 1.0]) == TraceEstimate(-2.0, 4 * rounding, 0, 12)
    assert TraceEstimate(-2.0, 0.5, 0, 12).interval() == (-2.5, -1.5)
    assert estimate([4.0], 1, dtype) == TraceEstimate(4.0, math.inf, 1, 1)
    assert estimate([4.0], 1, dtype).interval() == (-math.inf, math.inf)
    assert estimate([4.0, 4.0], 2, dtype) == TraceEstimate(4.0, 4 * rounding, 2, 2)
    assert estimate([0.0, 0.0], 2, dtype).interval() == (0.0, 0.0)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 1.5, np.nan])
def test_confidences_that_are_none(confidence):
    with pytest.raises(ValueError, match="confidence = "):
        TraceEstimate(1.0, 0.5, 10, 10).interval(confidence)


def test_precise_needs_samples_and_a_rule():
    """[S5.4] Whatever the standard error: not before the least number of samples."""
    count = LEAST_SAMPLES
    assert precise(TraceEstimate(-10.0, 1.0, count, count), 0.1), "of the magnitude"
    assert not precise(TraceEstimate(10.0, 1.1, count, count), 0.1)
    assert not precise(TraceEstimate(10.0, 0.0, count - 1, count), 0.1)
    assert not precise(TraceEstimate(10.0, 0.0, count, count), 0.0)
