"""Normalization, its gradient, the update and the sensitivity: what is of floats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as reference

DTYPES = [np.float32, np.float64]
BACKWARD = ("normalize_backward", "normalize_signed_backward")


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=50)
@given(data=st.data())
def test_gradients_with_and_without_ties(both, dtype, data):
    """[S1.1] [S1.3] [S1.4] Exact ties or clear gaps: sixteenths are far apart even after tanh."""
    shape = data.draw(hnp.array_shapes(max_side=12))
    number = st.integers(-64, 64).map(lambda i: i / 16)
    w, g = (data.draw(hnp.arrays(dtype, shape, elements=number)) for _ in range(2))
    both("normalize", w)
    both("normalize_signed", w)
    for name in BACKWARD:
        both(name, g, w)
        both(name, g, w, max_gradient=False)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_weights_tie_and_the_gradient_vanishes(both, dtype):
    """[S1.3] Where the maximum takes back all the gradient, nothing of it is left."""
    for size in (1, 3, 64, 1000):
        w = np.full(size, 0.7, dtype)
        w[::3] *= -1
        pull = np.sign(w)
        for name, grad in zip(BACKWARD, (pull, np.ones_like(w)), strict=True):
            assert not both(name, grad, w).any()
            # A sum of tenths rounds, and what is left is the rounding of [S0.5]'s order.
            both(name, grad * dtype(0.1), w)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_where_all_weights_are_far_out(both, dtype):
    """[S1.3] The largest gradient is tiny then, and so is the error allowed."""
    rng = np.random.default_rng(9)
    w = rng.integers(16, 32, 200) / 4 * rng.choice([-1, 1], 200)
    g = rng.standard_normal(200)
    both("normalize_backward", g.astype(dtype), w.astype(dtype))
    both("normalize_backward", g.astype(dtype), w.astype(dtype), max_gradient=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("magnitude", [1e-30, 1e-3, 1.0, 12.0, 30.0, 400.0])
def test_gradients_at_every_magnitude(both, dtype, magnitude):
    """[S1.3] Also far out, where the slope of tanh is below eps and 1 - t^2 would be nothing."""
    rng = np.random.default_rng(2)
    w = (rng.integers(-8, 9, (40, 30)) / 8 * magnitude).astype(dtype)
    g = rng.standard_normal(w.shape).astype(dtype)
    for name in BACKWARD:
        for flag in (True, False):
            both(name, g, w, flag)
            both(name, g, np.zeros_like(w), flag)
    both("normalize", w)
    both("normalize_signed", w)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_exactly_zero_weight_gets_no_gradient(backend, dtype):
    """[S1.4] sign(0) = 0, although |w| has slopes there."""
    w = np.array([0.0, -0.0, 0.5, -1.0], dtype)
    grad = backend.normalize_signed_backward(np.ones_like(w), w)
    assert not grad[:2].any()
    assert grad[2] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_signed_normalization_divides(both, dtype):
    """[S1.4] One correctly rounded division, not a product with the reciprocal."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        both("normalize_signed", rng.standard_normal(4000).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_divide(both, dtype):
    """[S8.1] One correctly rounded division; every tie, and quotients beyond the dtype."""
    rng = np.random.default_rng(4)
    x = (rng.standard_normal(4000) * 50).astype(dtype)
    halves = np.arange(-600, 600).astype(dtype) / 2
    huge = np.array([np.finfo(dtype).max, np.finfo(dtype).min, 0, -0.0], dtype)
    for bits in range(1, 17):
        for signed in (False, True):
            both("activation_codes", x, 0.1 + bits / 7, bits, signed)
            both("activation_codes", halves, 1.0, bits, signed)
            both("activation_codes", halves * dtype(0.3), 0.3, bits, signed)
            both("activation_codes", huge, 1e-5, bits, signed)


@pytest.mark.parametrize("dtype", DTYPES)
def test_updates_round_every_operation(both, dtype):
    """[S12.1] No fused multiply-add: on so many values one would show thousands of times."""
    rng = np.random.default_rng(5)
    for size, rates in ((200_000, (0.1, 0.9, 1e-2)), (1, (0.3, 0.7, 0.1)), (37, (1.0, 0.0, 0.0))):
        w, g, v = (rng.standard_normal(size).astype(dtype) for _ in range(3))
        both("sgd_step", w, g, v, *rates)


def test_a_fused_update_would_be_seen():
    """[S12.1] The data above tell the two apart: a float32 update with one rounding a step."""
    rng = np.random.default_rng(5)
    w, g, v = (rng.standard_normal(200_000).astype(np.float32) for _ in range(3))
    expected, _ = reference.sgd_step(w, g, v, 0.1, 0.9, 1e-2)
    wide, (rate, mu, decay) = np.float64, (np.float32(x).astype(float) for x in (0.1, 0.9, 1e-2))
    fused = (g + decay * w.astype(wide)).astype(np.float32)
    fused = (mu * v.astype(wide) + fused).astype(np.float32)
    fused = (w - rate * fused.astype(wide)).astype(np.float32)
    assert np.sum(fused != expected) > 1000


def test_an_update_that_overflows_is_left_to_ieee(both):
    """[S12.1]"""
    big = np.full(3, 3e38, np.float32)
    with np.errstate(all="ignore"):
        new, velocity = both("sgd_step", big, big, big, 10.0, 0.9, 1.0)
    assert np.isinf(velocity).all()
    assert np.isinf(new).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [0, 1, 31, 33, 8191, 8192, 8193, 40_000])
def test_sensitivity_adds_in_one_order(both, size, dtype):
    """[S5.5] [S0.5]"""
    rng = np.random.default_rng(size)
    a, b = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    both("sensitivity", 1.25, a, b)
    both("sensitivity", -3.0, a[::-1], b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_numbers(backend, both, dtype):
    """[S0.3] To the bit; a backend that flushes them may be wrong only where they come in."""
    tiny = np.finfo(dtype).smallest_normal
    rng = np.random.default_rng(6)
    w = ((rng.random(2000) - 0.5) * tiny * 8).astype(dtype)
    w[0] = np.finfo(dtype).smallest_subnormal
    one, signs = np.abs(w) / np.abs(w).max(), np.sign(w)
    calls = [
        ("normalize_signed", w), ("effective_signed", one, signs, float(tiny)),
        ("sgd_step", w, w[::-1].copy(), w, 0.5, 0.5, 0.25), ("activation_codes", w, tiny, 8, True),
        ("roundclamp", np.abs(w), 16), ("effective", np.abs(w), 1.0),
        ("lsb_l1_grad", np.abs(w), 8, 3),
    ]  # fmt: skip
    for name, *arguments in calls:
        if not getattr(backend, "flushes_subnormals", False):
            both(name, *arguments)
            continue
        expected, got = (getattr(m, name)(*arguments) for m in (reference, backend))
        if isinstance(expected, tuple):
            continue  # products of the update are subnormal everywhere here
        arrays = [a for a in (*arguments, expected) if isinstance(a, np.ndarray)]
        normal = np.all([(a == 0) | (np.abs(a) >= tiny) for a in arrays], axis=0)
        assert normal.any()
        assert np.array_equal(got[normal], expected[normal])
