"""Layer normalization, GELU and attention: derivatives, tangents, invariances [S11.1], [S5.2]."""

import math

import numpy as np
import pytest

from tests.both import BACKENDS
from tests.nn.networks import relative_error
from tests.reference.tensors import normal, several

PRECISIONS = pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-13)])
STEP = 1e-6


def slope(function):
    """Differentiate a function of one number at 0, result by result."""
    ahead, behind = function(STEP), function(-STEP)
    return [(a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)]


def as_torch(*arrays):
    torch = pytest.importorskip("torch")
    return [torch.tensor(array, requires_grad=True) for array in arrays]


# --- layer normalization -----------------------------------------------------------------------


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize("shape", [(3, 5, 7), (4, 192), (2, 2, 3, 6), (6,)])
@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_layernorm_against_pytorch(backend, dtype, bound, shape, eps):
    """[S11.1] Result and the gradients of input, scale and shift; biased, eps an argument."""
    torch = pytest.importorskip("torch")
    x, grad = 3 * normal(*shape, dtype=dtype) + dtype(2), normal(*shape, seed=1, dtype=dtype)
    gamma, beta = several(2, shape[-1], seed=2, dtype=dtype)
    theirs = as_torch(x, gamma, beta)
    y = torch.nn.functional.layer_norm(theirs[0], shape[-1:], *theirs[1:], eps=eps)
    y.backward(torch.tensor(grad))
    assert relative_error(backend.layernorm(x, gamma, beta, eps), y.detach().numpy()) <= bound
    for ours, their in zip(backend.layernorm_backward(grad, x, gamma, eps), theirs, strict=True):
        assert ours.dtype == dtype
        assert relative_error(ours, their.grad.numpy()) <= 10 * bound


@BACKENDS
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 16)])
def test_layernorm_tangents_are_the_derivatives(backend, shape):
    """[S5.2] Of the result, and of the input's gradient as input and gradient move."""
    x, x_dot, grad, grad_dot = several(4, *shape)
    gamma, beta = several(2, shape[-1], seed=9)
    eps = 1e-3
    y_dot, grad_x_dot = slope(lambda e: [
        backend.layernorm(x + e * x_dot, gamma, beta, eps),
        backend.layernorm_backward(grad + e * grad_dot, x + e * x_dot, gamma, eps)[0],
    ])  # fmt: skip
    assert relative_error(backend.layernorm_tangent(x_dot, x, gamma, eps), y_dot) <= 1e-8
    ours = backend.layernorm_backward_tangent(grad, grad_dot, x, x_dot, gamma, eps)
    assert relative_error(ours, grad_x_dot) <= 1e-8


@BACKENDS
def test_layernorm_forgets_offset_and_scale(backend):
    """[S11.1] Without eps: ``h(a x + b) = h(x)``; mean 0, variance 1; so no gradient that way."""
    x, grad = several(2, 5, 12)
    one, zero = np.ones(12), np.zeros(12)
    h = backend.layernorm(x, one, zero, 0)
    np.testing.assert_allclose(h.mean(axis=-1), 0, atol=1e-14)
    np.testing.assert_allclose(h.var(axis=-1), 1, rtol=1e-13)
    np.testing.assert_allclose(backend.layernorm(7 * x - 3, one, zero, 0), h, atol=1e-13)
    grad_x, *_ = backend.layernorm_backward(grad, x, one, 0)
    np.testing.assert_allclose(grad_x.sum(axis=-1), 0, atol=1e-13)
    np.testing.assert_allclose((grad_x * x).sum(axis=-1), 0, atol=1e-13)


@BACKENDS
def test_layernorm_of_one_feature(backend):
    """[S11.1] It is its own mean: the result is the shift, and only that has a gradient."""
    x, grad = several(2, 4, 1)
    gamma, beta = np.array([3.0]), np.array([7.0])
    assert (backend.layernorm(x, gamma, beta, 1e-5) == 7).all()
    grad_x, grad_gamma, grad_beta = backend.layernorm_backward(grad, x, gamma, 1e-5)
    assert not grad_x.any()
    assert not grad_gamma.any()
    assert grad_beta == pytest.approx(grad.sum())


@BACKENDS
def test_layernorm_of_constant_rows(backend):
    """[S11.1] Their variance is 0: eps keeps the result finite, and it is the shift."""
    gamma, beta = several(2, 4)
    x = np.full((3, 4), 5.0)
    np.testing.assert_array_equal(backend.layernorm(x, gamma, beta, 1e-5), np.tile(beta, (3, 1)))
    assert np.isfinite(backend.layernorm_backward(x, x, gamma, 1e-5)[0]).all()


# --- GELU --------------------------------------------------------------------------------------


@BACKENDS
@PRECISIONS
def test_gelu_by_its_definition(backend, dtype, bound):
    """[S11.1] By the error function of C, in float64, from far left to far right."""
    x = np.concatenate([np.linspace(-6, 6, 1201), [0, -0.0, 30, -30, 1e-30]]).astype(dtype)
    expected = [t * 0.5 * math.erfc(-t / math.sqrt(2)) for t in x.astype(float)]
    np.testing.assert_allclose(backend.gelu(x), expected, rtol=bound, atol=bound)
    slopes = [
        0.5 * math.erfc(-t / math.sqrt(2)) + t * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
        for t in x.astype(float)
    ]
    found = backend.gelu_backward(np.ones_like(x), x)
    np.testing.assert_allclose(found, slopes, rtol=bound, atol=bound)


@BACKENDS
@PRECISIONS
def test_gelu_against_pytorch(backend, dtype, bound):
    """[S11.1] Exact, not by tanh."""
    torch = pytest.importorskip("torch")
    x, grad = 2 * normal(7, 300, dtype=dtype), normal(7, 300, seed=1, dtype=dtype)
    (theirs,) = as_torch(x)
    y = torch.nn.functional.gelu(theirs)
    y.backward(torch.tensor(grad))
    assert relative_error(backend.gelu(x), y.detach().numpy()) <= bound
    assert relative_error(backend.gelu_backward(grad, x), theirs.grad.numpy()) <= bound


@BACKENDS
def test_gelu_tangents_are_the_derivatives(backend):
    """[S5.2] Those of result and gradient."""
    x, x_dot, grad, grad_dot = several(4, 50)
    y_dot, grad_x_dot = slope(lambda e: [
        backend.gelu(x + e * x_dot), backend.gelu_backward(grad + e * grad_dot, x + e * x_dot)
    ])  # fmt: skip
    assert relative_error(backend.gelu_backward(x_dot, x), y_dot) <= 1e-8
    ours = backend.gelu_backward_tangent(grad, grad_dot, x, x_dot)
    assert relative_error(ours, grad_x_dot) <= 1e-8


# --- attention ---------------------------------------------------------------------------------

HEADS = (4, 2, 5, 3)
SCALE = 0.6
BIAS, MASK = normal(2, 5, 5, seed=20), normal(2, 5, 5, seed=21)


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize("offsets", [(None, None), (BIAS, None), (None, MASK), (BIAS, MASK)])
def test_attention_against_pytorch(backend, dtype, bound, offsets):
    """[S11.1] Result, and the gradients of queries, keys, values and bias."""
    torch = pytest.importorskip("torch")
    q, k, v, grad = several(4, *HEADS, dtype=dtype)
    bias, mask = (None if a is None else a.astype(dtype) for a in offsets)
    theirs = as_torch(q, k, v, *([] if bias is None else [bias]))
    added = 0 if bias is None else theirs[3]
    if mask is not None:  # windows are the last part of the batch
        added = added + torch.tensor(mask).repeat(2, 1, 1)[:, None]
    added = torch.zeros(1, dtype=theirs[0].dtype) + added
    y = torch.nn.functional.scaled_dot_product_attention(
        *theirs[:3], attn_mask=added.expand(4, 2, 5, 5), scale=SCALE
    )
    y.backward(torch.tensor(grad))
    ours, p = backend.attention(q, k, v, SCALE, bias, mask)
    assert relative_error(ours, y.detach().numpy()) <= bound
    *grads, grad_s = backend.attention_backward(grad, q, k, v, p, SCALE)
    for mine, their in zip([*grads, grad_s.sum(axis=0)], theirs, strict=False):
        assert relative_error(mine, their.grad.numpy()) <= bound


@BACKENDS
def test_attention_tangents_are_the_derivatives(backend):
    """[S5.2] Of the result, of the probabilities, and of all three gradients."""
    point, dots = several(3, *HEADS), several(3, *HEADS, seed=5)
    grad, grad_dot = several(2, *HEADS, seed=9)

    def moved(e):
        at = [a + e * b for a, b in zip(point, dots, strict=True)]
        y, p = backend.attention(*at, SCALE, BIAS, MASK)
        return [y, p, *backend.attention_backward(grad + e * grad_dot, *at, p, SCALE)[:3]]

    y_dot, p_dot, *grads_dot = slope(moved)
    _, p = backend.attention(*point, SCALE, BIAS, MASK)
    grad_s = backend.attention_backward(grad, *point, p, SCALE)[3]
    ours, p_rel = backend.attention_tangent(*dots, *point, p, SCALE)
    assert relative_error(ours, y_dot) <= 1e-8
    assert relative_error(p * p_rel, p_dot) <= 1e-8
    found = backend.attention_backward_tangent(
        grad, grad_dot, grad_s, *point, p, *dots, p_rel, SCALE
    )
    for mine, slope_of in zip(found, grads_dot, strict=True):
        assert relative_error(mine, slope_of) <= 1e-8


@BACKENDS
def test_what_attention_does_not_see(backend):
    """[S11.1] Order of the keys, a constant in a query's scores, and keys that are masked."""
    q, k, v = several(3, *HEADS)
    y, p = backend.attention(q, k, v, SCALE)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-14)
    order = [3, 0, 4, 1, 2]
    again, _ = backend.attention(q, k[:, :, order], v[:, :, order], SCALE)
    np.testing.assert_allclose(again, y, rtol=1e-12, atol=1e-13)
    constant = np.broadcast_to(normal(2, 5, 1, seed=3), (2, 5, 5))
    again, _ = backend.attention(q, k, v, SCALE, constant)
    np.testing.assert_allclose(again, y, rtol=1e-12, atol=1e-13)
    mask = np.zeros((1, 5, 5))
    mask[:, :, 2:] = -1e9
    masked, p = backend.attention(q, k, v, SCALE, None, mask)
    assert not p[..., 2:].any()
    for token in range(5):
        alone = np.exp(SCALE * np.einsum("bhd,bhkd->bhk", q[:, :, token], k[:, :, :2]))
        expected = np.einsum("bhk,bhkd->bhd", alone, v[:, :, :2]) / alone.sum(-1)[..., None]
        np.testing.assert_allclose(masked[:, :, token], expected, rtol=1e-12, atol=1e-13)


@BACKENDS
def test_large_scores(backend):
    """[S11.1] The maximum is subtracted first: no overflow, a single key takes all."""
    q = np.full((1, 1, 2, 1), 1e4, np.float32)
    k = np.array([[[[1e4], [-1e4]]]], np.float32)
    y, p = backend.attention(q, k, k, 1.0)
    np.testing.assert_array_equal(p, [[[[1, 0], [1, 0]]]])
    np.testing.assert_array_equal(y, [[[[1e4], [1e4]]]])
