"""What an accelerator is asked to run: the layers of a network, for one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from hwsim.values import IntegerWeights, check_values
from hwsim.vector_layer import VectorLayer
from msq_ref.formats import known_name

__all__ = ["LOGIT_BITS", "LeftOut", "Workload", "layer_of"]

LOGIT_BITS = 32
"""Width of the last layer's outputs, which are not requantized."""

Values = Mapping[str, NDArray[np.integer]]


@dataclass(frozen=True)
class LeftOut:
    """An operator of a network that is not modelled, and its share of the work.

    Attributes
    ----------
    operator : str
    count : int
        How often it occurs.
    macs : int
        Multiplications of it, where they can be told.
    macs_share, elements_share : float
        Of all multiplications that can be told; of the results of all operators that compute.
    """

    operator: str
    count: int
    macs: int
    macs_share: float
    elements_share: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line."""
        return (
            f"not modelled: {self.operator}, {self.count} times, {self.macs_share:.1%} of the "
            f"MACs, {self.elements_share:.1%} of the results"
        )


@dataclass(frozen=True)
class Workload:
    """Layers in the order in which they run, for one image.

    Attributes
    ----------
    name : str
    layers : tuple of Layer
        Those of the array: with weights, and products of attention.
    vector : tuple of VectorLayer
        Those of the vector unit; counted where the accelerator has one.
    assumed : str
        The rule that the widths of the weights are from, where nobody trained them; else empty.
    notes : tuple of str
        What a reader of the results should know, a line each.
    left_out : tuple of LeftOut
        What is not among the layers.
    values : mapping of str to ndarray
        Integer weights by the layer's name, HWIO with the outputs of all groups side by side:
        signed integers in the signed domain, whose planes are those of the two's complement of
        `bits` bits, codes in the offset domain [S9.1]. Of as many layers as are known; no part of
        equality.

    Raises
    ------
    ValueError
        If there is no layer, two have the same name, or a name or a value fits no layer.
    TypeError
        If values are no integers.
    """

    name: str
    layers: tuple[Layer, ...]
    vector: tuple[VectorLayer, ...] = ()
    assumed: str = ""
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    values: Values = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"workload {self.name}: no layers with weights")
        names = [*(one.name for one in self.layers), *(one.name for one in self.vector)]
        for name, count in Counter(names).items():
            if count > 1:
                raise ValueError(f"workload {self.name}: more than one layer {name!r}")
        layers = {layer.name: layer for layer in self.layers}
        for vector in self.vector:
            if vector.after:
                known_name(f"layer {vector.name}: after", vector.after, layers)
        for name in self.values:
            known_name("values", name, layers)
            if not isinstance(self.values, IntegerWeights):  # those are checked when they are made
                check_values(layers[name], self.values[name])

    @property
    def macs(self) -> int:
        """Multiplications of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def assumed_bits(self) -> bool:
        """Whether the widths of the weights are from a rule and not from training."""
        return bool(self.assumed)

    @property
    def weighted(self) -> tuple[Layer, ...]:
        """The layers that have weights: those of attention multiply activations."""
        return tuple(layer for layer in self.layers if layer.kind != "attention")

    def at_bits(self, bits: int) -> Workload:
        """Return the same layers with every weight `bits` wide; activations stay as they are.

        So do both operands of attention: they are activations.
        """
        return self.with_bits({layer.name: bits for layer in self.weighted})

    def with_bits(self, bits: Mapping[str, int], assumed: str = "") -> Workload:
        """Return the same layers with other widths of some weights.

        Integer weights that come from a file are rounded anew to their width by `roundclamp`;
        others are known at one width only and left out at another.

        Parameters
        ----------
        bits : mapping of str to int
            By the names of layers with weights.
        assumed : str
            As in `Workload`.

        Raises
        ------
        ValueError
            If a name is unknown, or a width out of range.
        """
        names = [layer.name for layer in self.weighted]
        for name in bits:
            known_name("layer", name, names)
        layers = tuple(
            replace(layer, bits=bits.get(layer.name, layer.bits)) for layer in self.layers
        )
        values: Values
        if isinstance(self.values, IntegerWeights):
            values = self.values.of(layers)
        else:
            same = {new.name for new, old in zip(layers, self.layers, strict=True) if new == old}
            values = {name: array for name, array in self.values.items() if name in same}
        return replace(self, layers=layers, values=values, assumed=assumed)


def layer_of(product: Any, shape: tuple[int, ...]) -> Layer:  # noqa: ANN401
    """Return the layer of an integer product for inputs of a shape.

    Parameters
    ----------
    product : IntegerProduct or Product
        A step of an integer network, as `msq_ref.formats.integer_file` reads it.
    shape : tuple of int
        Of one input: (height, width, channels), or (..., features) for a linear layer.

    Raises
    ------
    ValueError
        If the shape does not fit, or the layer is out of range.
    """
    requantizer = getattr(product, "requantizer", None)
    common: dict[str, Any] = {
        "bits": product.bits,
        "in_bits": product.in_bits,
        "out_bits": LOGIT_BITS if requantizer is None else requantizer.bits,
        "domain": "offset" if product.signs is None else "signed",
    }
    *kernel, inputs, outputs = (int(size) for size in product.codes.shape)
    channels = inputs * product.groups if product.is_conv else inputs
    if (product.is_conv and len(shape) != 3) or not shape or shape[-1] != channels:
        wanted = "(height, width, {})" if product.is_conv else "(..., {})"
        raise ValueError(
            f"layer {product.name}: input of shape {shape}: expected {wanted.format(channels)}"
        )
    if not product.is_conv:
        return Layer.linear(product.name, inputs, outputs, positions=prod(shape[:-1]), **common)
    return Layer(
        product.name, "conv", shape[0], shape[1], channels, outputs, kernel_height=kernel[0],
        kernel_width=kernel[1], stride=product.stride, padding=product.padding,
        groups=product.groups, **common,
    )  # fmt: skip
