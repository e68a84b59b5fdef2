"""GELU, attention and layer normalization: the definition's values, whatever the threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from msq_ref import kernels, reference
from msq_ref.kernels import threads
from msq_ref.kernels.memory import Pool, use_pool
from msq_ref.kernels.threads import use_threads

BOUND = {np.float32: 1e-6, np.float64: 1e-14}
"""Relative error in the 2-norm, against the definition in float64 or more."""

ONE, MANY = (5, 7, 40), (64, 70, 64)
HEADS = {ONE: (5, 3, 7, 10), MANY: (64, 4, 17, 16)}


def normal(rng, shape, dtype, count):
    return list(rng.standard_normal((count, *shape)).astype(dtype))


def gelu_passes(backend, arrays):
    x, grad, grad_dot, x_dot = arrays
    return [
        backend.gelu(x), backend.gelu_backward(grad, x),
        backend.gelu_backward_tangent(grad, grad_dot, x, x_dot),
    ]  # fmt: skip


def layernorm_passes(backend, arrays, eps=1e-5):
    x, grad, grad_dot, x_dot = arrays
    gamma, beta = (1 + x.reshape(-1, x.shape[-1])[:2]) / 2
    return [
        backend.layernorm(x, gamma, beta, eps), *backend.layernorm_backward(grad, x, gamma, eps),
        backend.layernorm_tangent(x_dot, x, gamma, eps),
        backend.layernorm_backward_tangent(grad, grad_dot, x, x_dot, gamma, eps),
    ]  # fmt: skip


def attention_passes(backend, arrays, bias=None, mask=None, scale=0.3):
    q, k, v, grad, grad_dot, *dots = arrays
    y, p = backend.attention(q, k, v, scale, bias, mask)
    *grads, grad_s = backend.attention_backward(grad, q, k, v, p, scale)
    y_dot, p_rel = backend.attention_tangent(*dots, q, k, v, p, scale)
    grads_dot = backend.attention_backward_tangent(
        grad, grad_dot, grad_s, q, k, v, p, *dots, p_rel, scale
    )
    return [y, p, *grads, grad_s, y_dot, p_rel, *grads_dot]


PASSES = {
    "gelu": (gelu_passes, 4), "layernorm": (layernorm_passes, 4), "attention": (attention_passes, 8)
}  # fmt: skip


def make(name, size, dtype):
    passes, count = PASSES[name]
    shape = HEADS[size] if name == "attention" else size
    return passes, normal(np.random.default_rng(0), shape, dtype, count)


def close(ours, exact, bound):
    for mine, definition in zip(ours, exact, strict=True):
        assert mine.shape == definition.shape
        assert np.linalg.norm(mine - definition) <= bound * np.linalg.norm(definition)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [ONE, MANY])
@pytest.mark.parametrize("name", PASSES)
def test_values(name, size, dtype):
    """[S11.1], [S5.2] All passes, in the dtype of the input."""
    passes, arrays = make(name, size, dtype)
    ours = passes(kernels, arrays)
    assert {result.dtype for result in ours} == {np.dtype(dtype)}
    close(ours, passes(reference, [a.astype(np.float64) for a in arrays]), BOUND[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PASSES)
def test_same_bits_with_any_number_of_threads(name, dtype, monkeypatch):
    """[S0.5] And there are parts for several threads."""
    passes, arrays = make(name, MANY, dtype)
    spread, plain = [], threads._work_off
    monkeypatch.setattr(threads, "_work_off", lambda *a: (spread.append(1), plain(*a))[1])
    with threadpool_limits(1, user_api="blas"):
        with use_threads(1):
            alone = passes(kernels, arrays)
        assert not spread
        for count in (2, 4):
            with use_threads(count):
                ours = passes(kernels, arrays)
            assert [a.tobytes() for a in ours] == [a.tobytes() for a in alone]
            if count == 2:
                assert len(spread) >= 3


@pytest.mark.parametrize("name", PASSES)
def test_nothing_is_allocated_the_second_time(name):
    """Large results are taken from the pool."""
    passes, arrays = make(name, MANY, np.float32)
    pool = Pool()
    with use_pool(pool), use_threads(1):
        passes(kernels, arrays)
        first = pool.fresh
        passes(kernels, arrays)
    assert pool.fresh == first >= 3


@settings(max_examples=60)
@given(
    data=st.data(), heads=st.integers(1, 3), tokens=st.integers(1, 35), size=st.integers(1, 20),
    windows=st.integers(0, 2), biased=st.booleans(), batch=st.integers(0, 2),
)  # fmt: skip
def test_attention_of_any_size(data, heads, tokens, size, windows, biased, batch):
    """[S11.1] With a bias and a mask or without, from views as from copies."""
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    batch *= max(1, windows)
    side = normal(rng, (batch, tokens, heads, size), dtype, 8)
    views = [array.swapaxes(1, 2) for array in side]
    bias = normal(rng, (heads, tokens, tokens), dtype, 1)[0] if biased else None
    mask = np.where(rng.random((windows, tokens, tokens)) < 0.3, -100, 0).astype(dtype)
    offsets = bias, mask if windows else None
    ours = attention_passes(kernels, views, *offsets)
    assert all(array.flags.c_contiguous for array in ours)
    copies = attention_passes(kernels, [np.ascontiguousarray(a) for a in views], *offsets)
    close(ours, copies, BOUND[dtype])
    wide = [None if a is None else a.astype(np.float64) for a in (*views, *offsets)]
    exact = attention_passes(reference, wide[:8], *wide[8:])
    # Where one key has all the weight, what flows through the softmax is rounding alone.
    for mine, definition in zip(ours, exact, strict=True):
        np.testing.assert_allclose(mine, definition, rtol=0, atol=400 * np.finfo(dtype).eps)


@settings(max_examples=60)
@given(
    rows=st.integers(0, 300), features=st.integers(2, 70), mean=st.sampled_from([0.0, 20.0]),
    dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_normalization_of_any_size(rows, features, mean, dtype, seed):
    """[S11.1] No worse than the definition in the same precision, far from 0 too."""
    rng = np.random.default_rng(seed)
    x, grad = normal(rng, (rows, features), dtype, 2)
    x += dtype(mean)
    gamma, beta = normal(rng, (features,), dtype, 2)
    wide = [a.astype(np.longdouble) for a in (x, grad, gamma, beta)]
    centred = wide[0] - wide[0].mean(axis=1, keepdims=True)
    h = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + np.longdouble(1e-3))
    y = kernels.layernorm(x, gamma, beta, 1e-3)
    tiny = (40 + 8 * mean) * np.finfo(dtype).eps
    np.testing.assert_allclose(y, wide[2] * h + wide[3], rtol=0, atol=8 * tiny)
    _, grad_gamma, grad_beta = kernels.layernorm_backward(grad, x, gamma, 1e-3)
    size = tiny * (1 + rows)
    np.testing.assert_allclose(grad_gamma, (wide[1] * h).sum(axis=0), rtol=0, atol=8 * size)
    np.testing.assert_allclose(grad_beta, wide[1].sum(axis=0), rtol=0, atol=size)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", PASSES)
def test_numbers_that_are_none(name, value):
    """[S0.4] NaN appears where it does in the definition."""
    passes, arrays = make(name, ONE, np.float32)
    arrays[0].flat[13] = value
    with np.errstate(all="ignore"):
        ours, exact = passes(kernels, arrays), passes(reference, arrays)
    for mine, definition in zip(ours, exact, strict=True):
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(definition))
    assert any(np.isnan(mine).any() for mine in ours) or value == np.inf
