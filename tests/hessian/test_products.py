"""Exact Hessian-vector products against PyTorch and by their properties [S5.1], [S5.2]."""

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.hessian import HessianProducts, finite_difference_product
from msq_ref.methods import QuantizedWeight
from msq_ref.methods.domains import OFFSET, SIGNED
from tests.both import BACKENDS
from tests.nn.networks import (
    NETWORKS,
    batch,
    channels_first,
    flattened,
    from_torch,
    pooled,
    relative_error,
    to_torch,
    torch_twin,
)

EVERY = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())
DOMAINS = pytest.mark.parametrize("domain", [OFFSET, SIGNED], ids=["offset", "signed"])


def quantized(make, backend, dtype=np.float64, domain=SIGNED, bits=3):
    """A network whose effective weights are quantized, so that they differ from the latent ones."""
    network = make(dtype, backend)
    for layer in network.quantized_layers().values():
        QuantizedWeight(layer, domain, backend, bits, scale=0.8).quantize(regularize=False)
        assert (layer.weight != layer.parameters["weight"]).any()
    return network


def random_vectors(network, seed, names=None):
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal(layer.weight.shape).astype(layer.weight.dtype)
        for name, layer in network.quantized_layers().items()
        if names is None or name in names
    }


def inner(u, v):
    return sum((u[name] * v[name]).sum() for name in u)


def torch_products(torch, network, images, labels, vectors):
    """Double backward: the gradient of ``g . v`` with respect to every quantized weight."""
    twin = torch_twin(torch, network)
    weights = {name: twin.get_parameter(f"{name}.weight") for name in network.quantized_layers()}
    loss = torch.nn.functional.cross_entropy(
        twin(channels_first(torch, images)), torch.tensor(labels)
    )
    grads = torch.autograd.grad(loss, weights.values(), create_graph=True)
    along = sum(
        (grad * to_torch(torch, vectors[name])).sum()
        for name, grad in zip(weights, grads, strict=True) if name in vectors
    )  # fmt: skip
    products = torch.autograd.grad(along, weights.values())
    return float(loss.detach()), {
        name: from_torch(product) for name, product in zip(weights, products, strict=True)
    }


@BACKENDS
@EVERY
@DOMAINS
def test_products_are_those_of_double_backward(backend, make, domain):
    """[S5.2] Every layer's part of H v, in float64, to 1e-12 per tensor."""
    torch = pytest.importorskip("torch")
    network = quantized(make, backend, domain=domain)
    images, labels = batch(np.float64)
    products = HessianProducts(network, images, labels)
    for seed in range(3):
        vectors = random_vectors(network, seed)
        loss, theirs = torch_products(torch, network, images, labels, vectors)
        assert products.loss == pytest.approx(loss, rel=1e-12)
        ours = products(vectors)
        assert ours.keys() == theirs.keys()
        for name, product in ours.items():
            assert relative_error(product, theirs[name]) <= 1e-12, name


@BACKENDS
@EVERY
def test_products_in_float32(backend, make):
    """[S11.1] The same in float32, to 1e-4, and the dtype is kept."""
    torch = pytest.importorskip("torch")
    network = quantized(make, backend, np.float32)
    images, labels = batch(np.float32)
    products = HessianProducts(network, images, labels)
    assert products.dtype == np.float32
    vectors = random_vectors(network, 0)
    _, theirs = torch_products(torch, network, images, labels, vectors)
    for name, product in products(vectors).items():
        assert product.dtype == np.float32
        assert relative_error(product, theirs[name]) <= 1e-4, name


@BACKENDS
@EVERY
def test_the_hessian_is_symmetric_and_linear(backend, make):
    """[S5.2] ``u' H v = v' H u`` and ``H (a u + b v) = a H u + b H v``, to rounding."""
    network = quantized(make, backend)
    products = HessianProducts(network, *batch(np.float64))
    u, v = random_vectors(network, 1), random_vectors(network, 2)
    hu, hv = products(u), products(v)
    assert inner(u, hv) == pytest.approx(inner(v, hu), rel=1e-11)
    mixed = products({name: 3 * u[name] - 0.5 * v[name] for name in u})
    for name, product in mixed.items():
        assert relative_error(product, 3 * hu[name] - 0.5 * hv[name]) <= 1e-12, name


@BACKENDS
@EVERY
def test_one_layer_gives_its_block_column(backend, make):
    """[S5.1] Other layers fixed: v of one layer alone; the columns of all layers add up to H v."""
    torch = pytest.importorskip("torch")
    network = quantized(make, backend)
    images, labels = batch(np.float64)
    products = HessianProducts(network, images, labels)
    whole = random_vectors(network, 3)
    total = {name: np.zeros_like(vector) for name, vector in whole.items()}
    for name, vector in whole.items():
        column = products({name: vector})
        _, theirs = torch_products(torch, network, images, labels, {name: vector})
        others = {other: np.zeros_like(v) for other, v in whole.items() if other != name}
        with_zeros = products({name: vector, **others})
        for other, part in column.items():
            assert relative_error(part, theirs[other]) <= 1e-12
            # Zeros that are named cost time, and at most rounding: attention adds them up.
            assert relative_error(part, with_zeros[other]) <= 1e-14
            total[other] += part
    for name, product in products(whole).items():
        assert relative_error(product, total[name]) <= 1e-11


@BACKENDS
def test_zero_and_empty_vectors_give_zero(backend):
    """[S5.2] H 0 = 0, exactly; a layer that is not named has v = 0."""
    network = quantized(flattened, backend)
    products = HessianProducts(network, *batch(np.float64))
    for vectors in ({}, {n: 0 * v for n, v in random_vectors(network, 0).items()}):
        result = products(vectors)
        assert result.keys() == network.quantized_layers().keys()
        for name, product in result.items():
            assert product.shape == network.layers[name].weight.shape
            assert not product.any()


def test_products_repeat_and_leave_the_network_alone():
    """[S0.4] The same bits each time; weights, statistics, tangents and results stay."""
    network = quantized(flattened, kernels)
    before = {name: value.copy() for name, value in network.state().items()}
    effective = {name: layer.effective for name, layer in network.quantized_layers().items()}
    products = HessianProducts(network, *batch(np.float64))
    vectors = random_vectors(network, 0)
    kept = {name: vector.copy() for name, vector in vectors.items()}
    first = products(vectors)
    shown = {name: product.copy() for name, product in first.items()}
    products(random_vectors(network, 1))
    again = products(vectors)
    for name, product in first.items():
        np.testing.assert_array_equal(product, again[name])
        np.testing.assert_array_equal(product, shown[name])
        np.testing.assert_array_equal(vectors[name], kept[name])
        assert network.layers[name].effective is effective[name]
        assert network.layers[name].weight_dot is None
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])


def test_any_layout_of_vectors():
    """[S0.4] Strided, big-endian and read-only vectors give the same bits."""
    network = quantized(pooled, kernels)
    products = HessianProducts(network, *batch(np.float64))
    plain, other = random_vectors(network, 0), {}
    for name, vector in plain.items():
        other[name] = np.repeat(vector, 2, axis=0)[::2].astype(">f8")
        other[name].flags.writeable = False
    for name, product in products(plain).items():
        np.testing.assert_array_equal(product, products(other)[name])


W = (6, 5)
WRONG = {
    "unknown layer": ({"fcc": np.zeros(W)}, ValueError, "vectors names 'fcc': expected conv, fc"),
    "no weight": ({"relu": np.zeros(W)}, ValueError, "vectors names 'relu'"),
    "shape": ({"fc": np.zeros((5, 6))}, ValueError, r"vectors\['fc'\] has shape \(5, 6\)"),
    "scalar": ({"fc": np.float64(1)}, ValueError, r"vectors\['fc'\] has shape \(\)"),
    "dtype": ({"fc": np.zeros(W, np.float32)}, TypeError, r"vectors\['fc'\] has dtype float32"),
    "integers": ({"fc": np.zeros(W, int)}, TypeError, r"vectors\['fc'\] has dtype int64"),
    "nan": ({"fc": np.full(W, np.nan)}, ValueError, r"vectors\['fc'\] contains nan"),
}


@pytest.mark.parametrize(("vectors", "error", "match"), WRONG.values(), ids=WRONG.keys())
def test_vectors_that_do_not_fit(vectors, error, match):
    """Both products name the vector, and what was expected."""
    network = quantized(pooled, reference)
    images, labels = batch(np.float64)
    with pytest.raises(error, match=match):
        HessianProducts(network, images, labels)(vectors)
    with pytest.raises(error, match=match):
        finite_difference_product(network, images, labels, vectors, 1e-4)
    assert all(layer.weight_dot is None for layer in network.layers.values())


def test_images_and_labels_that_do_not_fit():
    """The loss and the layers check what they are given."""
    network = quantized(pooled, reference)
    images, labels = batch(np.float64)
    with pytest.raises(ValueError, match="labels"):
        HessianProducts(network, images, labels[1:])
    with pytest.raises(ValueError, match="labels contains 5"):
        HessianProducts(network, images, np.full_like(labels, 5))
    with pytest.raises(TypeError, match="dtype"):
        HessianProducts(network, images.astype(np.float32), labels)


def test_products_end_with_the_next_forward_pass():
    """The layers keep the last pass only: stale products are refused, not computed."""
    network = quantized(pooled, reference)
    images, labels = batch(np.float64)
    products = HessianProducts(network, images, labels)
    vectors = random_vectors(network, 0)
    fresh = products(vectors)
    finite_difference_product(network, images, labels, vectors, 1e-4)
    with pytest.raises(RuntimeError, match="has run forward since"):
        products(vectors)
    for name, product in HessianProducts(network, images, labels)(vectors).items():
        np.testing.assert_array_equal(product, fresh[name])


@BACKENDS
@EVERY
def test_a_block_is_the_layers_part_of_its_product(backend, make):
    """[S5.1] The same bits as with all layers computed, and the bits of later products stay."""
    network = quantized(make, backend)
    products = HessianProducts(network, *batch(np.float64))
    vectors = random_vectors(network, 4)
    whole = products(vectors)
    for name, vector in vectors.items():
        block = products.block(name, vector)
        np.testing.assert_array_equal(block, products({name: vector})[name])
        assert network.operations[name].weight_dot is None
    for name, product in products(vectors).items():
        np.testing.assert_array_equal(product, whole[name])


NESTED = {
    "resnet20": {"width": 2, "classes": 3, "input_size": 8},
    "mobilenetv3-small": {"width_mult": 0.1, "classes": 3, "input_size": 32},
    "deit-ti": {"input_size": 8, "patch": 4, "width": 12, "depth": 2, "heads": 3, "classes": 3},
}


@pytest.mark.parametrize("model", NESTED)
def test_networks_of_blocks(model):
    """[S5.2] Layers within blocks: their own parts, symmetry, and the columns' sum."""
    network = models.build(model, dtype=np.float64, backend=kernels, **NESTED[model])
    shape = models.input_shape(model, **NESTED[model])
    images = np.random.default_rng(0).standard_normal((2, *shape))
    products = HessianProducts(network, images, np.array([0, 2]))
    u, v = random_vectors(network, 1), random_vectors(network, 2)
    hu, hv = products(u), products(v)
    assert inner(u, hv) == pytest.approx(inner(v, hu), rel=1e-9)
    total = {name: np.zeros_like(vector) for name, vector in u.items()}
    for name, vector in list(u.items()):
        column = products({name: vector})
        np.testing.assert_array_equal(products.block(name, vector), column[name])
        for other, part in column.items():
            total[other] += part
    for name, product in hu.items():
        assert relative_error(total[name], product) <= 1e-10, name


def test_a_block_computes_nothing_before_its_layer():
    """The last layer's block leaves the tangents of all others as they were."""
    network = quantized(flattened, kernels)
    products = HessianProducts(network, *batch(np.float64))
    vectors = random_vectors(network, 0)
    products(vectors)
    before = {name: layer.weight_grad_dot for name, layer in network.quantized_layers().items()}
    products.block("fc2", vectors["fc2"])
    for name, layer in network.quantized_layers().items():
        assert (layer.weight_grad_dot is before[name]) == (name != "fc2")


@BACKENDS
@EVERY
def test_gradients_of_the_primal_pass(backend, make):
    """[S5.1] Those of the effective weights; products leave them as they are."""
    network = quantized(make, backend)
    images, labels = batch(np.float64)
    products = HessianProducts(network, images, labels)
    products(random_vectors(network, 0))
    kept = products.gradients
    _, grad = reference.cross_entropy(network.forward(images), labels)
    network.backward(grad)
    assert kept.keys() == network.quantized_layers().keys()
    for name, layer in network.quantized_layers().items():
        np.testing.assert_array_equal(kept[name], layer.gradients["weight"])


def test_blocks_that_do_not_fit():
    network = quantized(pooled, reference)
    images, labels = batch(np.float64)
    products = HessianProducts(network, images, labels)
    with pytest.raises(ValueError, match="vectors names 'relu'"):
        products.block("relu", np.zeros(W))
    with pytest.raises(ValueError, match=r"vectors\['fc'\] has shape"):
        products.block("fc", np.zeros((5, 6)))
    network.forward(images)
    with pytest.raises(RuntimeError, match="has run forward since"):
        products.block("fc", np.zeros(W))
