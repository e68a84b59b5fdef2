"""Products and traces against what they must be: differences, a closed form, the diagonal [S5]."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.formats.datasets import load_dataset
from msq_ref.hessian import HessianProducts, exact_traces, finite_difference_product
from msq_ref.nn import Flatten, Linear, Network, ReLU
from tests.both import BACKENDS
from tests.hessian.test_products import quantized, random_vectors
from tests.nn.networks import batch, pooled, relative_error, smooth

STEP = 1e-5


def full_hessian(products):
    """Every column by a product with a unit vector; rows and columns in the order of layers."""
    columns = []
    for name, shape in products.shapes().items():
        for index in np.ndindex(*shape):
            unit = np.zeros(shape)
            unit[index] = 1
            columns.append(flat(products({name: unit})))
    return np.stack(columns, axis=1)


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays.values()])


def hessian_by_differences(network, images, labels):
    """Central differences of the gradient at the effective weights, entry by entry."""
    layers = network.quantized_layers()

    def gradient():
        _, grad = reference.cross_entropy(network.forward(images), labels)
        network.backward(grad)
        return flat({name: layer.gradients["weight"] for name, layer in layers.items()})

    columns = []
    for layer in layers.values():
        weight = layer.effective
        for index in np.ndindex(*weight.shape):
            kept = weight[index]
            weight[index] = kept + STEP
            ahead = gradient()
            weight[index] = kept - STEP
            columns.append((ahead - gradient()) / (2 * STEP))
            weight[index] = kept
    return np.stack(columns, axis=1)


@BACKENDS
def test_the_full_hessian_of_a_smooth_network(backend):
    """[S5.3] All 228 x 228 entries: symmetric, equal to differences to 1e-7; traces with them."""
    network = quantized(smooth, backend)
    images, labels = batch(np.float64)
    hessian = full_hessian(HessianProducts(network, images, labels))
    assert hessian.shape == (228, 228)
    assert relative_error(hessian, hessian.T) <= 1e-13
    assert relative_error(hessian, hessian_by_differences(network, images, labels)) <= 1e-7
    traces, start = exact_traces(network, images, labels), 0
    for name, layer in network.quantized_layers().items():
        stop = start + layer.weight.size
        block = hessian[start:stop, start:stop]
        assert traces[name] == pytest.approx(np.trace(block), rel=1e-12)
        start = stop
    # Not positive: with other layers in play the loss is not convex in all weights.
    assert np.linalg.eigvalsh(hessian)[0] < 0


@BACKENDS
def test_softmax_regression(backend):
    """[S5.1] In closed form ``H = E[x x' kron (diag(p) - p p')]``, and its trace."""
    rng = np.random.default_rng(4)
    layer = Linear(6, 4, rng=rng, dtype=np.float64, backend=backend)
    network = Network({"flatten": Flatten(backend), "fc": layer})
    images, labels = rng.standard_normal((9, 1, 2, 3)), rng.integers(0, 4, 9)
    products = HessianProducts(network, images, labels)
    x = images.reshape(9, 6)
    p = reference.softmax(x @ layer.weight + layer.parameters["bias"])
    closed = np.mean(
        [np.kron(np.outer(a, a), np.diag(b) - np.outer(b, b)) for a, b in zip(x, p, strict=True)],
        axis=0,
    )
    hessian = full_hessian(products)
    assert relative_error(hessian, closed) <= 1e-14
    assert np.linalg.eigvalsh(hessian)[0] >= -1e-14
    trace = np.mean((x**2).sum(axis=1) * (1 - (p**2).sum(axis=1)))
    assert exact_traces(network, images, labels)["fc"] == pytest.approx(trace, rel=1e-13)


def test_exact_traces_of_a_network_with_kinks():
    """[S5.4] The sum of PyTorch's diagonal, layer by layer."""
    torch = pytest.importorskip("torch")
    from tests.hessian.test_products import torch_products

    network = quantized(pooled, kernels)
    images, labels = batch(np.float64)
    traces = exact_traces(network, images, labels)
    for name, layer in network.quantized_layers().items():
        diagonal = []
        for index in np.ndindex(*layer.weight.shape):
            unit = np.zeros(layer.weight.shape)
            unit[index] = 1
            _, theirs = torch_products(torch, network, images, labels, {name: unit})
            diagonal.append(theirs[name][index])
        assert traces[name] == pytest.approx(sum(diagonal), rel=1e-11)


def worst(network, images, labels, vectors, step):
    """Largest relative error of the finite difference over the layers."""
    exact = HessianProducts(network, images, labels)(vectors)
    near = finite_difference_product(network, images, labels, vectors, step)
    return max(relative_error(near[name], exact[name]) for name in exact)


@BACKENDS
def test_finite_differences_agree_on_a_smooth_network(backend):
    """[S5.3] Error falls with the step's square, down to 4e-9 at 1e-5."""
    network = quantized(smooth, backend)
    images, labels = batch(np.float64)
    vectors = random_vectors(network, 0)
    errors = [worst(network, images, labels, vectors, step) for step in (1e-2, 1e-3, 1e-4, 1e-5)]
    for coarse, fine in itertools.pairwise(errors):
        assert 90 < coarse / fine < 110
    assert errors[-1] <= 1e-8


def test_finite_differences_name_some_layers_only():
    """[S5.3] Layers not named keep their weights, and effective weights are put back."""
    network = quantized(smooth, reference)
    images, labels = batch(np.float64)
    vectors = random_vectors(network, 0, {"conv2", "fc2"})
    before = {name: layer.effective for name, layer in network.quantized_layers().items()}
    assert worst(network, images, labels, vectors, 1e-5) <= 1e-8
    for name, layer in network.quantized_layers().items():
        assert layer.effective is before[name]
    latent = smooth(np.float64, reference)
    assert worst(latent, images, labels, vectors, 1e-5) <= 1e-8
    assert all(layer.effective is None for layer in latent.layers.values())


@pytest.mark.parametrize("step", [0, -1e-3, np.nan, np.inf])
def test_steps_that_are_none(step):
    """[S5.3] The step is positive and finite."""
    network = quantized(pooled, reference)
    with pytest.raises(ValueError, match="step"):
        finite_difference_product(network, *batch(np.float64), {}, step)


def test_a_step_that_vanishes_in_float32():
    """[S5.3] The step must be positive in the dtype of the weights."""
    network = quantized(pooled, reference, np.float32)
    vectors = random_vectors(network, 0)
    with pytest.raises(ValueError, match="step = 1e-60: expected a positive finite float32"):
        finite_difference_product(network, *batch(np.float32), vectors, 1e-60)


@BACKENDS
def test_finite_differences_across_one_kink(backend):
    """[S5.3] One unit at distance 1e-3 of its kink: every longer step is wrong, by 1/step.

    The loss is ``log(1 + exp(-relu(w)))``. Behind the kink the gradient is 0, so that the
    difference is ``g / 2e`` in place of the second derivative 1/4: twice the error at half the
    step, until the step is shorter than the distance.
    """
    rng = np.random.default_rng(0)
    make = {"bias": False, "rng": rng, "dtype": np.float64, "backend": backend}
    first, last = Linear(1, 1, **make), Linear(1, 2, **make)
    network = Network({"first": first, "relu": ReLU(backend), "last": last})
    first.parameters["weight"][...] = 1e-3
    last.parameters["weight"][...] = [[1, 0]]
    image, label, vectors = np.ones((1, 1)), np.array([0]), {"first": np.ones((1, 1))}
    p = 1 / (1 + np.exp(-1e-3))
    exact = HessianProducts(network, image, label)(vectors)["first"].item()
    assert exact == pytest.approx(p * (1 - p), rel=1e-12)

    def difference(step):
        return finite_difference_product(network, image, label, vectors, step)["first"].item()

    for step in (2e-2, 1e-2, 5e-3, 2e-3):
        ahead = -1 / (1 + np.exp(1e-3 + step))
        assert difference(step) == pytest.approx(ahead / (2 * step), rel=1e-9)
    errors = [abs(difference(step) / exact - 1) for step in (8e-3, 4e-3, 2e-3)]
    assert errors[0] > 100
    assert errors[0] < errors[1] < errors[2]
    assert difference(5e-4) == pytest.approx(exact, rel=1e-6)


def test_finite_differences_on_the_digits_network():
    """[S5.3] Errors of 2 to 30 that grow as the step shrinks to 1e-4; the product is exact."""
    torch = pytest.importorskip("torch")
    from tests.hessian.test_products import torch_products

    part = load_dataset("digits").train
    images, labels = part.images[:64].astype(np.float64), part.labels[:64]
    network = models.build("digits-cnn", width=4, dtype=np.float64, backend=kernels)
    for _ in range(3):
        network.forward(images, training=True)
    rng = np.random.default_rng(0)
    vectors = {
        name: rng.choice([-1.0, 1.0], layer.weight.shape)
        for name, layer in network.quantized_layers().items()
    }
    exact = HessianProducts(network, images, labels)(vectors)
    _, theirs = torch_products(torch, network, images, labels, vectors)
    for name, product in exact.items():
        assert relative_error(product, theirs[name]) <= 1e-12
    errors = [worst(network, images, labels, vectors, step) for step in (1e-2, 1e-3, 1e-4)]
    assert errors[0] > 1
    assert errors[0] < errors[1] < errors[2]
