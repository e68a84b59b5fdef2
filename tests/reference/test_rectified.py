"""What an activation follows: the composition, bit by bit, whatever the threads [S11.1]."""

import numpy as np
import pytest

from msq_ref import kernels, nn, reference
from msq_ref.kernels.threads import use_threads

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
BOUND = {np.float32: 1e-6, np.float64: 1e-13}
SHAPES = [(2, 3, 5), (40, 40, 18, 16), (3, 70_000, 1), (2, 2, 700)]


def draw(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    channels = (rng.standard_normal(shape[-1]).astype(dtype) for _ in range(2))
    arrays = ((3 * rng.standard_normal(shape) + 5).astype(dtype) for _ in range(2))
    return *arrays, *channels


def distance(a, b):
    return np.linalg.norm(a - b) / max(1, np.linalg.norm(b))


@DTYPES
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", ["relu", "hard_swish"])
def test_normalization_then_activation(dtype, shape, activation):
    """[S11.1] One operation gives the bits of two kernels, and the definition's values."""
    grad, x, gamma, beta = draw(dtype, shape)
    name = f"batchnorm_{activation}_train"
    y, statistics = getattr(kernels, name)(x, gamma, beta)
    plain, same = kernels.batchnorm_train(x, gamma, beta)
    np.testing.assert_array_equal(y, getattr(kernels, activation)(plain))
    np.testing.assert_array_equal(statistics.variance, same.variance)
    grads = getattr(kernels, f"{name}_backward")(grad, x, gamma, beta, statistics)
    through = getattr(kernels, f"{activation}_backward")(grad, plain)
    apart = kernels.batchnorm_train_backward(through, x, gamma, statistics)
    expected, given = getattr(reference, name)(x, gamma, beta)
    defined = getattr(reference, f"{name}_backward")(grad, x, gamma, beta, given)
    assert distance(y, expected) <= BOUND[dtype]
    for one, two, three in zip(grads, apart, defined, strict=True):
        np.testing.assert_array_equal(one, two)
        assert distance(one, three) <= BOUND[dtype]


@DTYPES
def test_sums_are_bit_identical(dtype):
    """[S11.1] And NaN, infinities and signed zeros go the definition's way."""
    a, b, _, _ = draw(dtype, (3, 50_001))
    a[0, :6] = np.nan, np.inf, -np.inf, np.inf, -0.0, 1
    b[0, :6] = 1, 1, 1, -np.inf, -0.0, -1
    with np.errstate(invalid="ignore"):
        for name in ("add", "add_relu"):
            ours, expected = getattr(kernels, name)(a, b), getattr(reference, name)(a, b)
            np.testing.assert_array_equal(ours, expected, err_msg=name)
            assert ours.dtype == dtype


def test_threads_do_not_change_the_bits():
    """[S0.5] 1, 2 and 4."""
    grad, x, gamma, beta = draw(np.float32, (40, 40, 18, 16))
    found = []
    for threads in (1, 2, 4):
        with use_threads(threads):
            results = [kernels.add(grad, x)]
            for name in ("batchnorm_relu_train", "batchnorm_hard_swish_train"):
                y, statistics = getattr(kernels, name)(x, gamma, beta)
                backward = getattr(kernels, f"{name}_backward")
                results += [y, *statistics, *backward(grad, x, gamma, beta, statistics)]
        found.append([np.asarray(result).tobytes() for result in results])
    assert found[0] == found[1] == found[2]


@DTYPES
def test_a_mean_far_from_zero_costs_no_digits(dtype):
    """[S11.1] The variance is summed around means of its parts: no difference of large numbers."""
    x = np.random.default_rng(0).standard_normal((50_000, 3)) + 1e4
    x = x.astype(dtype)
    _, statistics = kernels.batchnorm_train(x, np.ones(3, dtype), np.zeros(3, dtype))
    expected = x.astype(np.longdouble).var(axis=0)
    bound = {np.float32: 2.4e-7, np.float64: 1e-12}[dtype]
    assert np.abs(statistics.variance / expected - 1).max() <= bound


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_bad_arguments_are_named(backend):
    """[S0.2]"""
    with pytest.raises(ValueError, match=r"^b has shape \(3,\): expected \(2,\)"):
        backend.add(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="dtype"):
        backend.add_relu(np.ones(2), np.ones(2, np.float32))


class Plain:
    """The kernels without their joined operations, as a backend of somebody else's."""

    def __getattr__(self, name):
        if name in ("add", "add_relu") or name.endswith(("_relu_train", "_hard_swish_train")):
            raise AttributeError(name)
        return getattr(kernels, name)


def test_a_network_joins_its_layers_to_the_same_bits():
    """[S11.1] With a backend that can, with one that cannot, and with layers one by one."""
    images = np.random.default_rng(1).standard_normal((4, 8, 8, 3), dtype=np.float32)
    found = []
    for backend, apart in ((kernels, False), (Plain(), False), (kernels, True)):
        rng = np.random.default_rng(0)
        sizes = {"rng": rng, "dtype": np.float32, "backend": backend}
        norm = {"dtype": np.float32, "backend": backend}
        branch = nn.Chain({
            "conv1": nn.Conv2d(4, 4, 3, padding=1, **sizes), "bn1": nn.BatchNorm2d(4, **norm),
            "relu1": nn.ReLU(backend),
            "conv2": nn.Conv2d(4, 4, 3, padding=1, **sizes), "bn2": nn.BatchNorm2d(4, **norm),
        })  # fmt: skip
        network = nn.Network({
            "conv": nn.Conv2d(3, 4, 3, padding=1, **sizes), "bn": nn.BatchNorm2d(4, **norm),
            "relu": nn.ReLU(backend), "conv0": nn.Conv2d(4, 4, 1, **sizes),
            "bn0": nn.BatchNorm2d(4, **norm), "swish": nn.HardSwish(backend),
            "block": nn.Chain({"": nn.Sum({"": branch, "shortcut": nn.Identity()}),
                               "relu": nn.ReLU(backend)}),
        })  # fmt: skip
        if apart:
            for layer in network.operations.values():
                layer.forward = layer.forward
        y = network.forward(images, training=True)
        if apart:
            network.backward(np.cos(y))  # the first input's gradient too
        else:
            network.backward_to_weights(np.cos(y))
        arrays = {**network.gradients(), **network.buffers(), "y": y}
        found.append({name: value.tobytes() for name, value in arrays.items()})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e-40, -0.0])
@pytest.mark.parametrize("activation", ["relu", "hard_swish"])
def test_values_that_are_no_ordinary_numbers(activation, value):
    """[S11.1] As in the definition: where not finite, and subnormal numbers to the last bit."""
    grad, x, gamma, beta = draw(np.float32, (4, 3, 5))
    x[1, 1, 2] = value
    if value == 1e-40:
        x *= np.float32(1e-40)
    with np.errstate(all="ignore"):
        name, found = f"batchnorm_{activation}_train", []
        for backend in (reference, kernels):
            y, statistics = getattr(backend, name)(x, gamma, beta)
            backward = getattr(backend, f"{name}_backward")
            found.append([y, *statistics, *backward(grad, x, gamma, beta, statistics)])
    for expected, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6)
