"""Every network of the list at its published size: parameters, and that it runs."""

import inspect

import numpy as np
import pytest

from msq_ref import kernels, models

PUBLISHED = {
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet56": 853_018,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "mobilenetv3-large": 5_483_032,
    "mobilenetv3-small": 2_542_856,
    "efficientnet-lite0": 4_652_008,
    "deit-ti": 5_717_416,
    "deit-s": 22_050_664,
    "swin-t": 28_288_354,
}


def test_every_published_network_is_counted():
    """All but our own network for digits, counted by hand beside its other tests."""
    assert PUBLISHED.keys() == {*models.names()} - {"digits-cnn"}


@pytest.mark.parametrize("name", models.names())
def test_networks_at_their_full_size(name):
    """Convolutions, linear layers, normalization, embeddings; one image gives finite logits."""
    network = models.build(name, backend=kernels)
    if name in PUBLISHED:
        count = sum(value.size for value in network.parameters().values())
        assert count == PUBLISHED[name]
    image = np.random.default_rng(0).random((1, *models.input_shape(name)), np.float32)
    logits = network.forward(image)
    assert logits.shape == (1, 10 if name.startswith(("digits", "resnet20", "resnet32", "resnet56"))
                            else 1000)  # fmt: skip
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", ["resnet20", "resnet32", "resnet56", "mobilenetv3-small"])
def test_parameter_count(name):
    """The function gives the same."""
    assert models.parameter_count(name) == PUBLISHED[name]


@pytest.mark.parametrize(("depth", "blocks"), [(20, 3), (32, 5), (56, 9)])
def test_resnets_for_cifar_by_hand(depth, blocks):
    """Three stages: 3x3 convolutions of 16, 32 and 64 channels, two vectors a normalization."""
    stages = [(16, 16), (16, 32), (32, 64)]
    weights = sum(9 * (i * o + (2 * blocks - 1) * o * o) for i, o in stages) + 9 * 3 * 16
    norms = sum(2 * 2 * blocks * o for _, o in stages) + 2 * 16
    assert PUBLISHED[f"resnet{depth}"] == weights + norms + 64 * 10 + 10


def test_sizes_change_the_count():
    """By hand: a class less is a column and a bias less."""
    assert models.parameter_count("resnet20", classes=9) == 269_722 - 65
    assert models.parameter_count("resnet18", classes=10) == 11_689_512 - 990 * 513


@pytest.mark.parametrize("name", models.names())
def test_image_shapes(name):
    """The size that a network is built for unless told, and any other that it is told."""
    make = models._builder(name)
    height, width, channels = models.input_shape(name)
    sizes = inspect.signature(make).parameters
    if name == "digits-cnn":
        assert "input_size" not in sizes
        assert models.input_shape(name) == (8, 8, 1)
    else:
        assert sizes["input_size"].default == height == width
        assert channels == 3
        assert models.input_shape(name, input_size=64) == (64, 64, 3)
        with pytest.raises(ValueError, match=r"^input_size = 0: expected an integer in"):
            models.input_shape(name, input_size=0)
