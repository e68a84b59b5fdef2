"""Convolution and linear layers against their definition, written out as loops [S11.1]."""

import itertools

import numpy as np
import pytest

from msq_ref import reference
from tests.both import BACKENDS
from tests.nn.networks import relative_error
from tests.reference.differences import central_differences

# (images, filters HWIO, stride, padding, groups): small, and each awkward in its own way.
CASES = {
    "plain": ((2, 5, 5, 3), (3, 3, 3, 4), 1, 0, 1),
    "same": ((2, 4, 4, 2), (3, 3, 2, 3), 1, 1, 1),
    "stride 2": ((1, 7, 7, 2), (3, 3, 2, 2), 2, 1, 1),
    "stride 2 leaves a ragged edge": ((2, 6, 8, 2), (3, 3, 2, 3), 2, 0, 1),
    "stride 3 skips columns": ((1, 8, 7, 1), (2, 2, 1, 2), 3, 0, 1),
    "ragged image and kernel": ((2, 5, 7, 3), (2, 4, 3, 2), 1, 1, 1),
    "1x1": ((2, 3, 4, 5), (1, 1, 5, 3), 1, 0, 1),
    "1x1 stride 2": ((2, 5, 4, 3), (1, 1, 3, 2), 2, 0, 1),
    "kernel as large as the image": ((2, 3, 4, 2), (3, 4, 2, 3), 1, 0, 1),
    "kernel larger than the image, padded": ((1, 2, 2, 1), (4, 4, 1, 2), 1, 1, 1),
    "padding wider than the kernel": ((1, 2, 3, 1), (2, 2, 1, 1), 1, 3, 1),
    "two groups": ((2, 5, 4, 4), (3, 3, 2, 6), 1, 1, 2),
    "three groups, stride 2": ((1, 6, 5, 6), (3, 2, 2, 3), 2, 1, 3),
    "depthwise": ((2, 5, 6, 3), (3, 3, 1, 3), 1, 1, 3),
    "depthwise, stride 2": ((2, 6, 5, 4), (3, 3, 1, 4), 2, 1, 4),
    "depthwise, two outputs a channel": ((1, 4, 5, 3), (3, 2, 1, 6), 1, 1, 3),
    "one channel": ((2, 4, 4, 1), (3, 3, 1, 1), 1, 1, 1),
}
EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def tensors(case, dtype=np.float64, seed=0):
    """Images, filters and a gradient of the result, random."""
    images, filters, stride, padding, groups = case
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (images, filters))
    y = reference.conv2d(x, w, stride, padding, groups)
    return x, w, rng.standard_normal(y.shape).astype(dtype), (stride, padding, groups)


def loops(x, w, stride, padding, groups):
    """Convolve as [S11.1] reads: one Python loop for every index, taps outside are 0."""
    batch, height, width, _ = x.shape
    kh, kw, inputs, outputs = w.shape
    rows, cols = (
        sum(first + taps <= length for first in range(0, length, stride))
        for length, taps in ((height + 2 * padding, kh), (width + 2 * padding, kw))
    )
    y = np.zeros((batch, rows, cols, outputs))
    for b, p, q, m in itertools.product(*map(range, y.shape)):
        group = m // (outputs // groups)
        for i, j, c in itertools.product(range(kh), range(kw), range(inputs)):
            r, s = p * stride + i - padding, q * stride + j - padding
            if 0 <= r < height and 0 <= s < width:
                y[b, p, q, m] += float(x[b, r, s, group * inputs + c]) * float(w[i, j, c, m])
    return y


@BACKENDS
@EVERY_CASE
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_conv2d_is_its_definition(backend, case, dtype, bound):
    """[S11.1] Nested loops share no code with either backend."""
    x, w, _, sizes = tensors(case, dtype)
    y = backend.conv2d(x, w, *sizes)
    assert y.dtype == dtype
    assert relative_error(y, loops(x, w, *sizes)) <= bound


@BACKENDS
def test_conv2d_of_integers_in_float_is_exact(backend):
    """[S11.1] A worked case: a 2x2 box sum, stride 1, with and without a border of zeros."""
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    box = np.ones((2, 2, 1, 1))
    inner = backend.conv2d(x, box)[0, :, :, 0]
    assert inner.tolist() == [[12, 16], [24, 28]]
    border = backend.conv2d(x, box, 2, 1)[0, :, :, 0]
    assert border.tolist() == [[1, 5], [11, 28]]


@BACKENDS
def test_conv2d_does_not_flip_the_filter(backend):
    """[S11.1] Cross-correlation: the filter's first tap meets the window's first pixel."""
    x = np.zeros((1, 1, 3, 1))
    x[0, 0, 1, 0] = 1
    w = np.array([10.0, 20.0]).reshape(1, 2, 1, 1)
    assert backend.conv2d(x, w).ravel().tolist() == [20, 10]


@BACKENDS
def test_groups_do_not_mix(backend):
    """[S11.1] Changing the inputs of one group leaves the outputs of the other as they are."""
    x, w, _, sizes = tensors(CASES["two groups"])
    changed = x.copy()
    changed[..., :2] += 1
    before, after = (backend.conv2d(images, w, *sizes) for images in (x, changed))
    assert np.array_equal(before[..., 3:], after[..., 3:])
    assert not np.array_equal(before[..., :3], after[..., :3])


@BACKENDS
@EVERY_CASE
def test_conv2d_backward_is_the_derivative(backend, case):
    """[S11.1] Central differences in float64; the function is linear in each argument."""
    x, w, grad, sizes = tensors(case)
    grad_x, grad_w = backend.conv2d_backward(grad, x, w, *sizes)
    by_x = central_differences(lambda v: backend.conv2d(v, w, *sizes), x, grad)
    by_w = central_differences(lambda v: backend.conv2d(x, v, *sizes), w, grad)
    assert relative_error(grad_x, by_x) <= 1e-6
    assert relative_error(grad_w, by_w) <= 1e-6


@BACKENDS
@pytest.mark.parametrize("lead", [(4,), (2, 3), (), (1,)])
def test_linear_and_its_backward(backend, lead):
    """[S11.1] Any number of leading axes."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((*lead, 5)), rng.standard_normal((5, 3))
    grad = rng.standard_normal((*lead, 3))
    y = backend.linear(x, w)
    expected = np.zeros((*lead, 3))
    for index in np.ndindex(*lead, 3):
        expected[index] = sum(x[(*index[:-1], k)] * w[k, index[-1]] for k in range(5))
    assert relative_error(y, expected) <= 1e-13
    grad_x, grad_w = backend.linear_backward(grad, x, w)
    by_x = central_differences(lambda v: backend.linear(v, w), x, grad)
    by_w = central_differences(lambda v: backend.linear(x, v), w, grad)
    assert relative_error(grad_x, by_x) <= 1e-6
    assert relative_error(grad_w, by_w) <= 1e-6


@BACKENDS
@EVERY_CASE
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_conv2d_against_pytorch(backend, case, dtype, bound):
    """[S11.1] Result and both gradients, per tensor."""
    torch = pytest.importorskip("torch")
    x, w, grad, sizes = tensors(case, dtype, seed=2)
    stride, padding, groups = sizes
    their_x = torch.tensor(x.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    their_w = torch.tensor(w.transpose(3, 2, 0, 1).copy(), requires_grad=True)
    their_y = torch.nn.functional.conv2d(
        their_x, their_w, stride=stride, padding=padding, groups=groups
    )
    their_y.backward(torch.tensor(grad.transpose(0, 3, 1, 2).copy()))
    grad_x, grad_w = backend.conv2d_backward(grad, x, w, *sizes)
    for ours, theirs in (
        (backend.conv2d(x, w, *sizes), their_y.detach().numpy().transpose(0, 2, 3, 1)),
        (grad_x, their_x.grad.numpy().transpose(0, 2, 3, 1)),
        (grad_w, their_w.grad.numpy().transpose(2, 3, 1, 0)),
    ):
        assert ours.dtype == dtype
        assert relative_error(ours, theirs) <= bound


@BACKENDS
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_linear_against_pytorch(backend, dtype, bound):
    """[S11.1]"""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    x, w, grad = (rng.standard_normal(s).astype(dtype) for s in ((7, 33), (33, 5), (7, 5)))
    their_x = torch.tensor(x, requires_grad=True)
    their_w = torch.tensor(w.T.copy(), requires_grad=True)
    their_y = torch.nn.functional.linear(their_x, their_w)
    their_y.backward(torch.tensor(grad))
    grad_x, grad_w = backend.linear_backward(grad, x, w)
    assert relative_error(backend.linear(x, w), their_y.detach().numpy()) <= bound
    assert relative_error(grad_x, their_x.grad.numpy()) <= bound
    assert relative_error(grad_w, their_w.grad.numpy().T) <= bound
