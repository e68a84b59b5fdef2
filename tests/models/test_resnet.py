"""ResNet-18 and ResNet-50 against the `transformers` package, in small sizes."""

import numpy as np
import pytest

from msq_ref import models, reference
from msq_ref.nn import Conv2d, MaxPool2d
from tests.both import BACKENDS
from tests.models.pairs import pair_of
from tests.models.parity import demand_hessian_parity_of, demand_parity_of

BOTH = pytest.mark.parametrize("name", ["resnet18", "resnet50"])


MARGIN = 2e-5
"""Of all activations to every kink, far more than what float32 is off."""


@BACKENDS
@BOTH
def test_parity(name, backend):
    """[S11.1] Logits, every gradient and the running statistics, both modes and precisions."""
    demand_parity_of(pair_of(name), backend, MARGIN)


@BACKENDS
@BOTH
def test_hessian_products(name, backend):
    """[S5.2] ``H v`` of all layers at once is PyTorch's double backward."""
    demand_hessian_parity_of(pair_of(name), backend)


@pytest.mark.parametrize(
    ("name", "convolutions", "outputs", "shortcuts"),
    [("resnet18", 20, 512, 3), ("resnet50", 53, 2048, 4)],
)
def test_structure(name, convolutions, outputs, shortcuts):
    """Of the paper: a convolution more than the depth for each shortcut, less the linear layer."""
    network = models.build(name)
    operations = network.operations
    kinds = [type(layer) for layer in operations.values()]
    assert kinds.count(Conv2d) == convolutions == int(name[6:]) - 1 + shortcuts
    assert kinds.count(MaxPool2d) == 1
    assert len(network.quantized_layers()) == convolutions + 1
    assert operations["fc"].weight.shape == (outputs, 1000)
    strided = {key for key, layer in operations.items() if getattr(layer, "stride", 1) > 1}
    # torchvision's version 1.5: the stride of a bottleneck is on its 3x3 convolution.
    inner = "conv1" if name == "resnet18" else "conv2"
    stages = range(2, 5)
    assert strided == {"conv1", "maxpool", *(f"layer{s}.0.{inner}" for s in stages)} | {
        f"layer{s}.0.downsample.0" for s in stages
    }
    assert all(
        layer.weight.shape[0] == 3 for key, layer in operations.items()
        if key in strided and inner in key and key != "conv1"
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize("size", [1, 31, 32, 33])
def test_any_image_size(name, size):
    """[S11.1] Down to one pixel, odd and even, whatever the network is built for."""
    network = models.build(name, width=1, classes=3, input_size=size, dtype=np.float64)
    images = np.random.default_rng(0).standard_normal((2, size, size, 3))
    logits = network.forward(images)
    assert logits.shape == (2, 3)
    assert network.backward(np.ones_like(logits)).shape == images.shape


WRONG_IMAGES = {
    "size": (2, 33, 32, 3), "channels": (2, 32, 32, 1), "channels first": (2, 3, 32, 32),
    "no batch": (32, 32, 3), "nothing": (),
}  # fmt: skip


@pytest.mark.parametrize("shape", WRONG_IMAGES.values(), ids=WRONG_IMAGES.keys())
@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50"])
def test_images_that_do_not_fit(name, shape):
    """One line: their shape, and the one that was expected."""
    network = models.build(name, width=1, input_size=32)
    with pytest.raises(ValueError, match=r"^x has shape .*: expected \(batch, 32, 32, 3\)$"):
        network.forward(np.zeros(shape, np.float32))
    with pytest.raises(TypeError, match=r"^x has dtype float64|^w has dtype float32"):
        network.forward(np.zeros((1, 32, 32, 3)))


def test_depths():
    """Those of the paper that are here."""
    from msq_ref.models.resnet import resnet

    with pytest.raises(ValueError, match=r"^depth = 34: expected 18 or 50$"):
        resnet(seed=0, dtype=np.float32, backend=reference, depth=34)
