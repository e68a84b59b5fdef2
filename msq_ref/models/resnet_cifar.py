"""ResNet for small images: three stages of basic blocks, shortcuts without parameters."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.models.published import NameTable
from msq_ref.models.residual import Maker
from msq_ref.nn import GlobalAvgPool, Identity, Layer, Linear, Network, PadShortcut, ReLU

__all__ = ["TORCH_NAMES", "resnet_cifar"]

TORCH_NAMES: NameTable = [(r"^module\.", "")]
"""Our names are those of akamaster/pytorch_resnet_cifar10, ``module.`` where it ran in parallel."""


def resnet_cifar(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    depth: int = 20,
    width: int = 16,
    classes: int = 10,
    input_size: int = 32,
) -> Network:
    """Build a ResNet for CIFAR with option A shortcuts (He et al. 2016, section 4.2).

    A 3x3 convolution, three stages of ``(depth - 2) / 6`` basic blocks on ``width``, ``2 width``
    and ``4 width`` channels, the last two stages at stride 2, global pooling, a linear layer.

    Parameters
    ----------
    seed : int
        Of the weights.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    depth : int
        ``6 n + 2``: the layers with a weight.
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
        If `dtype` is another, or a size is not positive or `depth` not as above.
    """
    depth = checks.integer("depth", depth, 8)
    if depth % 6 != 2:
        raise ValueError(f"depth = {depth}: expected 6 n + 2")
    width = checks.integer("width", width, 1)
    classes = checks.integer("classes", classes, 1)
    checks.integer("input_size", input_size, 1)
    make = Maker(np.random.default_rng(seed), dtype, backend)
    layers: dict[str, Layer] = make.conv_norm("1", 3, width, 3) | {"relu": ReLU(backend)}
    inputs = width
    for stage, (outputs, first) in enumerate([(width, 1), (2 * width, 2), (4 * width, 2)], 1):
        for block in range((depth - 2) // 6):
            stride = first if block == 0 else 1
            shortcut = PadShortcut(stride, outputs, backend=backend) if stride > 1 else Identity()
            layers[f"layer{stage}.{block}"] = make.residual(
                make.basic(inputs, outputs, stride), "shortcut", shortcut
            )
            inputs = outputs
    layers["pool"] = GlobalAvgPool(backend)
    layers["linear"] = Linear(inputs, classes, rng=make.rng, dtype=dtype, backend=backend)
    return Network(layers)
