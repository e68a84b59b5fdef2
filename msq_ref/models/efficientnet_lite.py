"""EfficientNet-lite0: inverted residuals with ReLU6, no squeeze-and-excitation."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.models.mobilenetv3 import divisible
from msq_ref.models.published import NameTable
from msq_ref.nn import (
    BatchNorm2d,
    Chain,
    Conv2d,
    GlobalAvgPool,
    Identity,
    Layer,
    Linear,
    Network,
    ReLU6,
    Sum,
    ZeroPad2d,
)

__all__ = ["TORCH_NAMES", "efficientnet_lite", "same_padding", "scaled_pixels"]

TORCH_NAMES: NameTable = [(r"(^|\.)_", r"\1")]
"""Our names are those of PyPI's ``efficientnet-lite-pytorch`` without the leading underscores."""

EPS, MOMENTUM = 1e-3, 0.01
"""Of every batch normalization."""

# Of each stage: blocks, kernel, stride of the first, expansion, outputs (Tan and Le 2019, table 1).
STAGES = [
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
]  # fmt: skip
STEM, HEAD = 32, 1280

PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0
"""The published weights were trained on ``(pixel - 127) / 128``."""


def efficientnet_lite(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    width_mult: float = 1.0,
    classes: int = 1000,
    input_size: int = 224,
) -> Network:
    """Build an EfficientNet-lite0 (Tan and Le 2019, without squeeze-and-excitation).

    A 3x3 convolution at stride 2, inverted residual blocks, a 1x1 convolution, global pooling, a
    linear layer; ReLU6 after every normalization but the last of a block. Convolutions are padded
    as TensorFlow's ``same``: at stride 2 an even image gets less above and left than below and
    right. Batch normalization has eps 1e-3 and momentum 0.01. Dropout and stochastic depth are
    left out, in training too.

    Parameters
    ----------
    seed : int
        Of the weights.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    width_mult : float
        All channels times this, rounded to multiples of 8 as in MobileNetV3; 1 is lite0. (Larger
        members of the family keep the first and the last convolution, and have more blocks.)
    classes : int
        Number of logits.
    input_size : int
        Height and width of the images; `scaled_pixels` makes them for the published weights.

    Returns
    -------
    Network
        Takes (batch, input_size, input_size, 3) to (batch, classes).

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a size is not positive.
    """
    width = checks.real("width_mult", width_mult, 0, open_low=True)
    classes = checks.integer("classes", classes, 1)
    size = checks.integer("input_size", input_size, 1)
    make = _Maker(np.random.default_rng(seed), dtype, backend)
    inputs = divisible(STEM * width)
    stem, size = make.conv("conv_stem", "bn0", 3, inputs, 3, 2, size)
    layers: dict[str, Layer] = {**stem, "relu0": ReLU6(backend)}
    block = 0
    for blocks, kernel, first, expansion, channels in STAGES:
        outputs = divisible(channels * width)
        for index in range(blocks):
            layers[f"blocks.{block}"], size = make.block(
                inputs, expansion, outputs, kernel, first if index == 0 else 1, size
            )
            inputs, block = outputs, block + 1
    head, _ = make.conv("conv_head", "bn1", inputs, divisible(HEAD * width), 1, 1, size)
    layers |= {**head, "relu1": ReLU6(backend), "avgpool": GlobalAvgPool(backend)}
    layers["fc"] = Linear(
        divisible(HEAD * width), classes, rng=make.rng, dtype=dtype, backend=backend
    )
    return Network(layers)


def scaled_pixels(images: NDArray[np.uint8], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return RGB images as the published weights want them: ``(pixel - 127) / 128``.

    Parameters
    ----------
    images : ndarray of uint8, (batch, height, width, 3)
    dtype : float32 or float64

    Raises
    ------
    TypeError
        If the pixels are not uint8.
    """
    images, kind = np.asarray(images), checks.float_dtype("dtype", dtype)
    if images.dtype != np.uint8:
        raise TypeError(f"images has dtype {images.dtype}: expected uint8")
    return (images.astype(kind) - kind.type(PIXEL_MEAN)) / kind.type(PIXEL_SCALE)


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after an axis for ``ceil(length / stride)`` positions.

    As TensorFlow's padding ``same``: an odd number puts one more after than before.
    """
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class _Maker:
    """Makes layers, their weights drawn from one generator in the order in which they are made."""

    rng: np.random.Generator
    dtype: DTypeLike
    backend: ModuleType

    def conv(
        self,
        name: str,
        norm: str,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        size: int,
        groups: int = 1,
    ) -> tuple[dict[str, Layer], int]:
        """Make a convolution of images of a size, with its padding and normalization.

        Returns them by name, and the size after them.
        """
        before, after = same_padding(size, kernel, stride)
        parts: dict[str, Layer] = {}
        if before != after:
            sides = ((before, after), (before, after))
            parts[f"{name}_pad"] = ZeroPad2d(sides, backend=self.backend)
        parts[name] = Conv2d(
            inputs, outputs, kernel, stride=stride, padding=before if before == after else 0,
            groups=groups, rng=self.rng, dtype=self.dtype, backend=self.backend,
        )  # fmt: skip
        parts[norm] = BatchNorm2d(
            outputs, dtype=self.dtype, backend=self.backend, eps=EPS, momentum=MOMENTUM
        )
        return parts, -(-size // stride)

    def block(
        self, inputs: int, expansion: int, outputs: int, kernel: int, stride: int, size: int
    ) -> tuple[Layer, int]:
        """Make an inverted residual: expand, filter each channel, project."""
        inner = inputs * expansion
        parts: dict[str, Layer] = {}
        if expansion > 1:
            expand, _ = self.conv("expand_conv", "bn0", inputs, inner, 1, 1, size)
            parts |= {**expand, "relu0": ReLU6(self.backend)}
        filters, after = self.conv(
            "depthwise_conv", "bn1", inner, inner, kernel, stride, size, groups=inner
        )
        project, _ = self.conv("project_conv", "bn2", inner, outputs, 1, 1, after)
        parts |= {**filters, "relu1": ReLU6(self.backend), **project}
        if stride > 1 or inputs != outputs:
            return Chain(parts), after
        return Sum({"": Chain(parts), "shortcut": Identity()}), after
