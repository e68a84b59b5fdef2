"""Checks of single values: what passes, and what an error says."""

import math
from fractions import Fraction

import numpy as np
import pytest

from msq_ref import checks


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_integers(value):
    """[S0.2] Of Python and of NumPy."""
    result = checks.integer("n", value, 1, 3)
    assert (type(result), result) == (int, 3)


@pytest.mark.parametrize(
    "value",
    [True, np.True_, np.array(True), 3.0, np.float64(3), "3", None, np.array([3]), 0, 4, 10**30],
)
def test_no_integers(value):
    """[S0.2] Booleans and floats are not integers."""
    with pytest.raises(ValueError, match=r"^n = .*: expected an integer in \[1, 3\]$"):
        checks.integer("n", value, 1, 3)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), np.array(1.0), Fraction(1)])
def test_reals(value):
    """[S0.3]"""
    result = checks.real("x", value, 0, 1)
    assert (type(result), result) == (float, 1.0)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, TypeError), (np.True_, TypeError), (np.array(True), TypeError), ("1", TypeError),
        (np.array("1"), TypeError), (b"1", TypeError), (1j, TypeError), (np.array(1j), TypeError),
        (None, TypeError), ([1.0], TypeError), (np.array([1.0, 2.0]), TypeError),
        (-1e-300, ValueError), (1.5, ValueError), (math.nan, ValueError), (math.inf, ValueError),
        (np.array(np.nan), ValueError), (10**400, ValueError),
    ],
)  # fmt: skip
def test_no_reals(value, error):
    """[S0.3]"""
    with pytest.raises(error, match=r"^x = .*: expected a real number in \[0, 1\]$"):
        checks.real("x", value, 0, 1)


def test_open_and_infinite_ranges():
    """[S0.3]"""
    with pytest.raises(ValueError, match=r"in \(0, inf\]"):
        checks.real("x", 0.0, 0, open_low=True)
    with pytest.raises(ValueError, match="x = inf"):
        checks.real("x", math.inf, 0)
    assert checks.real("x", math.inf, 0, allow_infinite=True) == math.inf


def test_long_values_are_cut():
    """An error is one line, whatever was given."""
    with pytest.raises(ValueError, match="n = ") as caught:
        checks.integer("n", "x" * 10_000)
    assert len(str(caught.value)) < 150
