"""Gradients of whole networks against central differences of the loss, in float64 [S11.1]."""

import itertools

import numpy as np
import pytest

from msq_ref.nn import MaxPool2d, ReLU
from tests.both import BACKENDS
from tests.nn.networks import NETWORKS, batch, relative_error

STEP = 1e-6


def watch(network):
    """Make every layer remember its input."""
    for layer in network.operations.values():
        def forward(x, training=False, layer=layer, run=layer.forward):
            layer.seen = x
            return run(x, training)

        layer.forward = forward
    return network


def kinks(network):
    """Distances to every kink of the last pass: inputs of ReLU, gaps of the two largest."""
    found = [np.ones(1)]
    for layer in network.operations.values():
        if isinstance(layer, ReLU):
            found.append(layer.seen.ravel())
        if isinstance(layer, MaxPool2d):
            size, stride = layer.size, layer.stride
            windows = np.lib.stride_tricks.sliding_window_view(layer.seen, (size, size), (1, 2))
            taps = windows[:, ::stride, ::stride].reshape(-1, size * size)
            top = np.sort(taps, axis=1)[:, -2:]
            found.append(top[:, 1] - top[:, 0])
    return np.concatenate(found)


def far_from_kinks(make, backend, training):
    """The first seed whose batch stays clear of every kink."""
    for seed in itertools.count():
        network = watch(make(np.float64, backend, seed))
        images, labels = batch(np.float64, seed, size=2)
        network.forward(images, training)
        if np.abs(kinks(network)).min() > 300 * STEP:
            return network, images, labels
    return None


@BACKENDS
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_gradients_are_the_derivatives(backend, make, training):
    """[S11.1] Every entry of every parameter and of the images, to 1e-6.

    At every point that is looked at, every kink and tie is at least ten times as far away as the
    step moves the value that has it.
    """
    network, images, labels = far_from_kinks(make, backend, training)
    _, grad = backend.cross_entropy(network.forward(images, training), labels)
    gradients = {"images": network.backward(grad), **network.gradients()}
    gradients = {name: value.copy() for name, value in gradients.items()}
    at_rest = kinks(network)
    assert np.abs(at_rest).min() > 0

    def loss():
        value, _ = backend.cross_entropy(network.forward(images, training), labels)
        assert (10 * np.abs(kinks(network) - at_rest) <= np.abs(at_rest)).all()
        return value

    for name, value in {"images": images, **network.parameters()}.items():
        slope = np.empty_like(value)
        for index in np.ndindex(*value.shape):
            kept = value[index]
            ahead, behind = kept + STEP, kept - STEP
            value[index] = ahead
            rise = loss()
            value[index] = behind
            rise -= loss()
            value[index] = kept
            slope[index] = rise / (ahead - behind)
        assert relative_error(gradients[name], slope) <= 1e-6, name
