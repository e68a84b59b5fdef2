"""Layers to compare the RTL on: drawn ones of every kind, and those of the demo network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hwsim.drawn import KINDS, Sides, draw_layer, draw_tensors, generator
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
    rng = generator(seed, index)
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
    sides = Sides(shape.rows, shape.cols, shape.lanes)
    layer = draw_layer(rng, f"drawn {index}", turn % KINDS, sides, {
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
    tensors = draw_tensors(rng, layer, in_signed=in_signed, share=share)
    return Case(layer, *tensors, in_signed, drain)


def demo_cases(seed: int, drain: int = 1, *, pruned: int = 0) -> list[Case]:
    """Return all layers of the demo network at mixed bits, with its own weights as built.

    The activations are random codes of 8 bits; those of the first layer are signed. In layers with
    bits to spare the lowest `pruned` planes are zero, as training for fewer bits makes them.
    """
    rng = generator(seed)
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
