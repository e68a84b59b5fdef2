"""Weights to the unit interval, and the derivative against central differences and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as msq

PAIRS = [
    (msq.normalize, msq.normalize_backward),
    (msq.normalize_signed, msq.normalize_signed_backward),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_result_is_the_formula_within_the_unit_interval(dtype, data):
    """[S1.1] [S1.4]"""
    width = np.dtype(dtype).itemsize * 8
    w = data.draw(hnp.arrays(dtype, hnp.array_shapes(), elements=st.floats(-50, 50, width=width)))
    u = msq.normalize(w)
    magnitude = msq.normalize_signed(w)
    for result in (u, magnitude):
        assert result.dtype == dtype
        assert result.shape == w.shape
        assert result.min() >= 0
        assert result.max() <= 1
    wide = np.tanh(w.astype(np.longdouble))
    if np.any(w):
        # Where |tanh| is subnormal its own spacing is the error; nothing finer exists.
        exact = wide / (2 * np.abs(wide).max()) + 0.5
        if np.abs(w).max() > np.finfo(dtype).tiny * 4:
            assert np.abs(u - exact).max() <= 2 * np.finfo(dtype).eps
        assert np.abs(u - 0.5).max() == 0.5
        assert magnitude.max() == 1
    else:
        assert (u == 0.5).all()
        assert (magnitude == 0).all()


def difference(call, w, direction, step):
    return (call(w + step * direction) - call(w - step * direction)) / (2 * step)


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
@pytest.mark.parametrize("seed", range(5))
def test_backward_is_the_derivative_of_the_whole_expression(forward, backward, seed):
    """[S1.3] [S1.4] Every component, the one at the maximum included."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(0.2, 1, 12) * rng.choice([-1, 1], 12)
    w[rng.integers(12)] = 1.5  # a clear maximum
    grad_u = rng.standard_normal(12)
    for i in range(12):
        direction = np.eye(12)[i]
        slope = np.sum(grad_u * difference(forward, w, direction, 1e-6))
        assert backward(grad_u, w)[i] == pytest.approx(slope, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_maximum_held_constant_is_an_option(forward, backward):
    """[S1.3] Without the maximum's share every element sees its own slope only."""
    w = np.array([0.5, -2.0, 1.0])
    own = backward(np.ones(3), w, max_gradient=False)
    if forward is msq.normalize:
        expected = (1 - np.tanh(w) ** 2) / (2 * np.tanh(2.0))
    else:
        expected = np.sign(w) / 2
    assert own == pytest.approx(expected, rel=1e-14)
    assert backward(np.ones(3), w)[1] != own[1]


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_tied_maxima_share_equally(forward, backward):
    """[S1.3]"""
    w = np.array([1.0, -1.0, 0.25, 1.0])
    grad = backward(np.array([0.0, 0, 1, 0]), w)
    assert grad[0] == grad[3] == -grad[1]
    alone = backward(np.array([0.0, 1]), np.array([1.0, 0.25]))
    assert grad[0] == pytest.approx(alone[0] / 3, rel=1e-14)


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
@pytest.mark.parametrize("size", range(2, 40))
def test_equal_weights_tie_in_every_lane(forward, backward, size):
    """[S1.3] NumPy's tanh(8.0) differs between the body of a vector loop and its tail."""
    w = np.zeros(size)
    w[-2:] = 8.0
    grad_u = np.zeros(size)
    grad_u[-1] = 1.0
    grad = backward(grad_u, w)
    assert grad[-1] == -grad[-2] > 0


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_agrees_with_autograd(forward, backward, dtype):
    """[S1.3] Class: maximum error at most 16 eps times the largest gradient."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    for size in (1, 7, 10_000):
        w = rng.standard_normal(size).astype(dtype)
        grad_u = rng.standard_normal(size).astype(dtype)
        leaf = torch.tensor(w.astype(np.float64), requires_grad=True)
        if forward is msq.normalize:
            t = torch.tanh(leaf)
            u = t / (2 * t.abs().max()) + 0.5
        else:
            u = leaf.abs() / leaf.abs().max()
        u.backward(torch.tensor(grad_u.astype(np.float64)))
        expected = leaf.grad.numpy()
        bound = 16 * np.finfo(dtype).eps * np.abs(expected).max()
        ours = backward(grad_u, w)
        assert ours.dtype == dtype
        # A single weight is its own maximum: its gradient is 0, up to float64 rounding there.
        assert np.abs(ours - expected).max() <= max(bound, 1e-15)


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_no_weight_no_gradient(forward, backward):
    """[S1.3] [S1.4] m = 0, and a zero weight in the signed domain."""
    assert (backward(np.ones(3), np.zeros(3)) == 0).all()
    assert msq.normalize_signed_backward(np.ones(3), np.array([1.0, 0, 2]))[1] == 0


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_extreme_weights_keep_their_meaning(forward, backward):
    """[S0.3] Subnormal and huge weights."""
    tiny = np.array([5e-324, -5e-324, 0.0])
    assert set(forward(tiny).tolist()) <= {0.0, 0.5, 1.0}
    backward(np.ones(3), tiny)  # an infinite slope, without a warning
    huge = np.array([3e38, -1e38], dtype=np.float32)
    assert np.isfinite(forward(huge)).all()
    assert np.isfinite(backward(np.ones(2, np.float32), huge)).all()


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_bad_input(forward, backward):
    """[S0.3] [S1.1]"""
    good = np.ones(3)
    for bad in (np.array([]), np.array([np.nan]), np.array([np.inf, 1])):
        with pytest.raises(ValueError, match=r"^w "):
            forward(bad)
        with pytest.raises(ValueError, match=r"^w "):
            backward(bad, bad)
    with pytest.raises(TypeError, match=r"^w "):
        forward(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"^grad_u has shape"):
        backward(np.ones(2), good)
    with pytest.raises(TypeError, match=r"^grad_u has dtype"):
        backward(np.ones(3, np.float32), good)
    with pytest.raises(ValueError, match=r"^grad_u contains"):
        backward(np.array([1, np.nan, 1]), good)
