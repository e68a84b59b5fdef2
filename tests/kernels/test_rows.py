"""Sums and the largest value of a row: in the order that is promised, of any length."""

import numpy as np
import pytest
from numba import njit

from msq_ref.kernels.rows import dot, largest, total
from msq_ref.kernels.tiles.vectors import BLOCK_BYTES

LENGTHS = [*range(1, 40), 63, 64, 65, 197]


@njit
def reduced(row, other):
    return total(row), dot(row, other), largest(row)


def in_order(values):
    """Lanes, then halves of them, then the rest, by NumPy."""
    lanes = BLOCK_BYTES // values.itemsize
    whole = values.size - values.size % lanes
    sums = np.zeros(lanes, values.dtype)
    for block in values[:whole].reshape(-1, lanes):
        sums += block
    while sums.size > 1:
        sums = sums[: sums.size // 2] + sums[sums.size // 2 :]
    (result,) = sums
    for value in values[whole:]:
        result += value
    return result


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order(dtype):
    """[S0.5] Bit for bit; products are rounded before they are added."""
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        a, b = (rng.standard_normal((2, length)) * 10).astype(dtype)
        assert reduced(a, b) == (in_order(a), in_order(a * b), a.max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_a_matrix(dtype):
    """A row begins anywhere; what lies beside it is not read into the result."""
    m = np.full((5, 37), 1e30, dtype)
    m[2] = np.arange(37) - 50
    assert reduced(m[2], m[2]) == (m[2].sum(), (m[2] * m[2]).sum(), -14)


@pytest.mark.parametrize("place", [0, 5, 16, 20, 36])
def test_numbers_that_are_none(place):
    """NaN anywhere makes sums NaN; infinities win, or meet their opposite."""
    row, ones = np.ones(37, np.float32), np.ones(37, np.float32)
    row[place] = np.nan
    assert np.isnan(reduced(row, ones)[:2]).all()
    row[place] = np.inf
    assert reduced(row, ones) == (np.inf, np.inf, np.inf)
    row[place - 1] = -np.inf
    assert np.isnan(reduced(row, ones)[:2]).all()
    row[:] = -np.inf
    assert reduced(row, ones) == (-np.inf, -np.inf, -np.inf)
