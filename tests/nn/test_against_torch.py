"""Whole networks and single layers against PyTorch, in both precisions and backends [S11.1]."""

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.nn import BatchNorm2d, Conv2d, Network
from tests.both import BACKENDS
from tests.nn.networks import (
    NETWORKS,
    batch,
    channels_first,
    channels_last,
    from_torch,
    our_name,
    relative_error,
    torch_layer,
    torch_twin,
)

torch = pytest.importorskip("torch")
PRECISIONS = pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)])
EVERY = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())


def gradients_of_both(network, images, labels, backend, training):
    """Loss and gradients of ours, and of the twin, by our names and in our layout."""
    twin = torch_twin(torch, network, training)
    x = channels_first(torch, images).requires_grad_()
    logits = twin(x)
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
    theirs = {our_name(network, n): from_torch(p.grad) for n, p in twin.named_parameters()}
    theirs |= {"images": channels_last(x.grad), "logits": logits.detach().numpy()}
    ours = {"logits": network.forward(images, training)}
    _, grad = backend.cross_entropy(ours["logits"], labels)
    ours["images"] = network.backward(grad)
    return ours | network.gradients(), theirs


@BACKENDS
@PRECISIONS
@EVERY
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_networks_agree(backend, dtype, bound, make, training):
    """[S11.1] Logits and the gradients of images, weights, biases, gamma and beta."""
    network = make(dtype, backend)
    ours, theirs = gradients_of_both(network, *batch(dtype), backend, training)
    assert ours.keys() == theirs.keys()
    assert {*network.parameters()} < {*ours}
    for name, value in ours.items():
        assert value.dtype == dtype
        assert relative_error(value, theirs[name]) <= bound, name


@BACKENDS
@PRECISIONS
@EVERY
def test_effective_weights_are_used_and_differentiated(backend, dtype, bound, make):
    """[S5.1] Where an effective weight is set, it is the one used, and gradients are its own."""
    network = make(dtype, backend)
    for seed, layer in enumerate(network.quantized_layers().values()):
        noise = np.random.default_rng(seed).standard_normal(layer.weight.shape)
        layer.effective = layer.parameters["weight"] + dtype(0.5) * noise.astype(dtype)
    ours, theirs = gradients_of_both(network, *batch(dtype), backend, training=False)
    for name, value in ours.items():
        assert relative_error(value, theirs[name]) <= bound, name


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize("make", [NETWORKS["flattened"], NETWORKS["pooled"], NETWORKS["hard"]])
def test_running_statistics_after_several_batches(backend, dtype, bound, make):
    """[S11.1] Unbiased variance, momentum 0.1 or another, moved by training, used by inference."""
    network = make(dtype, backend)
    twin = torch_twin(torch, network, training=True)
    for seed, size in enumerate([4, 2, 7, 3, 5]):
        images, _ = batch(dtype, seed, size)
        network.forward(images, training=True)
        twin(channels_first(torch, images))
        images, _ = batch(dtype, seed + 10, size)
        before = {name: value.copy() for name, value in network.buffers().items()}
        network.forward(images, training=False)
        for name, value in network.buffers().items():
            np.testing.assert_array_equal(value, before[name])
    theirs = {our_name(network, n): from_torch(b) for n, b in twin.named_buffers() if b.ndim}
    assert theirs.keys() == network.buffers().keys()
    for name, value in network.buffers().items():
        assert value.dtype == dtype
        assert relative_error(value, theirs[name]) <= bound, name
    images, _ = batch(dtype, 99)
    logits = twin.eval()(channels_first(torch, images))
    assert relative_error(network.forward(images), logits.detach().numpy()) <= bound


@PRECISIONS
def test_a_dense_layer_normalizes_features(dtype, bound):
    """[S11.1] Batch normalization of (batch, features) is that of one position."""
    rng = np.random.default_rng(3)
    layer = BatchNorm2d(5, dtype=dtype, backend=reference)
    network = Network({"bn": layer})
    x, grad = (rng.standard_normal((6, 5)).astype(dtype) for _ in range(2))
    twin = torch.nn.BatchNorm1d(5, dtype=torch.float64 if dtype == np.float64 else torch.float32)
    t = torch.tensor(x, requires_grad=True)
    y = twin(t)
    y.backward(torch.tensor(grad))
    assert relative_error(network.forward(x, training=True), y.detach().numpy()) <= bound
    assert relative_error(network.backward(grad), t.grad.numpy()) <= bound
    assert relative_error(layer.buffers["running_variance"], twin.running_var.numpy()) <= bound


@BACKENDS
def test_a_bias_before_normalization_does_nothing_in_training(backend):
    """[S11.1] The batch's mean takes it away: its gradient is 0, up to rounding."""
    rng = np.random.default_rng(0)
    conv = Conv2d(3, 4, 3, bias=True, rng=rng, dtype=np.float64, backend=backend)
    network = Network({"conv": conv, "bn": BatchNorm2d(4, dtype=np.float64, backend=backend)})
    x = rng.standard_normal((3, 6, 6, 3))
    grad = rng.standard_normal((3, 4, 4, 4))
    network.forward(x, training=True)
    network.backward(grad)
    assert np.abs(conv.gradients["bias"]).max() <= 1e-13 * np.abs(grad).sum()


def test_every_layer_has_a_counterpart():
    """The networks hold every public layer, and each is compared with PyTorch's."""
    from msq_ref import nn

    layers = {
        type(layer) for make in NETWORKS.values()
        for layer in make(np.float32, reference).operations.values()
    }  # fmt: skip
    concrete = {getattr(nn, name) for name in nn.__all__} - {
        nn.Chain, nn.Identity, nn.Layer, nn.LinearMap, nn.Network, nn.Product,
        nn.SqueezeExcitation, nn.Sum, nn.TransformerBlock, nn.Windowing,
    }
    assert layers == concrete
    for make in NETWORKS.values():
        for layer in make(np.float32, reference).layers.values():
            assert isinstance(torch_layer(torch, layer), torch.nn.Module)
