"""The shortcut of option A: subsampling and channels of zeros."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from tests.both import BACKENDS


@BACKENDS
def test_by_hand(backend):
    """Rows and columns 0 and 2 of three; one channel becomes the second of four."""
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    y = backend.pad_shortcut(x, 2, 4)
    assert y[..., 1].tolist() == [[[0, 2], [6, 8]]]
    assert not y[..., [0, 2, 3]].any()
    grad = np.arange(16.0).reshape(1, 2, 2, 4)
    grad_x = backend.pad_shortcut_backward(grad, x, 2, 4)[0, ..., 0]
    assert grad_x.tolist() == [[1, 0, 5], [0, 0, 0], [9, 0, 13]]


@given(
    shape=st.tuples(*[st.integers(1, 5)] * 4), stride=st.integers(1, 4), new=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_any_size(shape, stride, new, seed, dtype):
    """The equation, element by element; the gradient is the transpose."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 9, shape).astype(dtype)
    channels = shape[3] + new
    y = reference.pad_shortcut(x, stride, channels)
    batch, height, width, _ = shape
    assert y.shape == (batch, -(-height // stride), -(-width // stride), channels)
    for b, p, q, c in np.ndindex(*y.shape):
        source = c - new // 2
        inside = 0 <= source < shape[3]
        assert y[b, p, q, c] == (x[b, p * stride, q * stride, source] if inside else 0)
    grad = rng.integers(-9, 9, y.shape).astype(dtype)
    grad_x = reference.pad_shortcut_backward(grad, x, stride, channels)
    assert (grad_x.shape, grad_x.dtype, y.dtype) == (x.shape, dtype, dtype)
    assert (grad_x * x).sum() == (grad * y).sum()
