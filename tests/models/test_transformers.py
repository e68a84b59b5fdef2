"""DeiT and Swin against the `transformers` package in small sizes, and by their definitions."""

import numpy as np
import pytest

from msq_ref import kernels, models
from msq_ref.hessian import HessianProducts, finite_difference_product
from msq_ref.nn import LayerNorm, Linear, Windowing, WindowPartition
from tests.both import BACKENDS
from tests.models.pairs import TINY_DEIT, TINY_SWIN, pair_of
from tests.models.parity import demand_hessian_parity_of, demand_parity_of
from tests.nn.networks import relative_error

BOTH = pytest.mark.parametrize("name", ["deit-ti", "swin-t"])


def tiny(name, **options):
    return models.build(name, **{**(TINY_SWIN if name == "swin-t" else TINY_DEIT), **options})


@BACKENDS
@BOTH
def test_parity(name, backend):
    """[S11.1] Logits and every gradient, those of norms, tokens and position biases among them."""
    demand_parity_of(pair_of(name), backend)


@BACKENDS
@BOTH
def test_hessian_products(name, backend):
    """[S5.2] ``H v`` of all layers at once is PyTorch's double backward."""
    demand_hessian_parity_of(pair_of(name), backend)


@BOTH
def test_the_package_agrees_as_it_comes(name):
    """[S11.1] With its own eager attention, whose softmax is float32: no further than that."""
    pair = pair_of(name)
    from tests.models import torch_transformers
    from tests.models.parity import errors, our_pass, twin_pass

    make = torch_transformers.swin if name == "swin-t" else torch_transformers.vit
    twin = torch_transformers.lively(make(**pair.sizes, attention="eager"))
    network = pair.loaded()
    theirs = twin_pass(twin, network, pair.table, *pair.batch())
    assert max(errors(our_pass(network, *pair.batch()), theirs).values()) <= 1e-5


@BOTH
def test_finite_differences_agree(name):
    """[S5.3] These networks are smooth: central differences reach the exact product, to 1e-6."""
    pair = pair_of(name)
    network = pair.loaded()
    images, labels = pair.batch(2)
    rng = np.random.default_rng(0)
    vectors = {
        key: rng.standard_normal(layer.weight.shape)
        for key, layer in network.quantized_layers().items()
    }
    exact = HessianProducts(network, images, labels)(vectors)
    approximate = finite_difference_product(network, images, labels, vectors, 1e-5)
    for key, product in exact.items():
        assert relative_error(approximate[key], product) <= 1e-6, key


@BACKENDS
@BOTH
def test_the_hessian_is_symmetric(name, backend):
    """[S5.2] ``u' H v = v' H u``, to rounding."""
    network = tiny(name, dtype=np.float64, backend=backend, seed=1)
    rng = np.random.default_rng(2)
    images = rng.standard_normal((2, *network.image))
    products = HessianProducts(network, images, np.array([0, 3]))
    u, v = (
        {key: rng.standard_normal(shape) for key, shape in products.shapes().items()}
        for _ in range(2)
    )
    hu, hv = products(u), products(v)
    left, right = (sum((a[key] * b[key]).sum() for key in a) for a, b in ((u, hv), (v, hu)))
    assert left == pytest.approx(right, rel=1e-9)


def test_deit_by_hand():
    """Of the paper: 12 d^2 weights a block, and its biases and norms; patches, tokens, logits."""
    for name, d in (("deit-ti", 192), ("deit-s", 384)):
        block = 12 * d * d + (3 + 1 + 4 + 1) * d + 4 * d
        outside = (16 * 16 * 3 + 1) * d + (196 + 2) * d + 2 * d + (d + 1) * 1000
        assert models.parameter_count(name) == 12 * block + outside


def test_swin_by_hand():
    """Of the paper, stage by stage: blocks with their tables of positions, and merging."""
    total = (4 * 4 * 3 + 1) * 96 + 2 * 96
    for stage, (blocks, heads) in enumerate(zip((2, 2, 6, 2), (3, 6, 12, 24), strict=True)):
        d = 96 * 2**stage
        total += blocks * (12 * d * d + 9 * d + 4 * d + 13 * 13 * heads)
        if stage < 3:
            total += 4 * d * 2 * d + 2 * 4 * d
    assert models.parameter_count("swin-t") == total + 2 * d + (d + 1) * 1000


@BOTH
def test_what_is_quantized(name):
    """[S5.1] Every linear layer and the patch embedding, nothing else."""
    network = tiny(name)
    linear = [key for key, layer in network.operations.items() if isinstance(layer, Linear)]
    assert list(network.quantized_layers()) == ["patch_embed.proj", *linear]
    per_block = {key.rpartition("blocks.")[2].partition(".")[2] for key in linear if "block" in key}
    assert per_block == {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}
    assert sum(isinstance(layer, LayerNorm) for layer in network.operations.values()) == (
        5 if name == "deit-ti" else 2 * 4 + 3
    )


@BOTH
def test_drawn_weights(name):
    """Normal, standard deviation 0.02, cut off at 0.04: then 0.88 of it is left. Seeded."""
    network, same, other = (tiny(name, seed=seed, width=36) for seed in (3, 3, 4))
    linear = [
        layer.weight.ravel() for layer in network.operations.values() if isinstance(layer, Linear)
    ]
    values = np.concatenate(linear)
    assert np.abs(values).max() <= np.float32(0.04)
    assert np.std(values) == pytest.approx(0.02 * 0.8796, rel=0.01)
    assert abs(values.mean()) <= 5 * 0.02 / np.sqrt(values.size)
    for key, value in network.parameters().items():
        np.testing.assert_array_equal(value, same.parameters()[key])
        word = key.rpartition(".")[2]
        if word in ("bias", "beta"):
            assert not value.any()
        elif word == "gamma":
            assert (value == 1).all()
        else:
            assert (value != other.parameters()[key]).any()


@pytest.mark.parametrize("size", [4, 8, 12, 20, 32, 44])
def test_swin_of_any_size(size):
    """Windows no larger than the image: from one token on, padded and not, through four stages."""
    sizes = {"width": 6, "depth": (2, 1, 1, 1), "heads": (1, 2, 3, 4), "window": 3, "classes": 4}
    network = models.build("swin-t", input_size=size, dtype=np.float64, **sizes)
    images = np.random.default_rng(0).standard_normal((2, size, size, 3))
    logits = network.forward(images)
    assert logits.shape == (2, 4)
    # Images do not see each other.
    np.testing.assert_allclose(network.forward(images[1:]), logits[1:], rtol=1e-12)
    sides = [
        layer.windowing for layer in network.operations.values()
        if isinstance(layer, WindowPartition)
    ]  # fmt: skip
    tokens = size // 4
    side = min(3, tokens)
    expected = [Windowing(tokens, side), Windowing(tokens, side, int(tokens > 3))]
    for _ in range(3):
        tokens = -(-tokens // 2)
        expected.append(Windowing(tokens, min(3, tokens)))
    assert sides == expected


@BOTH
@BACKENDS
def test_training_keeps_nothing(name, backend):
    """What a pass in training kept is given up by backward, layer by layer."""
    network = tiny(name, backend=backend)
    images = np.random.default_rng(0).standard_normal((2, *network.image)).astype(np.float32)
    network.backward(network.forward(images, training=True))
    for key, layer in network.operations.items():
        assert layer._kept is None, key
        assert layer._grad is None, key


@BOTH
def test_a_few_steps_lower_the_loss(name):
    """At 32x32, on one batch; along the signs of the gradients, as Adam's first step."""
    network = tiny(name, input_size=32, backend=kernels, seed=2)
    rng = np.random.default_rng(1)
    images = rng.standard_normal((8, 32, 32, 3)).astype(np.float32)
    labels = rng.integers(0, 5, 8)
    losses = []
    for _ in range(15):
        loss, grad = kernels.cross_entropy(network.forward(images, training=True), labels)
        network.backward(grad)
        losses.append(loss)
        for key, gradient in network.gradients().items():
            network.parameters()[key][...] -= np.float32(0.003) * np.sign(gradient)
    assert losses[-1] < 0.7 * losses[0]


WRONG = {
    "patches": ("deit-ti", {"input_size": 30}, "input_size = 30: expected a multiple of patch = 8"),
    "swin's patches": ("swin-t", {"input_size": 30}, "input_size = 30: expected a multiple of"),
    "no patch": ("deit-s", {"patch": 0}, "patch = 0"),
    "heads": ("deit-s", {"heads": 5}, "heads = 5: expected a divisor of width = 32"),
    "no heads": ("deit-ti", {"heads": 0}, "heads = 0"),
    "depth": ("deit-ti", {"depth": 0}, "depth = 0"),
    "width": ("swin-t", {"width": -1}, "width = -1"),
    "classes": ("swin-t", {"classes": 0}, "classes = 0"),
    "window": ("swin-t", {"window": 0}, "window = 0"),
    "swin's heads": ("swin-t", {"heads": (2, 5)}, r"heads = \(2, 5\): 5 is no divisor of the 24"),
    "stages": ("swin-t", {"heads": (2, 3, 4)}, r"heads = \(2, 3, 4\): expected one for each"),
    "no sequence": ("swin-t", {"depth": 2}, "depth = 2: expected a sequence"),
    "no stages": ("swin-t", {"depth": ()}, r"depth = \(\): expected a sequence"),
    "a word": ("swin-t", {"heads": "23"}, "heads = '23': expected a sequence"),
    "half a block": ("swin-t", {"depth": (2, 0.5)}, r"depth = 0\.5"),
}


@pytest.mark.parametrize(("name", "sizes", "match"), WRONG.values(), ids=WRONG.keys())
def test_sizes_that_do_not_fit(name, sizes, match):
    """The argument, its value, what was expected."""
    with pytest.raises(ValueError, match=f"^{match}"):
        tiny(name, **sizes)


@BOTH
@pytest.mark.parametrize("change", [(32, 32, 1), (32, 40, 3), (36, 36, 3)])
def test_other_images_are_refused(name, change):
    """Another size, not square, another number of channels."""
    with pytest.raises(ValueError, match=r"^x has shape \(2, 3"):
        tiny(name).forward(np.zeros((2, *change), np.float32))
