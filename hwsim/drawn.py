"""Small layers with their tensors, drawn from a seed: what comparisons of our own run on.

Sizes are drawn around those of an array, so that edges are ragged more often than not.
`hwsim.drawn_machines` draws accelerators for them, `hwsim.rtl.cases` arrays in Verilog.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from hwsim.values import weight_shape

__all__ = ["KINDS", "Sides", "Tensors", "draw_layer", "draw_tensors", "generator"]

Integers = NDArray[np.int64]

KINDS = 4
"""Linear layers and products of attention; convolutions, whole, grouped and depthwise."""


LARGEST_SEED = 2**32 - 1
"""NumPy cuts numbers into words of 32 bits and joins them: of longer ones several are alike."""


class Sides(NamedTuple):
    """Outputs, positions and terms that an array takes at a time."""

    rows: int
    cols: int
    lanes: int


class Tensors(NamedTuple):
    """What a layer computes on: activations, and weights as `hwsim.engine` takes them."""

    x: Integers
    codes: Integers
    signs: Integers | None

    def weights(self) -> Integers:
        """Return the integers whose bit planes the array sees [S9.1]."""
        return self.codes if self.signs is None else self.codes * self.signs


def generator(seed: int, *parts: int) -> np.random.Generator:
    """Return the generator of one drawn thing, such as the layer of a number.

    Parameters
    ----------
    seed : int
        0 to 2^32 - 1, so that no other one draws the same.
    parts : int
        What tells things of a seed apart, as large at most; the last of several is not 0.

    Raises
    ------
    ValueError
        If the seed is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed = {seed}: expected 0 to {LARGEST_SEED}")
    return np.random.default_rng([seed, *parts])


def draw_layer(
    rng: np.random.Generator, name: str, kind: int, sides: Sides, widths: dict[str, Any]
) -> Layer:
    """Draw a linear layer or a product of attention (0), or one of three kinds of convolution.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str
    kind : int
        Which of `KINDS`: 0, 1 (whole), 2 (grouped) or 3 (depthwise).
    sides : Sides
        Of the array.
    widths : dict
        Fields of `Layer` that are not drawn here: bits, domain and the like.
    """
    number = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    outputs = number(1, 2 * sides.rows + 1)
    if kind == 0:
        inputs = 1 if number(0, 3) == 0 else number(1, 3 * sides.lanes + 1)
        positions = number(1, 2 * sides.cols + 1)
        if number(0, 1):
            return Layer.linear(name, inputs, outputs, positions=positions, **widths)
        heads = number(1, 3)
        return Layer(
            name, "attention", 1, positions, heads * inputs, heads * outputs, groups=heads, **widths
        )
    groups = 1 if kind == 1 else number(2, 4)
    channels, outputs = (1, 1) if kind == 3 else (number(1, 5), min(outputs, 9))
    height, width, padding = number(1, 6), number(1, 6), number(0, 2)
    kernel = [number(1, min(3, side + 2 * padding)) for side in (height, width)]
    return Layer(
        name, "conv", height, width, groups * channels, groups * outputs,
        kernel_height=kernel[0], kernel_width=kernel[1], stride=number(1, 3), padding=padding,
        groups=groups, **widths,
    )  # fmt: skip


def draw_tensors(
    rng: np.random.Generator, layer: Layer, *, in_signed: bool, share: float = 0.2
) -> Tensors:
    """Draw the tensors of a layer, a share of each of extreme values."""
    low = -(2 ** (layer.in_bits - 1)) if in_signed else 0
    high = low + 2**layer.in_bits - 1
    signed = layer.domain == "signed"
    top = 2 ** (layer.bits - signed) - 1
    x = _extreme(rng, (layer.height, layer.width, layer.channels), low, high, share)
    kernel = weight_shape(layer)
    codes = _extreme(rng, kernel, 0, top, share)
    signs = rng.integers(-1, 2, kernel) if signed else None
    if layer.kind != "conv":
        x, codes = x[0], codes[0, 0]
        signs = None if signs is None else signs[0, 0]
    return Tensors(x, codes, signs)


def _extreme(
    rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, share: float
) -> Integers:
    """Return random integers, a share of them all the lowest or all the highest."""
    values = rng.integers(low, high, shape, endpoint=True)
    values[rng.random(shape) < share] = rng.choice([low, high])
    return values
