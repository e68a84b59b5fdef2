"""From a trained network to integers: calibration, folding, multipliers and shifts [S8], [S9]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.checks import code_range
from msq_ref.integer.network import (
    IntegerAveragePool,
    IntegerFlatten,
    IntegerMaxPool,
    IntegerNetwork,
    IntegerProduct,
    IntegerStep,
    Requantizer,
)
from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool2d,
    Network,
    Product,
    ReLU,
)
from msq_ref.reference.batchnorm import EPS
from msq_ref.reference.requantize import FACTOR_LOW, requantize_factor
from msq_ref.shapes import output_length

__all__ = ["WeightCodes", "calibrate", "layer_groups", "lower"]

ACC_LIMIT = 2**31
"""Accumulators that are requantized stay below this magnitude [S9.4]."""


@dataclass(frozen=True)
class WeightCodes:
    """A layer's quantized weights: codes, signs (None: offset domain), width n, scale."""

    codes: NDArray[np.int32]
    signs: NDArray[np.int8] | None
    bits: int
    scale: float

    @property
    def unit(self) -> float:
        """Real value of one unit of the integer weights [S9.1]."""
        code_bits = self.bits if self.signs is None else self.bits - 1
        return self.scale / (2**code_bits - 1)


def calibrate(
    network: Network, images: NDArray[Any], percentile: float = 100.0
) -> dict[str, tuple[float, bool]]:
    """Return the range of every activation: its magnitude, and whether it goes below 0.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    images : ndarray, NHWC
    percentile : float
        Of the magnitudes that the range must hold; 100: the maximum.

    Returns
    -------
    dict of layer name to (float, bool)
        ``"input"`` is the network's own.
    """
    ranges = {}
    x = images
    for name, layer in [("input", None), *network.layers.items()]:
        x = x if layer is None else layer.forward(x)
        magnitude = float(np.percentile(np.abs(x), percentile))
        ranges[name] = (magnitude or 1.0, bool(x.min() < 0))
    return ranges


@dataclass
class _Activation:
    """The codes between two steps."""

    scale: float
    bits: int
    signed: bool

    @classmethod
    def of(cls, found: tuple[float, bool], bits: int) -> _Activation:
        magnitude, signed = found
        return cls(magnitude / (2 ** (bits - signed) - 1), bits, signed)

    @property
    def largest(self) -> int:
        return 2 ** (self.bits - 1) if self.signed else 2**self.bits - 1


def lower(
    network: Network,
    weights: Mapping[str, WeightCodes],
    ranges: Mapping[str, tuple[float, bool]],
    input_shape: tuple[int, int, int],
    activation_bits: int = 8,
) -> IntegerNetwork:
    """Turn a network into integer steps.

    A convolution or linear layer takes the batch normalization and the rectification behind it
    into its bias, multiplier and clamp. The last layer's accumulators are the logits.

    Parameters
    ----------
    network : Network
    weights : mapping of layer name to WeightCodes
    ranges : mapping
        From `calibrate`.
    input_shape : (int, int, int)
    activation_bits : int
        Width of all activation codes.

    Raises
    ------
    ValueError
        If an accumulator could reach 2^31 [S9.4], a factor is out of range, or a layer has no
        integer form; the error names the layer.
    """
    groups = layer_groups(network)
    now = first = _Activation.of(ranges["input"], activation_bits)
    size: tuple[int, ...] = input_shape[:2]
    steps: list[IntegerStep] = []
    for group in groups:
        name = group[0]
        layer = network.layers[name]
        after = None
        if group is not groups[-1]:
            after = _Activation.of(ranges[group[-1]], activation_bits)
        if isinstance(layer, Product):
            norms = [network.layers[n] for n in group if isinstance(network.layers[n], BatchNorm2d)]
            steps.append(_product(name, layer, norms, weights[name], now, after))
            now = after or now
        elif isinstance(layer, AvgPool2d | GlobalAvgPool) and after is not None:
            window = (layer.size, layer.stride) if isinstance(layer, AvgPool2d) else (0, 0)
            area = window[0] ** 2 or size[0] * size[1]
            steps.append(_average(name, window, area, now, after))
            now = after
        elif isinstance(layer, MaxPool2d):
            steps.append(IntegerMaxPool(name, layer.size, layer.stride))
        elif isinstance(layer, Flatten):
            steps.append(IntegerFlatten(name))
        else:
            raise ValueError(f"layer {name}: {type(layer).__name__} has no integer form there")
        size = _next_size(layer, size)
    return IntegerNetwork(tuple(steps), input_shape, first.scale, first.bits, first.signed)


def layer_groups(network: Network) -> list[list[str]]:
    """Return the layers of each integer step, by name: a product takes its followers in."""
    groups: list[list[str]] = []
    for name, layer in network.layers.items():
        head = network.layers[groups[-1][0]] if groups else None
        if isinstance(layer, BatchNorm2d | ReLU) and isinstance(head, Product):
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _product(
    name: str,
    layer: Product,
    norms: list[Layer],
    weight: WeightCodes,
    before: _Activation,
    after: _Activation | None,
) -> IntegerProduct:
    outputs = weight.codes.shape[-1]
    unit = weight.unit * before.scale  # real value of one accumulator unit
    bias = layer.parameters.get("bias", np.zeros(outputs)).astype(np.float64)
    gain, shift = np.ones(outputs), bias
    for norm in norms:
        wide = {k: v.astype(np.float64) for k, v in {**norm.parameters, **norm.buffers}.items()}
        gain = wide["gamma"] / np.sqrt(wide["running_variance"] + EPS)
        shift = wide["beta"] + (shift - wide["running_mean"]) * gain
    common: dict[str, Any] = {
        "name": name, "bits": weight.bits, "in_bits": before.bits, "in_signed": before.signed,
        "in_scale": before.scale, "stride": 1, "padding": 0, "groups": 1,
    }  # fmt: skip
    if isinstance(layer, Conv2d):
        common |= {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups}
    if after is None:
        if (gain != 1).any():
            raise ValueError(f"layer {name}: a normalization behind the last product is not folded")
        return IntegerProduct(
            codes=weight.codes, signs=weight.signs, bias=np.rint(shift / unit).astype(np.int64),
            requantizer=None, out_scale=unit, **common,
        )  # fmt: skip
    length = int(np.prod(weight.codes.shape[:-1]))
    reach = length * (2**weight.bits - 1) * before.largest
    if reach >= ACC_LIMIT:
        raise ValueError(f"layer {name}: accumulators may reach {reach}, expected below 2^31")
    codes, signs = _flip(weight, gain < 0)
    channels = [
        _channel(name, abs(g) * unit / after.scale, b / after.scale, reach, after)
        for g, b in zip(gain, shift, strict=True)
    ]
    bias_units, multiplier, shifts, zero = np.array(channels, np.int64).T.copy()
    return IntegerProduct(
        codes=codes, signs=signs, bias=bias_units, out_scale=after.scale,
        requantizer=Requantizer(multiplier, shifts, zero, after.bits, after.signed), **common,
    )  # fmt: skip


def _flip(
    weight: WeightCodes, negative: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int8] | None]:
    """Fold the sign of a channel's gain into its weights: factors are positive [S9.4]."""
    if weight.signs is not None:
        return weight.codes, np.where(negative, -weight.signs, weight.signs).astype(np.int8)
    top = 2**weight.bits - 1  # 2c - top changes sign under c -> top - c
    return np.where(negative, top - weight.codes, weight.codes).astype(np.int32), None


def _channel(
    name: str, factor: float, offset: float, reach: int, after: _Activation
) -> tuple[int, int, int, int]:
    """Return bias, multiplier, shift and zero point for ``acc * factor + offset`` in code units.

    Of all zero points z the one whose ``bias * factor + z`` comes nearest to the offset, the
    smallest such: where the factor is above 1, no bias alone comes within half a code.
    """
    low, high = code_range(after.bits, after.signed)
    if factor < FACTOR_LOW:
        # |acc * factor| < 1/2: the channel is a constant, and this product rounds to 0.
        return 0, 2**30, 62, int(np.clip(np.rint(offset), low, high))
    try:
        multiplier, shift = requantize_factor(factor)
    except ValueError as error:
        raise ValueError(f"layer {name}: {error}") from None
    zeros = np.arange(low, high + 1)
    room = ACC_LIMIT - 1 - reach
    biases = np.rint((offset - zeros) / factor)
    fits = np.abs(biases) <= room
    if fits.any():
        zeros, biases = zeros[fits], biases[fits]
        missed = np.abs(biases * factor + zeros - offset)
        best = np.lexsort((np.abs(zeros), missed))[0]
        return int(biases[best]), multiplier, shift, int(zeros[best])
    # The offset is so far outside the codes that every accumulator saturates ...
    if reach > room:  # ... unless they reach as far.
        raise ValueError(f"layer {name}: an offset of {offset:.3g} codes does not fit 31 bits")
    return (room, multiplier, shift, high) if offset > 0 else (-room, multiplier, shift, low)


def _average(
    name: str, window: tuple[int, int], area: int, before: _Activation, after: _Activation
) -> IntegerAveragePool:
    multiplier, shift = requantize_factor(before.scale / (area * after.scale))
    one = [np.array(value, np.int64) for value in (multiplier, shift, 0)]
    return IntegerAveragePool(
        name, *window, Requantizer(one[0], one[1], one[2], after.bits, after.signed),
        before.scale, after.scale,
    )  # fmt: skip


def _next_size(layer: Layer, size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the height and width behind a layer; only global pooling asks for it."""
    if isinstance(layer, Conv2d):
        kernel, stride, padding = layer.weight.shape[0], layer.stride, layer.padding
    elif isinstance(layer, AvgPool2d | MaxPool2d):
        kernel, stride, padding = layer.size, layer.stride, 0
    else:
        return size
    return tuple(output_length(length, kernel, stride, padding) for length in size)
