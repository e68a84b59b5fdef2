"""What must hold so that an integer network runs: checked once, before any image [S9.2], [S9.4]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from msq_ref import checks
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
from msq_ref.shapes import output_length

__all__ = ["ACC_LIMIT", "check_network"]

ACC_LIMIT = 2**31
"""Accumulators that are requantized stay below this magnitude [S9.4]."""

Shape = tuple[int, ...]


def check_network(network: IntegerNetwork) -> None:
    """Check every field of every step, and that the steps fit together.

    A network that passes runs without an error on all codes of its input width, and no accumulator
    overflows.

    Raises
    ------
    TypeError, ValueError
        Naming the step and the field.
    """
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(shape) != 3:
        raise ValueError(f"input_shape = {shape}: expected (height, width, channels)")
    now: tuple[Shape, Activation] = (
        (1, *(checks.integer("input_shape", length, 1) for length in shape)),
        Activation(
            _scale("input_scale", network.input_scale),
            checks.bit_width(network.input_bits, name="input_bits"),
            _flag("input_signed", network.input_signed),
        ),
    )
    if not network.steps:
        raise ValueError("steps is empty: expected at least one")
    for index, step in enumerate(network.steps):
        name = getattr(step, "name", None)
        if not isinstance(name, str):
            raise TypeError(f"steps[{index}] has the name {name!r}: expected a text")
        try:
            now = _after(step, *now, last=index == len(network.steps) - 1)
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer {name}: {error}") from None


def _after(
    step: IntegerStep, shape: Shape, codes: Activation, *, last: bool
) -> tuple[Shape, Activation]:
    """Check a step for codes of one image, and return the codes behind it with their shape."""
    if last and not isinstance(step, IntegerProduct):
        raise ValueError(f"the last step is {type(step).__name__}: expected a product")
    if isinstance(step, IntegerProduct):
        return _after_product(step, shape, codes, last=last)
    if isinstance(step, IntegerAveragePool):
        _same("in_scale", _scale("in_scale", step.in_scale), codes.scale)
        shape, area = _pooled(shape, step.size, step.stride, least=0)
        if area * codes.largest >= ACC_LIMIT:
            raise ValueError(f"sums may reach {area * codes.largest}: expected below 2^31")
        return shape, _requantized(step.requantizer, shape, step.out_scale)
    if isinstance(step, IntegerMaxPool):
        return _pooled(shape, step.size, step.stride, least=1)[0], codes
    if isinstance(step, IntegerFlatten):
        return (shape[0], math.prod(shape[1:])), codes
    raise TypeError(f"{type(step).__name__} is no integer step")


def _after_product(
    step: IntegerProduct, shape: Shape, codes: Activation, *, last: bool
) -> tuple[Shape, Activation]:
    _weights(step)
    _same("in_scale", _scale("in_scale", step.in_scale), codes.scale)
    _same("in_bits", checks.bit_width(step.in_bits, name="in_bits"), codes.bits)
    _same("in_signed", _flag("in_signed", step.in_signed), codes.signed)
    if step.is_conv:
        filters = step.codes.shape
        shape = checks.conv_sizes(shape, filters, step.stride, step.padding, step.groups).output
    else:
        checks.product_shapes(shape, step.codes.shape)
        for name, only in (("stride", 1), ("padding", 0), ("groups", 1)):
            checks.integer(name, getattr(step, name), only, only)
        shape = (*shape[:-1], step.codes.shape[1])
    _array("bias", step.bias, np.int64)
    checks.same_shape("bias", step.bias.shape, shape[-1:])
    bias = max((abs(int(value)) for value in step.bias), default=0)
    reach = math.prod(step.codes.shape[:-1]) * (2**step.bits - 1) * codes.largest
    # The first factor 2 covers the intermediate 2 sum c x [S9.2].
    bound, limit = (2 * reach + bias, 2**63) if last else (reach + bias, ACC_LIMIT)
    if bound >= limit:
        raise ValueError(f"accumulators may reach {bound}: expected below {limit}")
    if not last:
        return shape, _requantized(step.requantizer, shape, step.out_scale)
    if step.requantizer is not None:
        raise ValueError("the last step has a requantizer: expected none")
    return shape, Activation(_scale("out_scale", step.out_scale), codes.bits, codes.signed)


def _weights(step: IntegerProduct) -> None:
    signed = step.signs is not None
    bits = checks.bit_width(step.bits, low=2 if signed else 1)
    _array("codes", step.codes, np.int32)
    if step.codes.ndim not in (2, 4):
        raise ValueError(f"codes has shape {step.codes.shape}: expected HWIO or (K, M)")
    checks.code_array("codes", step.codes, bits - signed)
    if step.signs is not None:
        _array("signs", step.signs, np.int8)
        checks.sign_array("signs", step.signs, step.codes.shape)


def _requantized(kind: Requantizer | None, shape: Shape, out_scale: float) -> Activation:
    if not isinstance(kind, Requantizer):
        raise TypeError(f"requantizer is {type(kind).__name__}: expected one before the last step")
    for name in ("multiplier", "shift", "zero_point"):
        _array(name, getattr(kind, name), np.int64)
    signed = _flag("signed", kind.signed)
    checks.requantize_arguments(
        np.zeros(shape[-1:], np.int64), kind.multiplier, kind.shift, kind.zero_point, kind.bits,
        signed,
    )  # fmt: skip
    return Activation(_scale("out_scale", out_scale), kind.bits, signed)


def _pooled(shape: Shape, size: int, stride: int, least: int) -> tuple[Shape, int]:
    """Return the shape behind a pooling, and the area of its window; size 0: global."""
    if len(shape) != 4:
        raise ValueError(f"its input has shape {shape}: expected images")
    checks.integer("size", size, least)
    checks.integer("stride", stride, min(size, 1))
    if size == 0:
        return (shape[0], shape[3]), shape[1] * shape[2]
    rows, columns = (output_length(length, size, stride) for length in shape[1:3])
    if rows < 1 or columns < 1:
        raise ValueError(f"size = {size}: larger than images of shape {shape}")
    return (shape[0], rows, columns, shape[3]), size**2


def _scale(name: str, value: object) -> float:
    return checks.real(name, value, 0, open_low=True)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} = {value!r}: expected true or false")
    return value


def _array(name: str, value: object, dtype: type[Any]) -> None:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is {type(value).__name__}: expected an array")
    checks.same_dtype(name, value.dtype, np.dtype(dtype))


def _same(name: str, value: object, before: object) -> None:
    if value != before:
        raise ValueError(f"{name} = {value}: expected {before}, to fit what comes before it")
