"""MobileNetV3, Large and Small: inverted residuals with hard-swish and squeeze-and-excitation."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.models.published import NameTable
from msq_ref.nn import (
    BatchNorm2d,
    Chain,
    Conv2d,
    GlobalAvgPool,
    HardSigmoid,
    HardSwish,
    Identity,
    Layer,
    Linear,
    Network,
    ReLU,
    SqueezeExcitation,
    Sum,
)

__all__ = ["TORCH_NAMES", "mobilenetv3"]

TORCH_NAMES: NameTable = [(r"^module\.", "")]
"""Our names are torchvision's."""

EPS, MOMENTUM = 1e-3, 0.01
"""Of every batch normalization."""

LARGE, SMALL = "large", "small"

# Of each block: kernel, expanded channels, outputs, squeeze-and-excitation, hard-swish, stride
# (Howard et al. 2019, tables 1 and 2).
BLOCKS = {
    LARGE: [
        (3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
        (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
        (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
        (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
        (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
    ],
    SMALL: [
        (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
        (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
        (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2),
        (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
    ],
}  # fmt: skip
STEM = 16
SMALL_IMAGES = 96
"""Below this size the stem keeps all positions, or the blocks' strides would leave too few."""

HIDDEN = {LARGE: 1280, SMALL: 1024}
"""Features between the two linear layers."""


def mobilenetv3(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    variant: str = LARGE,
    width_mult: float = 1.0,
    classes: int = 1000,
    input_size: int = 224,
    stem_stride: int | None = None,
) -> Network:
    """Build a MobileNetV3 in torchvision's form (Howard et al. 2019).

    A 3x3 convolution at stride `stem_stride`, inverted residual blocks, a 1x1 convolution, global
    pooling, two linear layers with hard-swish between them. Convolutions have no bias but for
    those of squeeze-and-excitation; batch normalization has eps 1e-3 and momentum 0.01. Dropout
    before the last layer is left out, in training too.

    Parameters
    ----------
    seed : int
        Of the weights.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    variant : str
        ``large`` or ``small``.
    width_mult : float
        All channels times this, rounded to multiples of 8 and never by more than a tenth down.
    classes : int
        Number of logits.
    input_size : int
        Height and width of the images.
    stem_stride : int, optional
        Stride of the first convolution; by default 2, as published, and 1 for images below 96x96,
        so that at 32x32 the last blocks still see 2x2 positions.

    Returns
    -------
    Network
        Takes (batch, input_size, input_size, 3) to (batch, classes).

    Raises
    ------
    TypeError, ValueError
        If `dtype` or `variant` is another, or a size is not positive.
    """
    if variant not in BLOCKS:
        raise ValueError(f"variant = {variant!r}: expected {' or '.join(BLOCKS)}")
    width = checks.real("width_mult", width_mult, 0, open_low=True)
    classes = checks.integer("classes", classes, 1)
    size = checks.integer("input_size", input_size, 1)
    if stem_stride is None:
        stem_stride = 1 if size < SMALL_IMAGES else 2
    stride = checks.integer("stem_stride", stem_stride, 1)
    make = _Maker(np.random.default_rng(seed), dtype, backend)
    inputs = divisible(STEM * width)
    features: dict[str, Layer] = {"0": make.step(3, inputs, 3, HardSwish, stride=stride)}
    for kernel, expanded, outputs, squeezes, swishes, step in BLOCKS[variant]:
        inner, after = divisible(expanded * width), divisible(outputs * width)
        activation = HardSwish if swishes else ReLU
        features[str(len(features))] = make.block(
            inputs, inner, after, kernel, step, squeezes, activation
        )
        inputs = after
    features[str(len(features))] = make.step(inputs, 6 * inputs, 1, HardSwish)
    hidden = divisible(HIDDEN[variant] * width)
    rest: dict[str, Any] = {"rng": make.rng, "dtype": dtype, "backend": backend}
    classifier = {
        "0": Linear(6 * inputs, hidden, **rest),
        "1": HardSwish(backend),
        "3": Linear(hidden, classes, **rest),
    }
    return Network({
        "features": Chain(features),
        "avgpool": GlobalAvgPool(backend),
        "classifier": Chain(classifier),
    })


def divisible(channels: float, divisor: int = 8) -> int:
    """Return the nearest multiple of `divisor`, the next one if that is less than nine tenths."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


@dataclass(frozen=True)
class _Maker:
    """Makes layers, their weights drawn from one generator in the order in which they are made."""

    rng: np.random.Generator
    dtype: DTypeLike
    backend: ModuleType

    def step(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        activation: type[Layer] | None = None,
        *,
        stride: int = 1,
        groups: int = 1,
    ) -> Chain:
        """Make a convolution, its normalization and an activation: ``0``, ``1``, ``2``."""
        parts: dict[str, Layer] = {
            "0": Conv2d(
                inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups,
                rng=self.rng, dtype=self.dtype, backend=self.backend,
            ),
            "1": BatchNorm2d(
                outputs, dtype=self.dtype, backend=self.backend, eps=EPS, momentum=MOMENTUM
            ),
        }  # fmt: skip
        if activation is not None:
            parts["2"] = activation(self.backend)
        return Chain(parts)

    def block(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        kernel: int,
        stride: int,
        squeezes: bool,
        activation: type[Layer],
    ) -> Chain:
        """Make an inverted residual: expand, filter each channel, weigh the channels, project."""
        steps: list[Layer] = []
        if inner != inputs:
            steps.append(self.step(inputs, inner, 1, activation))
        steps.append(self.step(inner, inner, kernel, activation, stride=stride, groups=inner))
        if squeezes:
            steps.append(self.squeeze(inner, divisible(inner // 4)))
        steps.append(self.step(inner, outputs, 1))
        block = Chain({str(index): step for index, step in enumerate(steps)})
        if stride > 1 or inputs != outputs:
            return Chain({"block": block})
        return Chain({"": Sum({"block": block, "shortcut": Identity()})})

    def squeeze(self, channels: int, inner: int) -> SqueezeExcitation:
        """Make a squeeze-and-excitation with 1x1 convolutions, ReLU and a hard sigmoid."""
        make: dict[str, Any] = {
            "bias": True, "rng": self.rng, "dtype": self.dtype, "backend": self.backend
        }  # fmt: skip
        return SqueezeExcitation(
            {
                "fc1": Conv2d(channels, inner, 1, **make),
                "activation": ReLU(self.backend),
                "fc2": Conv2d(inner, channels, 1, **make),
                "scale_activation": HardSigmoid(self.backend),
            },
            self.backend,
        )
