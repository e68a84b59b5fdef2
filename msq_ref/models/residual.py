"""The blocks that ResNets are made of, named as in PyTorch's: conv1, bn1, conv2, bn2, ..."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref.nn import BatchNorm2d, Chain, Conv2d, Layer, ReLU, Sum

__all__ = ["Maker"]

EXPANSION = 4
"""Outputs of a bottleneck for each of its inner channels."""


@dataclass(frozen=True)
class Maker:
    """Makes layers, their weights drawn from one generator in the order in which they are made."""

    rng: np.random.Generator
    dtype: DTypeLike
    backend: ModuleType

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> Conv2d:
        """Make a convolution with a padding that keeps the size, but for the stride."""
        return Conv2d(
            inputs, outputs, kernel, stride=stride, padding=kernel // 2,
            rng=self.rng, dtype=self.dtype, backend=self.backend,
        )  # fmt: skip

    def norm(self, channels: int) -> BatchNorm2d:
        """Make a normalization."""
        return BatchNorm2d(channels, dtype=self.dtype, backend=self.backend)

    def conv_norm(
        self, number: str, inputs: int, outputs: int, kernel: int, stride: int = 1
    ) -> dict[str, Layer]:
        """Make a convolution and its normalization, ``conv1`` and ``bn1`` for the number 1."""
        conv = self.conv(inputs, outputs, kernel, stride)
        return {f"conv{number}": conv, f"bn{number}": self.norm(outputs)}

    def basic(self, inputs: int, outputs: int, stride: int) -> dict[str, Layer]:
        """Make the branch of a basic block: two 3x3 convolutions, the stride on the first."""
        return {
            **self.conv_norm("1", inputs, outputs, 3, stride),
            "relu1": ReLU(self.backend),
            **self.conv_norm("2", outputs, outputs, 3),
        }

    def bottleneck(self, inputs: int, outputs: int, stride: int) -> dict[str, Layer]:
        """Make the branch of a bottleneck: 1x1, 3x3, 1x1, the stride on the 3x3."""
        inner = outputs // EXPANSION
        return {
            **self.conv_norm("1", inputs, inner, 1),
            "relu1": ReLU(self.backend),
            **self.conv_norm("2", inner, inner, 3, stride),
            "relu2": ReLU(self.backend),
            **self.conv_norm("3", inner, outputs, 1),
        }

    def projection(self, inputs: int, outputs: int, stride: int) -> Chain:
        """Make a shortcut with parameters: a 1x1 convolution and its normalization."""
        return Chain({"0": self.conv(inputs, outputs, 1, stride), "1": self.norm(outputs)})

    def residual(self, branch: dict[str, Layer], name: str, shortcut: Layer) -> Chain:
        """Make a block: the branch and the named shortcut added, then rectified."""
        return Chain({"": Sum({"": Chain(branch), name: shortcut}), "relu": ReLU(self.backend)})
