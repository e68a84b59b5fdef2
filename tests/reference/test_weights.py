"""A signed layer's weights in a step: the composition of the definitions, bit by bit [S1.4]."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.kernels.threads import use_threads
from tests.both import BACKENDS


def draw(size, dtype, seed):
    rng = np.random.default_rng(seed)
    w = (rng.standard_normal(size) * 10.0 ** rng.integers(-4, 4)).astype(dtype)
    w[rng.integers(0, size, size // 7)] = 0
    largest = np.abs(w).max()
    w[rng.integers(0, size, 1 + size // 500)] = -largest  # ties
    return w, rng.standard_normal(size).astype(dtype)


@given(
    size=st.integers(1, 60) | st.sampled_from([8191, 8192, 8193, 70_000]),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64]),
    bits=st.integers(2, 16),
    data=st.data(),
)
def test_twins_are_bit_identical(size, seed, dtype, bits, data):
    """[S1.4] [S2.1] [S2.3] [S4.2] [S4.3] The weights, the regularizer, and the gradient back."""
    w, grad = draw(size, dtype, seed)
    k = data.draw(st.integers(1, bits - 1))
    ours, theirs = (b.sliced_signed(w, bits, k, 0.7) for b in (kernels, reference))
    assert ours.weights.tobytes() == theirs.weights.tobytes()
    assert ours.lsb_grad.tobytes() == theirs.lsb_grad.tobytes()
    assert ours[2:] == theirs[2:]
    back = [
        b.sliced_signed_backward(grad, w, ours.lsb_grad, 0.7, 0.3) for b in (kernels, reference)
    ]
    assert back[0].tobytes() == back[1].tobytes()
    assert back[0].dtype == dtype


@BACKENDS
def test_a_composition(backend):
    """[S1.4] Of the operations by name."""
    w, grad = draw(500, np.float64, 1)
    u, signs = backend.normalize_signed(w), np.sign(w)
    part = backend.sliced_signed(w, 5, 2, 1.5)
    q = backend.dequantize(backend.roundclamp(u, 5), 5, np.float64)
    np.testing.assert_array_equal(part.weights, backend.effective_signed(q, signs, 1.5))
    np.testing.assert_array_equal(part.lsb_grad, backend.lsb_l1_grad(u, 5, 2))
    assert part.l1_codes == backend.lsb_l1_codes(u, 5, 2)
    assert part.nonzero == np.count_nonzero(backend.lsb(u, 5, 2))
    grad_u = grad * signs * 1.5 + 0.25 * part.lsb_grad
    np.testing.assert_array_equal(
        backend.sliced_signed_backward(grad, w, part.lsb_grad, 1.5, 0.25),
        backend.normalize_signed_backward(grad_u, w),
    )


@BACKENDS
def test_zeros(backend):
    """[S1.4] All weights 0: codes and gradients 0."""
    zero = np.zeros(5, np.float32)
    part = backend.sliced_signed(zero, 4, 1, 1.0)
    assert not part.weights.any()
    assert part[2:] == (0, 0)
    assert not backend.sliced_signed_backward(zero + 1, zero, zero, 1.0, 0.5).any()


@BACKENDS
def test_bad_arguments_are_named(backend):
    """[S0.2] [S0.3] Values, shapes, dtypes and widths."""
    w, good = np.array([1.0, np.nan]), np.ones(2)
    for call, match in [
        (lambda: backend.sliced_signed(w, 4, 1, 1.0), r"^w contains nan"),
        (lambda: backend.sliced_signed(-np.inf * good, 4, 1, 1.0), r"^w contains -inf"),
        (lambda: backend.sliced_signed(np.ones(0), 4, 1, 1.0), r"^w is empty"),
        (lambda: backend.sliced_signed(good, 4, 4, 1.0), r"k = 4"),
        (lambda: backend.sliced_signed(good, 4, 1, 0.0), r"^scale = 0"),
        (lambda: backend.sliced_signed_backward(w, good, good, 1.0, 1.0), r"contains nan"),
        (lambda: backend.sliced_signed_backward(good, w, good, 1.0, 1.0), r"^w contains nan"),
        (lambda: backend.sliced_signed_backward(np.ones(3), good, good, 1.0, 1.0), r"has shape"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(TypeError, match="dtype"):
        backend.sliced_signed(np.ones(2, int), 4, 1, 1.0)
    with pytest.raises(TypeError, match="dtype"):
        backend.sliced_signed_backward(np.ones(2, np.float32), good, good, 1.0, 1.0)


def test_threads_do_not_change_the_bits():
    """[S0.5] 1, 2 and 4."""
    w, grad = draw(300_000, np.float32, 0)
    found = []
    for threads in (1, 2, 4):
        with use_threads(threads):
            part = kernels.sliced_signed(w, 7, 1, 1.0)
            back = kernels.sliced_signed_backward(grad, w, part.lsb_grad, 1.0, 1e-3)
        found.append((part.weights.tobytes(), part[2:], back.tobytes()))
    assert found[0] == found[1] == found[2]
