"""Layers to compare the RTL on: drawn ones of every kind, and those of the demo network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from hwsim.rtl.build import Shape
from hwsim.rtl.files import Case
from msq_ref import models, reference

__all__ = ["SHAPES", "Draw", "demo_cases", "draw_case"]

Domain = Literal["signed", "offset"]

SHAPES = (
    Shape(1, 1, 1),
    Shape(3, 2, 1),
    Shape(1, 4, 3, activation=9, accumulator=32),
    Shape(2, 3, 4),
    Shape(5, 1, 8, activation=9, accumulator=32),
    Shape(8, 8, 16),
    Shape(3, 2, 1, skip=True),
    Shape(2, 3, 4, skip=True),
    Shape(8, 8, 16, skip=True),
)
"""A lone element, one lane, a row, a column, narrow ones, the preset edge-small; and some that skip
planes of zeros."""


@dataclass(frozen=True)
class Draw:
    """A layer and the array that it was drawn for."""

    shape: Shape
    case: Case


def draw_case(index: int, seed: int) -> Draw:
    """Draw a small layer with its tensors.

    Arrays, kinds and widths 1 to 8 take turns with `index`, so that all of them come; one in
    eleven is up to 16 bits wide, and one in nine has the widest activations and only extreme
    values, so that adders are full. Sizes are drawn around those of the array, so that edges are
    ragged more often than not. Weights for an array that skips lack some planes, or most ones.
    """
    rng = np.random.default_rng([seed, index])
    turn, which = divmod(index, len(SHAPES))
    shape = SHAPES[which]
    narrow = shape.accumulator < 48
    full = turn % 9 == 8
    number = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    bits = 1 + turn // 4 % 8
    in_bits = number(1, 8)
    if turn % 11 == 10 and not narrow:
        bits, in_bits = number(9, 16), number(9, 16)
    if full:
        in_bits = shape.activation - 1
    domain: Domain = "offset" if bits == 1 or number(0, 1) else "signed"
    layer = _draw_layer(rng, f"drawn {index}", turn % 4, shape, {
        "bits": bits, "in_bits": in_bits, "domain": domain,
    })  # fmt: skip
    in_signed = not full and bool(number(0, 1))
    share = 1.0 if full else 0.2
    case = fill(layer, rng, in_signed=in_signed, drain=number(0, 3), share=share)
    if shape.skip:
        planes = rng.integers(0, 2**layer.bits)
        kept = rng.random(case.codes.shape) < rng.random()
        case = replace(case, codes=case.codes & planes * kept)
    return Draw(shape, case)


def fill(
    layer: Layer, rng: np.random.Generator, *, in_signed: bool, drain: int, share: float = 0.2
) -> Case:
    """Return a layer with random tensors, a share of each extreme."""
    low = -(2 ** (layer.in_bits - 1)) if in_signed else 0
    high = low + 2**layer.in_bits - 1
    signed = layer.domain == "signed"
    top = 2 ** (layer.bits - signed) - 1
    x = _extreme(rng, (layer.height, layer.width, layer.channels), low, high, share)
    kernel = layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs
    codes = _extreme(rng, kernel, 0, top, share)
    signs = rng.integers(-1, 2, kernel) if signed else None
    if layer.kind != "conv":
        x, codes = x[0], codes[0, 0]
        signs = None if signs is None else signs[0, 0]
    return Case(layer, x, codes, signs, in_signed, drain)


def demo_cases(seed: int, drain: int = 1, *, pruned: int = 0) -> list[Case]:
    """Return all layers of the demo network at mixed bits, with its own weights as built.

    The activations are random codes of 8 bits; those of the first layer are signed. In layers with
    bits to spare the lowest `pruned` planes are zero, as training for fewer bits makes them.
    """
    rng = np.random.default_rng(seed)
    network = models.build("digits-cnn", seed=seed)
    height, width, _ = models.input_shape("digits-cnn")
    cases: list[Case] = []
    products = [(name, one) for name, one in network.layers.items() if one.quantizable]
    for index, (name, product) in enumerate(products):
        w = product.parameters["weight"]
        bits = (8, 3, 2, 5)[index % 4]
        if w.ndim == 4:
            settings: Any = product
            layer = Layer(
                name, "conv", height, width, w.shape[2] * settings.groups, w.shape[3], bits,
                kernel_height=w.shape[0], kernel_width=w.shape[1], stride=settings.stride,
                padding=settings.padding, groups=settings.groups,
            )  # fmt: skip
            height, width = layer.out_height, layer.out_width
        else:
            layer = Layer.linear(name, w.shape[0], w.shape[1], bits)
        codes = reference.roundclamp(reference.normalize_signed(w), bits - 1)
        if bits - 1 > pruned:
            codes = codes >> pruned << pruned
        case = fill(layer, rng, in_signed=not cases, drain=drain)
        cases.append(
            Case(layer, case.x, codes, np.sign(w).astype(np.int8), case.in_signed, drain)
        )
    return cases


def _draw_layer(
    rng: np.random.Generator, name: str, kind: int, shape: Shape, widths: dict[str, Any]
) -> Layer:
    """Draw a linear layer or a product of attention, or one of three kinds of convolution."""
    number = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    outputs = number(1, 2 * shape.rows + 1)
    if kind == 0:
        inputs = 1 if number(0, 3) == 0 else number(1, 3 * shape.lanes + 1)
        positions = number(1, 2 * shape.cols + 1)
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


def _extreme(
    rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, share: float
) -> NDArray[np.int64]:
    """Return random integers, a share of them all the lowest or all the highest."""
    values = rng.integers(low, high, shape, endpoint=True)
    values[rng.random(shape) < share] = rng.choice([low, high])
    return values
