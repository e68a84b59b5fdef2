"""Batch normalization and its derivatives [S11.1]."""

import numpy as np
import pytest

from tests.both import BACKENDS
from tests.nn.networks import relative_error
from tests.reference.differences import central_differences
from tests.reference.tensors import channel_first, channel_last, normal

PRECISIONS = pytest.mark.parametrize(
    ("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)]
)


def channels(count, dtype=np.float64):
    """Scale, shift, mean and variance, none of them trivial."""
    gamma, beta, mean = (normal(count, seed=s, dtype=dtype) for s in (2, 3, 4))
    return gamma, beta, mean, np.exp(normal(count, seed=5, dtype=dtype))


@BACKENDS
@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (7, 3), (1, 1, 1, 2)])
def test_batchnorm_backward_is_the_derivative(backend, shape):
    """[S11.1] Inference mode: the statistics are constants."""
    x, grad = normal(*shape), normal(*shape, seed=6)
    gamma, beta, mean, variance = channels(shape[-1])
    ours = backend.batchnorm_backward(grad, x, gamma, mean, variance)
    functions = (
        (lambda v: backend.batchnorm(v, gamma, beta, mean, variance), x),
        (lambda v: backend.batchnorm(x, v, beta, mean, variance), gamma),
        (lambda v: backend.batchnorm(x, gamma, v, mean, variance), beta),
    )
    for value, (function, point) in zip(ours, functions, strict=True):
        assert relative_error(value, central_differences(function, point, grad)) <= 1e-6


@BACKENDS
@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (7, 3)])
def test_batchnorm_train_backward_is_the_derivative(backend, shape):
    """[S11.1] Training mode: through the batch's mean and variance too."""
    x, grad = normal(*shape), normal(*shape, seed=6)
    gamma, beta, *_ = channels(shape[-1])
    _, statistics = backend.batchnorm_train(x, gamma, beta)
    ours = backend.batchnorm_train_backward(grad, x, gamma, statistics)
    functions = (
        (lambda v: backend.batchnorm_train(v, gamma, beta)[0], x),
        (lambda v: backend.batchnorm_train(x, v, beta)[0], gamma),
        (lambda v: backend.batchnorm_train(x, gamma, v)[0], beta),
    )
    for value, (function, point) in zip(ours, functions, strict=True):
        assert relative_error(value, central_differences(function, point, grad)) <= 1e-6


@BACKENDS
def test_batchnorm_train_normalizes(backend):
    """[S11.1] Mean 0 and biased variance v / (v + eps) a channel before scale and shift."""
    x = 3 * normal(4, 5, 6, 2) + 7
    one, zero = np.ones(2), np.zeros(2)
    y, statistics = backend.batchnorm_train(x, one, zero)
    assert np.allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-13)
    assert np.allclose(y.var(axis=(0, 1, 2)), statistics.variance / (statistics.variance + 1e-5))
    assert np.allclose(statistics.mean, x.mean(axis=(0, 1, 2)))
    assert np.allclose(statistics.variance, x.var(axis=(0, 1, 2), ddof=0))
    assert statistics.size == 4 * 5 * 6


@BACKENDS
@PRECISIONS
def test_batchnorm_against_pytorch(backend, dtype, bound):
    """[S11.1] Both modes: result and the gradients of input, scale and shift."""
    torch = pytest.importorskip("torch")
    x, grad = normal(4, 3, 5, 6, dtype=dtype), normal(4, 3, 5, 6, seed=6, dtype=dtype)
    gamma, beta, mean, variance = channels(6, dtype)
    for training in (False, True):
        their_x = channel_first(torch, x)
        their_gamma, their_beta = (torch.tensor(v, requires_grad=True) for v in (gamma, beta))
        their_y = torch.nn.functional.batch_norm(
            their_x, torch.tensor(mean), torch.tensor(variance), their_gamma, their_beta,
            training=training, eps=1e-5,
        )  # fmt: skip
        their_y.backward(torch.tensor(np.moveaxis(grad, -1, 1).copy()))
        if training:
            y, statistics = backend.batchnorm_train(x, gamma, beta)
            grads = backend.batchnorm_train_backward(grad, x, gamma, statistics)
        else:
            y = backend.batchnorm(x, gamma, beta, mean, variance)
            grads = backend.batchnorm_backward(grad, x, gamma, mean, variance)
        theirs = (channel_last(their_x.grad), their_gamma.grad.numpy(), their_beta.grad.numpy())
        assert relative_error(y, channel_last(their_y)) <= bound
        for ours, expected in zip(grads, theirs, strict=True):
            assert ours.dtype == dtype
            assert relative_error(ours, expected) <= bound
