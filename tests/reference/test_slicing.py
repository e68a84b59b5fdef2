"""Slicing, its regularizer and its rate, against rational arithmetic and by their identities."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as msq

SLICES = [(bits, k) for bits in range(2, 9) for k in range(1, bits)]
units = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, min_side=0), elements=st.floats(0, 1)
)
widths = st.integers(2, 16).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1)))


def exact_code(u, bits):
    return min(round(Fraction(float(u)) * 2**bits), 2**bits - 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("bits", "k"), SLICES)
def test_everything_on_every_edge(edge_grid, bits, k, dtype):
    """[S3.1] [S3.2] [S3.4] [S4.1] [S4.2] Exhaustive for n <= 8."""
    u = edge_grid(bits, dtype)
    expected = [exact_code(v, bits) - 2**k * exact_code(v, bits - k) for v in u]
    low = msq.lsb(u, bits, k)
    assert low.dtype == np.int32
    assert low.tolist() == expected
    total = sum(abs(b) for b in expected)
    assert msq.lsb_l1_codes(u, bits, k) == total
    assert msq.lsb_l1(u, bits, k) == float(Fraction(total, 2**bits))
    grad = msq.lsb_l1_grad(u, bits, k)
    assert grad.dtype == dtype
    assert grad.tolist() == [(b > 0) - (b < 0) for b in expected]
    nonzero = sum(b != 0 for b in expected)
    assert msq.lsb_nonzero_rate(u, bits, k) == nonzero / len(expected)
    together = msq.sliced(u, bits, k)
    assert together.q.tolist() == msq.dequantize(msq.roundclamp(u, bits), bits, dtype).tolist()
    assert together.lsb_grad.tolist() == grad.tolist()
    assert (together.l1_codes, together.nonzero) == (total, nonzero)


@given(units, widths)
def test_range_and_recombination(u, width):
    """[S3.2]"""
    bits, k = width
    low, coarse = msq.lsb(u, bits, k), msq.roundclamp(u, bits - k)
    assert low.shape == u.shape
    assert np.array_equal(2**k * coarse + low, msq.roundclamp(u, bits))
    clamped = np.rint(2.0 ** (bits - k) * u) > 2 ** (bits - k) - 1
    assert (low >= -(2 ** (k - 1))).all()
    assert (low[~clamped] <= 2 ** (k - 1)).all()
    assert (low[clamped] <= 2**k - 1).all()


@pytest.mark.parametrize(("bits", "k"), SLICES)
def test_low_bits_are_zero_on_the_coarse_grid(bits, k):
    """[S2.5]"""
    grid = np.arange(2 ** (bits - k)) / 2 ** (bits - k)
    assert (msq.lsb(grid, bits, k) == 0).all()


@given(units, widths)
def test_gradient_points_to_the_nearest_coarse_point(u, width):
    """[S2.5] [S4.2] Descent moves a weight towards c_{n-k}(u) / 2^(n-k)."""
    bits, k = width
    grad = msq.lsb_l1_grad(u, bits, k)
    towards = msq.roundclamp(u, bits - k) / 2.0 ** (bits - k) - u
    moved = grad != 0
    assert (np.sign(towards)[moved] == -grad[moved]).all()


def test_gradient_through_both_terms_would_vanish():
    """[S4.2] Why the coarse code is held constant: 2^n du - 2^k 2^(n-k) du = 0."""
    for bits, k in SLICES:
        assert 2**bits - 2**k * 2 ** (bits - k) == 0


@pytest.mark.parametrize(
    "call",
    [msq.lsb, msq.lsb_l1, msq.lsb_l1_codes, msq.lsb_l1_grad, msq.lsb_nonzero_rate, msq.sliced],
)
def test_bad_slices(call):
    """[S0.2] [S3.4]"""
    u = np.array([0.5])
    for k in (0, 4, -1, True, 1.0, None):
        with pytest.raises(ValueError, match=r"^k "):
            call(u, 4, k)
    with pytest.raises(ValueError, match=r"^k "):
        call(u, 1, 1)
    with pytest.raises(ValueError, match=r"^bits "):
        call(u, 17, 1)
    with pytest.raises(ValueError, match=r"^u contains"):
        call(np.array([np.nan]), 4, 1)
    with pytest.raises(TypeError, match=r"^u has dtype"):
        call(np.array([1]), 4, 1)


def test_nothing_has_no_rate_but_a_sum():
    """[S0.3] [S3.4]"""
    empty = np.zeros((0, 3))
    assert msq.lsb(empty, 4, 1).shape == (0, 3)
    assert msq.lsb_l1(empty, 4, 1) == 0.0
    assert msq.lsb_l1_codes(empty, 4, 1) == 0
    assert msq.sliced(empty, 4, 1).nonzero == 0
    with pytest.raises(ValueError, match="u is empty"):
        msq.lsb_nonzero_rate(empty, 4, 1)
