"""Rectification, pooling and the loss, and their derivatives [S11.1]."""

import numpy as np
import pytest

from tests.both import BACKENDS
from tests.nn.networks import relative_error
from tests.reference.differences import STEP, central_differences
from tests.reference.tensors import channel_first, channel_last, normal

PRECISIONS = pytest.mark.parametrize(
    ("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)]
)

# (images, size, stride): square windows that tile, overlap, skip, and leave a ragged edge.
POOLS = {
    "tiles": ((2, 4, 4, 3), 2, 2),
    "overlaps": ((2, 5, 5, 2), 3, 1),
    "overlaps, stride 2": ((1, 7, 5, 2), 3, 2),
    "skips": ((2, 7, 8, 1), 2, 3),
    "ragged": ((1, 5, 7, 3), 2, 2),
    "whole image": ((2, 3, 3, 2), 3, 1),
    "one pixel": ((2, 3, 2, 2), 1, 1),
}
EVERY_POOL = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS.keys())


def apart(shape, seed=0):
    """Values in random order that differ from each other and from 0 by 100 steps at least."""
    order = np.random.default_rng(seed).permutation(int(np.prod(shape)))
    values = (order - len(order) / 2 + 0.25).reshape(shape) * 400 * STEP
    assert np.abs(values).min() >= 100 * STEP
    assert np.diff(np.sort(values, axis=None)).min() >= 100 * STEP
    return values


# --- rectification ---------------------------------------------------------------------------


@BACKENDS
def test_relu_backward_is_the_derivative(backend):
    """[S5.2] Away from the kink."""
    x, grad = apart((3, 4, 2)), normal(3, 4, 2)
    by_x = central_differences(backend.relu, x, grad)
    assert relative_error(backend.relu_backward(grad, x), by_x) <= 1e-6


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_at_zero(backend, dtype):
    """[S5.2] ReLU'(0) = 0, on both zeros; the smallest positive number passes."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, tiny, -tiny, 2.0, -3.0], dtype)
    assert backend.relu(x).tolist() == [0, 0, float(tiny), 0, 2, 0]
    grad = np.full(6, 5, dtype)
    assert backend.relu_backward(grad, x).tolist() == [0, 0, 5, 0, 5, 0]


@BACKENDS
def test_relu_blocks_an_infinite_gradient(backend):
    """[S5.2] The derivative is a choice, not a product: 0 times infinity does not arise."""
    x = np.array([-1.0, 1.0])
    assert backend.relu_backward(np.array([np.inf, np.inf]), x).tolist() == [0, np.inf]


# --- pooling ---------------------------------------------------------------------------------


def windows(x, size, stride):
    """Every window as ((b, p, q, c), (size, size) values), by plain loops."""
    batch, height, width, count = x.shape
    rows, cols = (range(0, length - size + 1, stride) for length in (height, width))
    for b in range(batch):
        for p, top in enumerate(rows):
            for q, left in enumerate(cols):
                for c in range(count):
                    yield (b, p, q, c), x[b, top : top + size, left : left + size, c]


@BACKENDS
@EVERY_POOL
def test_pools_are_their_definition(backend, pool):
    """[S11.1] Mean and maximum of each window, every window visited."""
    images, size, stride = pool
    x = apart(images)
    means, (maxima, where) = backend.avgpool2d(x, size, stride), backend.maxpool2d(x, size, stride)
    assert where.dtype == np.int64
    seen = 0
    for at, window in windows(x, size, stride):
        assert means[at] == pytest.approx(window.mean(), rel=1e-12, abs=1e-12)
        assert maxima[at] == window.max()
        assert where[at] == window.argmax()
        seen += 1
    assert seen == means.size == maxima.size
    assert np.array_equal(backend.maxpool2d_take(x, where, size, stride), maxima)
    assert np.allclose(backend.global_avgpool(x), x.mean(axis=(1, 2)), rtol=1e-13)


@BACKENDS
@EVERY_POOL
def test_pool_backwards_are_the_derivatives(backend, pool):
    """[S11.1] Central differences away from ties."""
    images, size, stride = pool
    x = apart(images)
    _, where = backend.maxpool2d(x, size, stride)
    grad = normal(*where.shape)
    by_mean = central_differences(lambda v: backend.avgpool2d(v, size, stride), x, grad)
    by_max = central_differences(lambda v: backend.maxpool2d(v, size, stride)[0], x, grad)
    assert relative_error(backend.avgpool2d_backward(grad, x, size, stride), by_mean) <= 1e-6
    ours = backend.maxpool2d_backward(grad, where, x, size, stride)
    assert relative_error(ours, by_max) <= 1e-6
    grad = normal(images[0], images[3])
    by_global = central_differences(backend.global_avgpool, x, grad)
    assert relative_error(backend.global_avgpool_backward(grad, x), by_global) <= 1e-6


@BACKENDS
def test_maxpool_takes_the_first_of_equals(backend):
    """[S5.2] Row by row: the first tap that attains the maximum gets the whole gradient."""
    x = np.array([[1.0, 7, 7], [7, 0, 7], [7, 7, 7]]).reshape(1, 3, 3, 1)
    maxima, where = backend.maxpool2d(x, 2, 1)
    assert maxima.ravel().tolist() == [7, 7, 7, 7]
    assert where.ravel().tolist() == [1, 0, 0, 1]
    grad = np.array([1.0, 10, 100, 1000]).reshape(1, 2, 2, 1)
    grad_x = backend.maxpool2d_backward(grad, where, x, 2, 1)[0, :, :, 0]
    assert grad_x.tolist() == [[0, 11, 0], [100, 0, 1000], [0, 0, 0]]


@BACKENDS
def test_maxpool_blocks_an_infinite_gradient(backend):
    """[S5.2] An infinite gradient reaches the maximum alone and makes no NaN beside it."""
    x = np.array([1.0, 2, 0, -1]).reshape(1, 2, 2, 1)
    _, where = backend.maxpool2d(x, 2, 2)
    grad_x = backend.maxpool2d_backward(np.full((1, 1, 1, 1), np.inf), where, x, 2, 2)
    assert grad_x.ravel().tolist() == [0, np.inf, 0, 0]


@BACKENDS
@EVERY_POOL
@PRECISIONS
@pytest.mark.parametrize("ties", [False, True])
def test_pools_against_pytorch(backend, pool, dtype, bound, ties):
    """[S11.1] [S5.2] Integers of a small range tie often, and PyTorch takes the first too."""
    torch = pytest.importorskip("torch")
    images, size, stride = pool
    x = normal(*images, dtype=dtype)
    x = np.rint(x) if ties else x
    pooled, where = backend.maxpool2d(x, size, stride)
    grad = normal(*pooled.shape, seed=8, dtype=dtype)
    wide = normal(images[0], images[3], seed=9, dtype=dtype)
    functional = torch.nn.functional
    for y, grad_y, ours, theirs in (
        (pooled, grad, backend.maxpool2d_backward(grad, where, x, size, stride),
         lambda v: functional.max_pool2d(v, size, stride)),
        (backend.avgpool2d(x, size, stride), grad,
         backend.avgpool2d_backward(grad, x, size, stride),
         lambda v: functional.avg_pool2d(v, size, stride)),
        (backend.global_avgpool(x), wide, backend.global_avgpool_backward(wide, x),
         lambda v: v.mean(dim=(2, 3))),
    ):  # fmt: skip
        their_x = channel_first(torch, x)
        their_y = theirs(their_x)
        their_y.backward(torch.tensor(np.moveaxis(grad_y, -1, 1).copy()))
        assert y.dtype == ours.dtype == dtype
        assert relative_error(y, channel_last(their_y)) <= bound
        assert relative_error(ours, channel_last(their_x.grad)) <= bound


# --- loss ------------------------------------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize("scale", [1, 20])
def test_cross_entropy_gradient_is_the_derivative(backend, scale):
    """[S11.1] The batch mean; at scale 20 some probabilities are 1 up to rounding."""
    logits, labels = scale * normal(6, 4), np.array([0, 1, 2, 3, 0, 0])
    loss, grad = backend.cross_entropy(logits, labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(p[np.arange(6), labels]).mean(), rel=1e-12)
    by_logits = central_differences(
        lambda v: np.float64(backend.cross_entropy(v, labels)[0]), logits, np.float64(1)
    )
    assert relative_error(grad, by_logits) <= 1e-6
    assert np.allclose(grad.sum(axis=1), 0, atol=1e-15)


@BACKENDS
def test_cross_entropy_tangent_is_the_derivative_of_the_gradient(backend):
    """[S5.2] Directional central difference of the gradient."""
    logits, dot, labels = normal(5, 4), normal(5, 4, seed=2), np.array([3, 1, 0, 0, 2])
    ahead, behind = (
        backend.cross_entropy(logits + e * dot, labels)[1] for e in (STEP, -STEP)
    )
    ours = backend.cross_entropy_tangent(logits, dot)
    assert relative_error(ours, (ahead - behind) / (2 * STEP)) <= 1e-6


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_logits(backend, dtype):
    """[S11.1] The maximum is subtracted first: nothing overflows, the loss is the gap."""
    logits = np.array([[1e30, 0, -1e30], [-1e4, -1e4, -1e4], [1e4, 0, 0]], dtype)
    loss, grad = backend.cross_entropy(logits, np.array([0, 1, 2]))
    assert loss == pytest.approx((0 + np.log(3) + 1e4) / 3, rel=1e-6)
    assert np.isfinite(grad).all()
    assert (3 * grad[0]).tolist() == [0, 0, 0]
    assert (3 * grad[2]).tolist() == pytest.approx([1, 0, -1])
    assert np.isfinite(backend.cross_entropy_tangent(logits, np.ones_like(logits))).all()


@BACKENDS
@pytest.mark.parametrize("shift", [-1000, 1000])
def test_cross_entropy_ignores_a_common_shift(backend, shift):
    """[S11.1]"""
    logits, labels = np.array([[1.0, 2, 3], [0, -1, 4]]), np.array([2, 0])
    loss, grad = backend.cross_entropy(logits, labels)
    moved_loss, moved_grad = backend.cross_entropy(logits + shift, labels)
    assert moved_loss == pytest.approx(loss, rel=1e-12)
    assert np.allclose(moved_grad, grad, rtol=1e-12)


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize("scale", [1, 30, 1e4])
def test_cross_entropy_against_pytorch(backend, dtype, bound, scale):
    """[S11.1] Loss and gradient, ordinary and huge logits."""
    torch = pytest.importorskip("torch")
    logits = (scale * normal(16, 10)).astype(dtype)
    labels = np.random.default_rng(3).integers(0, 10, 16)
    theirs = torch.tensor(logits, requires_grad=True)
    their_loss = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels))
    their_loss.backward()
    loss, grad = backend.cross_entropy(logits, labels)
    assert grad.dtype == dtype
    assert abs(loss - their_loss.item()) <= bound * abs(their_loss.item())
    assert relative_error(grad, theirs.grad.numpy()) <= bound
