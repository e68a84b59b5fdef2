"""A network in integers only: steps with codes, integer biases, multipliers and shifts [S9]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.integer.arithmetic import Product, by_definition
from msq_ref.shapes import Windows, output_length

__all__ = [
    "Accumulate",
    "IntegerAveragePool",
    "IntegerFlatten",
    "IntegerMaxPool",
    "IntegerNetwork",
    "IntegerProduct",
    "IntegerStep",
    "Requantizer",
    "Traced",
]

Accumulate = Callable[[Product, NDArray[Any]], NDArray[np.int64]]
"""How a product is computed: `by_definition` or `from_packed_planes`; both give the same bits."""


@dataclass(frozen=True)
class Requantizer:
    """From accumulators to the next step's activation codes, per channel [S9.4]."""

    multiplier: NDArray[np.int64]
    shift: NDArray[np.int64]
    zero_point: NDArray[np.int64]
    bits: int
    signed: bool

    def __call__(self, acc: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the codes of accumulators."""
        return reference.requantize(
            acc, self.multiplier, self.shift, self.zero_point, self.bits, self.signed
        )


class IntegerStep(Protocol):
    """One step: codes in, codes (or, last, logits) out."""

    @property
    def name(self) -> str:
        """Name of the layer it comes from."""
        ...

    def run(self, x: NDArray[Any], accumulate: Accumulate) -> NDArray[Any]:
        """Return the step's output for activation codes."""
        ...


@dataclass(frozen=True)
class IntegerProduct(Product):
    """Convolution or linear layer, bias, normalization and rectification in one [S9.1], [S9.4].

    Attributes
    ----------
    bias : ndarray of int64, (outputs,)
        In accumulator units.
    requantizer : Requantizer or None
        None in the last step, whose output are the logits: int64, times `out_scale` the real ones.
    in_scale, out_scale : float
        Real value of one unit of the input codes and of the output.
    """

    bias: NDArray[np.int64]
    requantizer: Requantizer | None
    in_scale: float
    out_scale: float

    def run(self, x: NDArray[Any], accumulate: Accumulate = by_definition) -> NDArray[Any]:
        """Return the codes, or the logits of the last step."""
        acc = accumulate(self, x) + self.bias
        return acc if self.requantizer is None else self.requantizer(acc)


@dataclass(frozen=True)
class IntegerAveragePool:
    """Sum over windows, then requantization by a factor that holds the division; size 0: global."""

    name: str
    size: int
    stride: int
    requantizer: Requantizer
    in_scale: float
    out_scale: float

    def sums(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Return the sum of each window."""
        wide = x.astype(np.int64)
        if self.size == 0:
            return np.asarray(wide.sum(axis=(1, 2)))
        windows = _windows(x, self.size, self.stride)
        taps = [(i, j) for i in range(self.size) for j in range(self.size)]
        return np.sum([windows.window(wide, i, j) for i, j in taps], axis=0)

    def run(self, x: NDArray[Any], accumulate: Accumulate = by_definition) -> NDArray[Any]:
        """Return the codes of the means."""
        return self.requantizer(self.sums(x))


@dataclass(frozen=True)
class IntegerMaxPool:
    """The largest code of each window: order is all that counts, nothing is rescaled."""

    name: str
    size: int
    stride: int

    def run(self, x: NDArray[Any], accumulate: Accumulate = by_definition) -> NDArray[Any]:
        """Return the maxima."""
        windows = _windows(x, self.size, self.stride)
        taps = [(i, j) for i in range(self.size) for j in range(self.size)]
        return np.max([windows.window(x, i, j) for i, j in taps], axis=0)


@dataclass(frozen=True)
class IntegerFlatten:
    """All but the batch axis as one, in NHWC order."""

    name: str

    def run(self, x: NDArray[Any], accumulate: Accumulate = by_definition) -> NDArray[Any]:
        """Return the codes, reshaped."""
        return x.reshape(len(x), -1)


@dataclass(frozen=True)
class Traced:
    """What a step saw and gave."""

    step: IntegerStep
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class IntegerNetwork:
    """Steps in order, behind the quantization of the input.

    Attributes
    ----------
    input_shape : (int, int, int)
        Height, width, channels of an image.
    input_scale, input_bits, input_signed
        How images become codes [S8.1].
    """

    steps: tuple[IntegerStep, ...]
    input_shape: tuple[int, int, int]
    input_scale: float
    input_bits: int
    input_signed: bool

    def quantize_input(self, images: NDArray[Any]) -> NDArray[np.int32]:
        """Return the activation codes of images, NHWC [S8.1]."""
        return reference.activation_codes(
            images, self.input_scale, self.input_bits, self.input_signed
        )

    def products(self) -> list[IntegerProduct]:
        """Return the steps with weights, in order."""
        return [step for step in self.steps if isinstance(step, IntegerProduct)]

    def run(
        self, codes: NDArray[np.int32], accumulate: Accumulate = by_definition
    ) -> NDArray[np.int64]:
        """Return the integer logits of activation codes."""
        x: NDArray[Any] = codes
        for step in self.steps:
            x = step.run(x, accumulate)
        return x

    def trace(
        self, codes: NDArray[np.int32], accumulate: Accumulate = by_definition
    ) -> list[Traced]:
        """Run, and return what every step saw and gave."""
        traced = []
        x: NDArray[Any] = codes
        for step in self.steps:
            y = step.run(x, accumulate)
            traced.append(Traced(step, x, y))
            x = y
        return traced


def _windows(x: NDArray[Any], size: int, stride: int) -> Windows:
    rows, columns = (output_length(length, size, stride) for length in x.shape[1:3])
    return Windows(rows, columns, stride)
