"""ResNet-18 and ResNet-50 for ImageNet, in torchvision's names and layout."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.models.published import NameTable
from msq_ref.models.residual import EXPANSION, Maker
from msq_ref.nn import GlobalAvgPool, Identity, Layer, Linear, MaxPool2d, Network, ReLU

__all__ = ["TORCH_NAMES", "resnet"]

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
"""Blocks of each stage, by depth."""

_STAGE = r"^encoder\.stages\.{}\.layers\.(\d+)\."

TORCH_NAMES: NameTable = [
    (r"^module\.", ""),
    (r"^resnet\.", ""),
    (r"^embedder\.embedder\.convolution$", "conv1"),
    (r"^embedder\.embedder\.normalization$", "bn1"),
    (r"^classifier\.1$", "fc"),
    *((_STAGE.format(stage), rf"layer{stage + 1}.\1.") for stage in range(4)),
    (r"\.shortcut\.convolution$", ".downsample.0"),
    (r"\.shortcut\.normalization$", ".downsample.1"),
    *((rf"\.layer\.{step}\.convolution$", f".conv{step + 1}") for step in range(3)),
    *((rf"\.layer\.{step}\.normalization$", f".bn{step + 1}") for step in range(3)),
]
"""Our names are torchvision's; the patterns take over those of the `transformers` package."""


def resnet(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    depth: int = 18,
    width: int = 64,
    classes: int = 1000,
    input_size: int = 224,
) -> Network:
    """Build a ResNet for ImageNet (He et al. 2016, table 1; version 1.5).

    A 7x7 convolution at stride 2, 3x3 maxima at stride 2, four stages on ``width`` to ``8 width``
    channels, of basic blocks at depth 18 and at depth 50 of bottlenecks, whose outputs have 4
    times the channels and whose stride is on the 3x3 convolution; global pooling, a linear layer.
    Where the shape changes, the shortcut is a 1x1 convolution with a normalization.

    Parameters
    ----------
    seed : int
        Of the weights.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    depth : int
        18 or 50: the layers with a weight, those of shortcuts not counted.
    width, classes : int
        Channels of the first stage; number of logits.
    input_size : int
        Height and width of the images.

    Returns
    -------
    Network
        Takes (batch, input_size, input_size, 3) to (batch, classes).

    Raises
    ------
    TypeError, ValueError
        If `dtype` or `depth` is another, or a size is not positive.
    """
    if depth not in BLOCKS:
        raise ValueError(f"depth = {depth!r}: expected {' or '.join(map(str, BLOCKS))}")
    width = checks.integer("width", width, 1)
    classes = checks.integer("classes", classes, 1)
    checks.integer("input_size", input_size, 1)
    make = Maker(np.random.default_rng(seed), dtype, backend)
    branch, expansion = (make.basic, 1) if depth == 18 else (make.bottleneck, EXPANSION)
    layers: dict[str, Layer] = make.conv_norm("1", 3, width, 7, 2)
    layers |= {"relu": ReLU(backend), "maxpool": MaxPool2d(3, 2, padding=1, backend=backend)}
    inputs = width
    for stage, blocks in enumerate(BLOCKS[depth]):
        outputs = width * 2**stage * expansion
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            inner = branch(inputs, outputs, stride)
            changes = stride > 1 or inputs != outputs
            shortcut = make.projection(inputs, outputs, stride) if changes else Identity()
            layers[f"layer{stage + 1}.{block}"] = make.residual(
                inner, "downsample" if changes else "shortcut", shortcut
            )
            inputs = outputs
    layers["avgpool"] = GlobalAvgPool(backend)
    layers["fc"] = Linear(inputs, classes, rng=make.rng, dtype=dtype, backend=backend)
    return Network(layers)
