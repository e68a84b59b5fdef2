"""From a trained network to integers: folding, biases, multipliers and shifts [S8], [S9]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.checks import bit_width, code_range, real, same_shape
from msq_ref.integer.calibration import Activation
from msq_ref.integer.network import (
    IntegerAveragePool,
    IntegerFlatten,
    IntegerMaxPool,
    IntegerNetwork,
    IntegerProduct,
    IntegerStep,
    Requantizer,
)
from msq_ref.integer.validity import ACC_LIMIT, check_network
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
from msq_ref.reference.requantize import FACTOR_LOW, requantize_factor
from msq_ref.shapes import output_length

__all__ = ["WeightCodes", "layer_groups", "lower"]

LOGIT_LIMIT = 2.0**62
"""Biases of logits stay below this magnitude [S9.2]."""


@dataclass(frozen=True)
class WeightCodes:
    """A layer's quantized weights [S9.1].

    Attributes
    ----------
    codes : ndarray of int32
        Of the shape of the weights; n bits, or, with signs, n - 1.
    signs : ndarray of int8 or None
        -1, 0 or 1; None in the offset domain.
    bits : int
        Width n, the sign included.
    scale : float
        The layer's constant [S1.2].
    """

    codes: NDArray[np.int32]
    signs: NDArray[np.int8] | None
    bits: int
    scale: float

    @property
    def unit(self) -> float:
        """Real value of one unit of the integer weights [S9.1]."""
        code_bits = self.bits if self.signs is None else self.bits - 1
        return self.scale / (2**code_bits - 1)


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
        One of every convolution and linear layer.
    ranges : mapping
        From `calibrate`.
    input_shape : (int, int, int)
        Height, width, channels of an image.
    activation_bits : int
        Width of all activation codes, 2 to 16.

    Returns
    -------
    IntegerNetwork
        It passes `check_network`: no accumulator can overflow.

    Raises
    ------
    ValueError
        If an accumulator could reach 2^31 [S9.4], a factor is out of range, an offset does not fit
        or is not finite, weights or a range are missing or of another shape, or a layer has no
        integer form where it stands; the error names the layer.
    """
    bit_width(activation_bits, low=2, name="activation_bits")
    groups = layer_groups(network)
    for name in ["input", *(group[-1] for group in groups)]:
        if name not in ranges:
            raise ValueError(f"ranges has no {name}: expected those of `calibrate`")
    magnitude, signed = ranges["input"]
    now = first = Activation.of(magnitude, activation_bits, signed)
    size: tuple[int, ...] = input_shape[:2]
    steps: list[IntegerStep] = []
    for group in groups:
        name = group[0]
        layer, *followers = (network.layers[member] for member in group)
        rectified = any(isinstance(follower, ReLU) for follower in followers)
        after = None
        if group is not groups[-1]:
            magnitude, signed = ranges[group[-1]]
            after = Activation.of(magnitude, activation_bits, signed and not rectified)
        if isinstance(layer, Product) and not (after is None and rectified):
            if name not in weights:
                raise ValueError(f"weights has no {name}: expected its codes")
            norms = [follower for follower in followers if isinstance(follower, BatchNorm2d)]
            steps.append(_product(name, layer, norms, weights[name], now, after))
            now = after or now
        elif isinstance(layer, AvgPool2d | GlobalAvgPool) and after is not None:
            window = (layer.size, layer.stride) if isinstance(layer, AvgPool2d) else (0, 0)
            area = window[0] ** 2 or size[0] * size[1]
            steps.append(_average(name, window, area, now, after))
            now = after
        elif isinstance(layer, MaxPool2d) and not layer.padding and after is not None:
            steps.append(IntegerMaxPool(name, layer.size, layer.stride))
        elif isinstance(layer, Flatten) and after is not None:
            steps.append(IntegerFlatten(name))
        else:
            kinds = " and ".join(type(network.layers[member]).__name__ for member in group)
            place = "as the last step" if after is None else "there"
            raise ValueError(f"layer {name}: {kinds} has no integer form {place}")
        size = _next_size(layer, size)
        if min(size) < 1:
            raise ValueError(f"layer {name}: images of {input_shape} are smaller than its window")
    lowered = IntegerNetwork(tuple(steps), input_shape, first.scale, first.bits, first.signed)
    check_network(lowered)
    return lowered


def layer_groups(network: Network) -> list[list[str]]:
    """Return the layers of each integer step, by name.

    A product takes in the normalizations and rectifications behind it, but no normalization
    behind a rectification: that is no longer one multiplier and one clamp.
    """
    groups: list[list[str]] = []
    for name, layer in network.layers.items():
        group = [network.layers[member] for member in groups[-1]] if groups else [layer]
        rectified = any(isinstance(member, ReLU) for member in group)
        folds = isinstance(layer, ReLU) or (isinstance(layer, BatchNorm2d) and not rectified)
        if isinstance(group[0], Product) and folds:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _product(
    name: str,
    layer: Product,
    norms: list[BatchNorm2d],
    weight: WeightCodes,
    before: Activation,
    after: Activation | None,
) -> IntegerProduct:
    bit_width(weight.bits, low=1 if weight.signs is None else 2, name=f"layer {name}: bits")
    same_shape(f"layer {name}: codes", weight.codes.shape, layer.weight.shape)
    real(f"layer {name}: scale", weight.scale, 0, open_low=True)
    outputs = weight.codes.shape[-1]
    unit = float(weight.unit * before.scale)  # real value of one accumulator unit
    slope = np.ones(outputs)
    offset = layer.parameters.get("bias", np.zeros(outputs)).astype(np.float64)
    for norm in norms:
        wide = {k: v.astype(np.float64) for k, v in {**norm.parameters, **norm.buffers}.items()}
        gain = wide["gamma"] / np.sqrt(wide["running_variance"] + norm.eps)
        slope = slope * gain
        offset = wide["beta"] + (offset - wide["running_mean"]) * gain
    if not (np.isfinite(slope).all() and np.isfinite(offset).all()):
        raise ValueError(f"layer {name}: its bias or normalization is not finite")
    common: dict[str, Any] = {
        "name": name, "bits": weight.bits, "in_bits": before.bits, "in_signed": before.signed,
        "in_scale": before.scale, "stride": 1, "padding": 0, "groups": 1,
    }  # fmt: skip
    if isinstance(layer, Conv2d):
        common |= {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups}
    if after is None:
        if (slope != 1).any():
            raise ValueError(f"layer {name}: a normalization behind the last product is not folded")
        with np.errstate(over="ignore"):
            units = np.rint(offset / unit)
        if not (np.abs(units) < LOGIT_LIMIT).all():
            raise ValueError(f"layer {name}: a bias does not fit 62 bits")
        return IntegerProduct(
            codes=weight.codes, signs=weight.signs, bias=units.astype(np.int64),
            requantizer=None, out_scale=unit, **common,
        )  # fmt: skip
    length = int(np.prod(weight.codes.shape[:-1]))
    reach = length * (2**weight.bits - 1) * before.largest
    if reach >= ACC_LIMIT:
        raise ValueError(f"layer {name}: accumulators may reach {reach}, expected below 2^31")
    codes, signs = _flip(weight, slope < 0)
    with np.errstate(over="ignore"):  # an infinite offset saturates, an infinite factor is an error
        channels = [
            _channel(name, abs(g) * unit / after.scale, b / after.scale, reach, after)
            for g, b in zip(slope, offset, strict=True)
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
    name: str, factor: float, offset: float, reach: int, after: Activation
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
    name: str, window: tuple[int, int], area: int, before: Activation, after: Activation
) -> IntegerAveragePool:
    try:
        multiplier, shift = requantize_factor(before.scale / (area * after.scale))
    except ValueError as error:
        raise ValueError(f"layer {name}: {error}") from None
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
