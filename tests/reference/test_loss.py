"""The loss: label smoothing, and the precision and order in which it is added up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from tests.both import BACKENDS

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def batch(count, classes, dtype=np.float64, scale=1.0):
    rng = np.random.default_rng(count)
    logits = (scale * rng.standard_normal((count, classes))).astype(dtype)
    return logits, rng.integers(0, classes, count)


@BACKENDS
@DTYPES
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("scale", [1, 30, 1e4])
def test_label_smoothing_is_pytorch_s(backend, dtype, smoothing, scale):
    """[S11.1] Loss and gradient."""
    torch = pytest.importorskip("torch")
    logits, labels = batch(16, 10, dtype, scale)
    theirs = torch.tensor(logits, requires_grad=True)
    their_loss = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(labels), label_smoothing=smoothing
    )
    their_loss.backward()
    loss, grad = backend.cross_entropy(logits, labels, smoothing)
    bound = 1e-5 if dtype == np.float32 else 1e-12
    assert grad.dtype == dtype
    assert loss == pytest.approx(their_loss.item(), rel=bound)
    np.testing.assert_allclose(grad, theirs.grad.numpy(), atol=bound / 16, rtol=bound)


@given(st.integers(1, 9), st.integers(1, 6), st.floats(0, 1))
def test_smoothing_is_a_mixture_of_targets(count, classes, smoothing):
    """[S11.1] The loss is linear in the target: a share of it is the mean over all labels."""
    logits, labels = batch(count, classes)
    plain, grad = reference.cross_entropy(logits, labels)
    uniform = [reference.cross_entropy(logits, np.full(count, c)) for c in range(classes)]
    loss, smooth = reference.cross_entropy(logits, labels, smoothing)
    mean = sum(value for value, _ in uniform) / classes
    assert loss == pytest.approx((1 - smoothing) * plain + smoothing * mean, rel=1e-12)
    mean_grad = sum(g for _, g in uniform) / classes
    np.testing.assert_allclose(smooth, (1 - smoothing) * grad + smoothing * mean_grad, atol=1e-15)


def test_no_smoothing_changes_no_bit():
    """[S11.1] ``(p - onehot) / batch`` in the dtype of the logits; the twin sums in float64."""
    logits, labels = batch(33, 7, np.float32)
    _, grad = reference.cross_entropy(logits, labels)
    p = reference.softmax(logits)
    p[np.arange(33), labels] -= 1
    assert grad.tobytes() == (p / np.float32(33)).tobytes()
    _, twin = kernels.cross_entropy(logits, labels)
    np.testing.assert_allclose(twin, grad, rtol=1e-6, atol=1e-9)
    for backend, bits in ((reference, grad), (kernels, twin)):
        assert backend.cross_entropy(logits, labels, 0)[1].tobytes() == bits.tobytes()


@BACKENDS
@pytest.mark.parametrize("count", [1, 50, 9000])
def test_the_loss_is_added_in_float64(backend, count):
    """[S0.5] Of float32 logits too, in the order of reported sums; to their exact loss at 1e-14."""
    logits, labels = batch(count, 4, np.float32, 3)
    loss, _ = backend.cross_entropy(logits, labels)
    rows = [
        math.log(math.fsum(math.exp(z - max(row)) for z in row)) + max(row) - row[label]
        for row, label in zip(logits.astype(float).tolist(), labels.tolist(), strict=True)
    ]
    assert type(loss) is float
    assert loss == pytest.approx(math.fsum(rows) / count, rel=1e-14)
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(count), labels]
    assert loss == reference.ordered_sum(losses) / count


@BACKENDS
@pytest.mark.parametrize(
    ("smoothing", "error"),
    [(-0.1, ValueError), (1.1, ValueError), (math.nan, ValueError), ("0.1", TypeError),
     (True, TypeError)],
)  # fmt: skip
def test_a_smoothing_that_is_none(backend, smoothing, error):
    """[S0.2]"""
    with pytest.raises(error, match="smoothing = "):
        backend.cross_entropy(*batch(3, 2), smoothing)
