"""Maxima of padded windows: padding never wins [S5.2] [S11.1]."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.nn import MaxPool2d
from tests.both import BACKENDS

# (images, size, stride, padding): the ResNet's own, an image smaller than the window, both edges.
POOLS = {
    "resnet": ((2, 7, 8, 3), 3, 2, 1),
    "one pixel": ((2, 1, 1, 2), 3, 2, 1),
    "two": ((1, 6, 5, 2), 2, 1, 1),
    "wide": ((2, 5, 4, 1), 5, 3, 2),
    "skips": ((1, 7, 7, 2), 2, 3, 1),
}
EVERY = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS.keys())


def by_loops(x, size, stride, padding):
    """The largest value of each window's part of the image and its first tap."""
    batch, height, width, channels = x.shape
    rows, cols = ((length + 2 * padding - size) // stride + 1 for length in (height, width))
    y = np.empty((batch, rows, cols, channels), x.dtype)
    where = np.empty(y.shape, np.int64)
    for b, p, q, c in np.ndindex(*y.shape):
        best = None
        for tap in range(size * size):
            i, j = p * stride + tap // size - padding, q * stride + tap % size - padding
            inside = 0 <= i < height and 0 <= j < width
            if inside and (best is None or x[b, i, j, c] > best):
                best, where[b, p, q, c] = x[b, i, j, c], tap
        y[b, p, q, c] = best
    return y, where


@BACKENDS
@EVERY
@pytest.mark.parametrize("sign", [-1, 1])
def test_padded_maxima_are_their_definition(backend, pool, sign):
    """[S11.1] Negative images too, where a padding of 0 would win."""
    shape, size, stride, padding = pool
    x = sign * (1 + np.random.default_rng(0).random(shape))
    y, where = backend.maxpool2d(x, size, stride, padding)
    theirs, taps = by_loops(x, size, stride, padding)
    np.testing.assert_array_equal(y, theirs, strict=True)
    np.testing.assert_array_equal(where, taps, strict=True)
    np.testing.assert_array_equal(backend.maxpool2d_take(x, where, size, stride, padding), y)


@BACKENDS
@EVERY
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padded_maxima_against_pytorch(backend, pool, dtype, ties):
    """[S5.2] Results and gradients, bit for bit where one term arrives."""
    torch = pytest.importorskip("torch")
    shape, size, stride, padding = pool
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    x = np.rint(x) if ties else x
    y, where = backend.maxpool2d(x, size, stride, padding)
    grad = np.random.default_rng(2).integers(-9, 9, y.shape).astype(dtype)
    ours = backend.maxpool2d_backward(grad, where, x, size, stride, padding)
    their_x = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    their_y = torch.nn.functional.max_pool2d(their_x, size, stride, padding)
    their_y.backward(torch.tensor(np.moveaxis(grad, -1, 1).copy()))
    np.testing.assert_array_equal(y, np.moveaxis(their_y.detach().numpy(), 1, -1))
    # Gradients are small integers: every order of their sum is exact.
    np.testing.assert_array_equal(ours, np.moveaxis(their_x.grad.numpy(), 1, -1))
    assert y.dtype == ours.dtype == dtype


@BACKENDS
@pytest.mark.parametrize("worst", [-np.inf, np.finfo(np.float64).min])
def test_padding_loses_even_to_minus_infinity(backend, worst):
    """[S5.2] The gradient goes to the image, whatever is in it."""
    x = np.full((1, 2, 2, 1), worst)
    y, where = backend.maxpool2d(x, 3, 2, 1)
    assert (y.ravel().tolist(), where.ravel().tolist()) == ([worst], [4])
    grad = np.full((1, 1, 1, 1), 5.0)
    grad_x = backend.maxpool2d_backward(grad, where, x, 3, 2, 1)
    assert grad_x.ravel().tolist() == [5, 0, 0, 0]


@BACKENDS
def test_nan_propagates(backend):
    """[S11.1] A window with NaN gives NaN; its gradient goes to the first."""
    x = np.array([1.0, np.nan, np.nan, 9.0]).reshape(1, 2, 2, 1)
    y, where = backend.maxpool2d(x, 3, 1, 1)
    assert np.isnan(y).all()
    assert where.ravel().tolist() == [5, 4, 2, 1]


@BACKENDS
def test_taps_in_the_padding_take_nothing(backend):
    """[S5.2] Not from `maxpool2d`, but legal: 0, and no gradient."""
    x, where = np.ones((1, 2, 2, 1)), np.zeros((1, 1, 1, 1), int)
    assert backend.maxpool2d_take(x, where, 3, 2, 1).item() == 0
    assert not backend.maxpool2d_backward(np.ones((1, 1, 1, 1)), where, x, 3, 2, 1).any()


@given(
    size=st.integers(1, 4), stride=st.integers(1, 3), data=st.data(),
    seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_twins_agree(size, stride, data, seed, dtype):
    """[S5.2] Bit for bit, with ties; and the gradient is the transpose of the tangent."""
    padding = data.draw(st.integers(0, size // 2))
    height, width = (data.draw(st.integers(max(1, size - 2 * padding), 6)) for _ in range(2))
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 2, (2, height, width, 2)).astype(dtype)
    y, where = reference.maxpool2d(x, size, stride, padding)
    for ours, theirs in zip(kernels.maxpool2d(x, size, stride, padding), (y, where), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    grad, x_dot = rng.integers(-9, 9, y.shape).astype(dtype), rng.integers(-9, 9, x.shape)
    sizes = size, stride, padding
    grads = [b.maxpool2d_backward(grad, where, x, *sizes) for b in (reference, kernels)]
    dots = [b.maxpool2d_take(x_dot.astype(dtype), where, *sizes) for b in (reference, kernels)]
    np.testing.assert_array_equal(*grads)
    np.testing.assert_array_equal(*dots)
    assert (grads[0] * x_dot).sum() == (grad * dots[0]).sum()


@pytest.mark.parametrize("padding", [-1, 2, 0.5, True])
def test_the_layer_refuses_other_paddings(padding):
    """At most half the window: else a window could have nothing of the image."""
    with pytest.raises(ValueError, match=rf"^padding = {padding}: expected .* \[0, 1\]"):
        MaxPool2d(3, 2, padding=padding, backend=reference)
