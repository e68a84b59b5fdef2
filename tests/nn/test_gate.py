"""Squeeze-and-excitation: the cross terms of its tangents; settings of batch normalization."""

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.nn import BatchNorm2d, Network
from tests.both import BACKENDS
from tests.nn.networks import relative_error, squeeze, unlike_fresh

STEP = 1e-6


class Point:
    """A layer at a point, with tangents of its input, both its weights and its output gradient."""

    def __init__(self, backend):
        rng = np.random.default_rng(11)
        self.layer = squeeze(backend, np.float64, rng)
        unlike_fresh(Network({"layer": self.layer}), rng)
        self.x, self.x_dot, self.grad, self.grad_dot = rng.standard_normal((4, 3, 4, 5, 4))
        self.weighted = [self.layer.parts["fc1"], self.layer.parts["fc2"]]
        self.w_dots = [rng.standard_normal(part.weight.shape) for part in self.weighted]

    def at(self, e, x=True, w=True):
        """Output and gradients at a point e along the tangents."""
        for part, w_dot in zip(self.weighted, self.w_dots, strict=True):
            part.effective = part.parameters["weight"] + e * w_dot if w else None
        y = self.layer.forward(self.x + e * self.x_dot if x else self.x)
        grad_x = self.layer.backward(self.grad + e * self.grad_dot)
        grads = [part.gradients["weight"] for part in self.weighted]
        for part in self.weighted:
            part.effective = None
        return [y, grad_x, *grads]

    def tangents(self, x=True, w=True):
        """The same four by the tangent passes."""
        self.layer.forward(self.x)
        for part, w_dot in zip(self.weighted, self.w_dots, strict=True):
            part.weight_dot = w_dot if w else None
        y_dot = self.layer.forward_tangent(self.x_dot if x else None)
        self.layer.backward(self.grad)
        grad_x_dot = self.layer.backward_tangent(self.grad_dot)
        y_dot = np.zeros_like(self.x) if y_dot is None else y_dot
        return [y_dot, grad_x_dot, *(part.weight_grad_dot for part in self.weighted)]


@BACKENDS
@pytest.mark.parametrize("x", [True, False], ids=["input", "no input"])
@pytest.mark.parametrize("w", [True, False], ids=["weights", "no weights"])
def test_tangents_are_the_derivatives(backend, x, w):
    """[S5.2] Of the output, the input's gradient and both weights' gradients, to 1e-7."""
    point = Point(backend)
    ahead, behind = point.at(STEP, x, w), point.at(-STEP, x, w)
    for ours, a, b in zip(point.tangents(x, w), ahead, behind, strict=True):
        assert relative_error(ours, (a - b) / (2 * STEP)) <= 1e-7


@BACKENDS
def test_tangents_are_linear(backend):
    """[S5.2] Along input and weights at once: the sum of both, less the change along neither."""
    point = Point(backend)
    choices = [(True, True), (True, False), (False, True), (False, False)]
    both, along_x, along_w, neither = (point.tangents(x, w) for x, w in choices)
    for together, a, b, none in zip(both, along_x, along_w, neither, strict=True):
        np.testing.assert_allclose(together, a + b - none, rtol=0, atol=1e-12)


def test_one_factor_an_image_and_channel():
    """[S11.1] Positions do not matter: those of an image may be exchanged."""
    point = Point(reference)
    y = point.layer.forward(point.x)
    factors = y / point.x
    assert np.ptp(factors, axis=(1, 2)).max() <= 1e-12
    assert (np.ptp(factors, axis=0) > 1e-3).any()
    turned = point.layer.forward(point.x[:, ::-1, ::-1])
    np.testing.assert_allclose(turned[:, ::-1, ::-1], y, rtol=1e-12)


def test_training_gives_up_what_it_kept():
    """A second backward pass, or a tangent, has nothing to refer to."""
    point = Point(reference)
    point.layer.forward(point.x, training=True)
    with pytest.raises(RuntimeError, match="inference mode"):
        point.layer.forward_tangent(point.x_dot)
    point.layer.backward(point.grad)
    assert point.layer._grad is None
    with pytest.raises(RuntimeError, match="a forward pass must come first"):
        point.layer.backward(point.grad)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"eps": -1e-3}, ValueError, r"^eps = -0\.001: expected a real number in \[0"),
        ({"eps": np.nan}, ValueError, "^eps = nan"),
        ({"eps": "1"}, TypeError, "^eps = '1'"),
        ({"momentum": -0.1}, ValueError, r"^momentum = -0\.1: expected a real number in \[0, 1\]"),
        ({"momentum": 1.5}, ValueError, r"^momentum = 1\.5"),
        ({"momentum": True}, TypeError, "^momentum = True"),
    ],
)
def test_settings_of_batch_normalization(settings, error, match):
    """[S11.1] The argument, its value, what was expected."""
    with pytest.raises(error, match=match):
        BatchNorm2d(3, dtype=np.float32, backend=reference, **settings)


@BACKENDS
def test_momentum_at_its_ends(backend):
    """[S11.1] 0 leaves the running statistics alone, 1 takes the batch's."""
    x = np.random.default_rng(0).standard_normal((4, 3, 3, 2))
    for momentum, mean, variance in (
        (0.0, np.zeros(2), np.ones(2)),
        (1.0, x.mean((0, 1, 2)), x.var((0, 1, 2), ddof=1)),
    ):
        layer = BatchNorm2d(2, dtype=np.float64, backend=backend, momentum=momentum)
        layer.forward(x, training=True)
        np.testing.assert_allclose(layer.buffers["running_mean"], mean, atol=1e-15)
        np.testing.assert_allclose(layer.buffers["running_variance"], variance, rtol=1e-13)
