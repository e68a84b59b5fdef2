"""The Pareto front, beside its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwsim.sweep import pareto_front


def by_definition(values):
    """Every point with every other one."""

    def beats(a, b):
        return all(x <= y for x, y in zip(a, b, strict=True)) and any(
            x < y for x, y in zip(a, b, strict=True)
        )

    return [
        not any(np.isnan(x) for x in b) and not any(beats(a, b) for a in values) for b in values
    ]


VALUES = st.sampled_from([-np.inf, -1.0, 0.0, -0.0, 1.0, 2.0, 3.0, np.inf, np.nan])


@given(
    st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=VALUES)
    )
)
def test_definition(values):
    """With ties, infinities and NaNs."""
    assert pareto_front(values).tolist() == by_definition(values.tolist())


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_many_points(columns):
    values = np.random.default_rng(columns).integers(0, 40, (400, columns))
    assert pareto_front(values).tolist() == by_definition(values.tolist())


def test_what_it_says():
    """The example, and equals: all of them or none."""
    assert pareto_front([[1, 4], [2, 2], [2, 3], [4, 1]]).tolist() == [True, True, False, True]
    assert pareto_front([[1, 1], [1, 1], [2, 2], [2, 2]]).tolist() == [True, True, False, False]
    assert pareto_front([[np.nan, 0], [1, 1]]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1, 2], ValueError, r"values of shape \(2,\)"),
        (np.zeros((3, 0)), ValueError, r"values of shape \(3, 0\)"),
        ([["a"]], TypeError, "expected real numbers"),
        ([[1j]], TypeError, "expected real numbers"),
    ],
)
def test_refused(values, error, message):
    with pytest.raises(error, match=message):
        pareto_front(values)
