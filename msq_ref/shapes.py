"""Shapes of convolutions and pooling windows, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["ConvShape", "Windows", "output_length"]


def output_length(length: int, kernel: int, stride: int, padding: int = 0) -> int:
    """Return the number of positions of a window along an axis; 0 or less if it does not fit."""
    return (length + 2 * padding - kernel) // stride + 1


@dataclass(frozen=True)
class Windows:
    """Positions of a kernel over padded images."""

    rows: int
    columns: int
    stride: int

    def window(self, padded: NDArray[Any], i: int, j: int) -> NDArray[Any]:
        """Return a view of what tap (i, j) of the kernel sees at every position (NHWC)."""
        s = self.stride
        rows = slice(i, i + s * (self.rows - 1) + 1, s)
        columns = slice(j, j + s * (self.columns - 1) + 1, s)
        return padded[:, rows, columns]

    def over(self, images: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a value per window of NHWC images."""
        return images[0], self.rows, self.columns, images[3]


@dataclass(frozen=True)
class ConvShape(Windows):
    """Sizes of a convolution; group g takes its own share of input and output channels."""

    batch: int
    group_inputs: int
    group_outputs: int
    groups: int

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return self.batch, self.rows, self.columns, self.groups * self.group_outputs

    @property
    def positions(self) -> int:
        """Number of output positions of all images."""
        return self.batch * self.rows * self.columns

    def channels(self, group: int) -> tuple[slice, slice]:
        """Return the input and output channels of a group."""
        inputs = slice(group * self.group_inputs, (group + 1) * self.group_inputs)
        outputs = slice(group * self.group_outputs, (group + 1) * self.group_outputs)
        return inputs, outputs
