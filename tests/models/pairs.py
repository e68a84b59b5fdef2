"""Networks of ours, each with its twin in PyTorch: tiny ones for tests, and the full sizes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from msq_ref import kernels, models
from msq_ref.models.published import from_torch
from tests.models.kinks import clear_images


@dataclass(frozen=True)
class Pair:
    """A twin with random weights, and how to build what takes them over.

    `build` makes our network of a dtype; `table` and `convert` are as of `from_torch`.
    """

    name: str
    sizes: dict[str, Any]
    twin: Any
    table: Any = ()
    convert: Callable[..., Any] = field(default=from_torch)

    @property
    def shape(self):
        return models.input_shape(self.name, **self.sizes)

    def build(self, dtype, backend=kernels):
        return models.build(self.name, dtype=dtype, backend=backend, **self.sizes)

    def loaded(self, dtype=np.float64, backend=kernels):
        """Return our network with the twin's weights."""
        network = self.build(dtype, backend)
        tensors = {name: value.numpy() for name, value in self.twin.state_dict().items()}
        network.load_state(self.convert(network, tensors, self.table))
        return network

    def batch(self, size=6, margin=0.0):
        """Images, float64 NHWC, that stay a margin away from every jump, and labels."""
        images = clear_images(self.twin, self.shape, size, margin)
        classes = self.sizes.get("classes", 10)
        return images, np.random.default_rng(0).integers(0, classes, size)


def lively(make, shape, seed=0, size=6):
    """Make a twin; give it, in float64, gains, biases and statistics that hide nothing.

    The running statistics are those of a random batch, moved: the activations keep their size
    through any depth, as in a trained network.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _lively(torch, make().double(), shape, size)


def _lively(torch, twin, shape, size):
    norms = [m for m in twin.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for value in twin.parameters():
            if value.ndim == 1:  # gains, about 1, and biases, about 0
                value += 0.3 * torch.randn_like(value)
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1.0
        height, width, channels = shape
        twin.train()(torch.randn(size, channels, height, width, dtype=torch.float64))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.running_mean += 0.3 * norm.running_var.sqrt() * torch.randn_like(norm.bias)
            norm.running_var *= torch.exp(0.3 * torch.randn_like(norm.bias))
    return twin.eval()


def resnet_cifar(name, depth):
    def make(full=False):
        from tests.models.torch_resnet import ResNetCifar

        # An odd width, so that the new channels do not divide evenly.
        sizes = {} if full else {"width": 3, "classes": 5, "input_size": 9}
        twin = lively(
            lambda: ResNetCifar(depth, sizes.get("width", 16), sizes.get("classes", 10)),
            models.input_shape(name, **sizes),
        )
        return Pair(name, sizes, twin)

    return make


def resnet_transformers(name, kind, depths, seed=0):
    def make(full=False):
        from transformers import ResNetConfig, ResNetForImageClassification

        from msq_ref.models.resnet import TORCH_NAMES

        classes = 1000 if full else 5
        sizes = {"classes": classes} if full else {"width": 3, "classes": 5, "input_size": 35}
        width = sizes.get("width", 64)
        expansion = 4 if kind == "bottleneck" else 1
        config = ResNetConfig(
            embedding_size=width,
            hidden_sizes=[width * 2**stage * expansion for stage in range(4)],
            depths=depths,
            layer_type=kind,
            downsample_in_bottleneck=False,
            num_labels=classes,
        )
        shape = models.input_shape(name, **sizes)
        twin = lively(lambda: ResNetForImageClassification(config), shape, seed)
        return Pair(name, sizes, twin, TORCH_NAMES)

    return make


def mobilenetv3(name, variant):
    def make(full=False):
        from tests.models.torch_mobilenetv3 import MobileNetV3

        # An odd size, at which ours takes stride 1 in the stem.
        sizes = {} if full else {"width_mult": 0.1, "classes": 5, "input_size": 33}
        shape = models.input_shape(name, **sizes)
        width, classes = sizes.get("width_mult", 1.0), sizes.get("classes", 1000)
        stride = 2 if full else 1
        return Pair(
            name, sizes, lively(lambda: MobileNetV3(variant, width, classes, stride), shape)
        )

    return make


def efficientnet_lite(full=False):
    from msq_ref.models.efficientnet_lite import TORCH_NAMES
    from tests.models.torch_efficientnet_lite import EfficientNetLite

    # 38, 19, 10, 5, 3, 2: padding is uneven at some strides and even at others.
    sizes = {} if full else {"width_mult": 0.1, "classes": 5, "input_size": 38}
    shape = models.input_shape("efficientnet-lite0", **sizes)
    width, classes = sizes.get("width_mult", 1.0), sizes.get("classes", 1000)
    twin = lively(lambda: EfficientNetLite(width, classes), shape)
    return Pair("efficientnet-lite0", sizes, twin, TORCH_NAMES)


TINY_DEIT = {"input_size": 32, "patch": 8, "width": 32, "depth": 2, "heads": 2, "classes": 5}
# The first stage of 10 x 10 tokens is padded to windows of 4, the second one of 5 x 5 too.
TINY_SWIN = {"input_size": 40, "patch": 4, "width": 12, "depth": (2, 2), "heads": (2, 3),
             "window": 4, "classes": 5}  # fmt: skip


def transformer(name, maker, tiny, **full_sizes):
    def make(full=False):
        from importlib import import_module

        from tests.models import torch_transformers

        sizes = {} if full else tiny
        twin = getattr(torch_transformers, maker)(**{**full_sizes, **sizes})
        table = import_module(f"msq_ref.models.{name.partition('-')[0]}").TORCH_NAMES
        return Pair(name, {"classes": 1000, **sizes}, torch_transformers.lively(twin), table)

    return make


PAIRS = {
    "deit-ti": transformer("deit-ti", "vit", TINY_DEIT, width=192, heads=3),
    "deit-s": transformer("deit-s", "vit", TINY_DEIT, width=384, heads=6),
    "swin-t": transformer("swin-t", "swin", TINY_SWIN),
    "resnet20": resnet_cifar("resnet20", 20),
    "resnet32": resnet_cifar("resnet32", 32),
    "resnet56": resnet_cifar("resnet56", 56),
    "resnet18": resnet_transformers("resnet18", "basic", [2, 2, 2, 2]),
    # With seed 0 a sum of three channels' gradients nearly cancels, in PyTorch's too.
    "resnet50": resnet_transformers("resnet50", "bottleneck", [3, 4, 6, 3], seed=3),
    "mobilenetv3-large": mobilenetv3("mobilenetv3-large", "large"),
    "mobilenetv3-small": mobilenetv3("mobilenetv3-small", "small"),
    "efficientnet-lite0": efficientnet_lite,
}
"""By the name of the network; each takes whether the sizes are the full ones."""


def pair_of(name):
    """A pair in small sizes; skips where the twin's package is not installed."""
    pytest.importorskip("torch")
    if PAIRS[name].__qualname__.startswith(("transformer", "resnet_transformers")):
        pytest.importorskip("transformers")
    return PAIRS[name](False)
