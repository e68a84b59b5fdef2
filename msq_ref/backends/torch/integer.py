"""Activations, integer weights and integer products [S8], [S9]; PyTorch multiplies int64 itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, integers, tensor
from msq_ref.backends.torch.planes import from_bit_planes, plane_weights

__all__ = [
    "activation_codes",
    "bitserial_linear",
    "integer_conv2d",
    "integer_linear",
    "integer_weights",
]


def activation_codes(x: NDArray[Any], scale: float, bits: int, signed: bool) -> NDArray[np.int32]:
    """Quantize activations [S8.1], ``bitexact``; as `msq_ref.reference.activation_codes`."""
    x = checks.float_array("x", x)
    low, high = checks.code_range(bits, signed)
    divisor = checks.positive_scale("scale", scale, x.dtype)
    return array(torch.round(tensor(x) / float(divisor)).clamp(low, high).to(torch.int32))


def integer_weights(
    codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int32]:
    """Return ``2c - (2^n - 1)`` or ``sign * c`` [S9.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.integer_weights`.
    """
    return array(_weights(codes, bits, signs).to(torch.int32))


def integer_linear(
    x: NDArray[Any], codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Multiply with integer weights [S9.1], ``bitexact``; as `msq_ref.reference.integer_linear`."""
    v = _weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, tuple(v.shape))
    checks.no_overflow(x, v.shape[0], bits)
    return array(integers(x) @ v)


def integer_conv2d(
    x: NDArray[Any],
    codes: NDArray[Any],
    bits: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    signs: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Cross-correlate with integer weights [S9.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.integer_conv2d`.
    """
    v = _weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    shape = checks.conv_sizes(x.shape, tuple(v.shape), stride, padding, groups)
    kernel = v.shape[:2]
    length = math.prod(v.shape[:3])
    checks.no_overflow(x, length, bits)
    pad = int(padding)
    images = torch.nn.functional.pad(integers(x), (0, 0, pad, pad, pad, pad))
    # PyTorch's convolutions are of floats only: windows as a view, then a product a group.
    windows = images.unfold(1, kernel[0], shape.stride).unfold(2, kernel[1], shape.stride)
    windows = windows.reshape(shape.positions, shape.groups, shape.group_inputs, *kernel)
    windows = windows.permute(1, 0, 3, 4, 2).reshape(shape.groups, shape.positions, length)
    filters = v.reshape(length, shape.groups, shape.group_outputs).transpose(0, 1)
    return array(torch.bmm(windows, filters).transpose(0, 1).reshape(shape.output))


def bitserial_linear(
    x: NDArray[Any], planes: NDArray[Any], signed: bool = False
) -> NDArray[np.int64]:
    """Return the plane sum [S9.3], ``bitexact``; as `msq_ref.reference.bitserial_linear`."""
    planes = np.asarray(planes)
    from_bit_planes(planes, signed)  # checks the values and the number of planes
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, planes.shape[1:])
    checks.no_overflow(x, planes.shape[1], len(planes))
    lines = integers(x)
    y = lines.new_zeros(*x.shape[:-1], planes.shape[2])
    for weight, plane in zip(plane_weights(len(planes), signed), integers(planes), strict=True):
        y += weight * (lines @ plane)
    return array(y)


def _weights(codes: NDArray[Any], bits: int, signs: NDArray[Any] | None) -> torch.Tensor:
    if signs is None:
        n = checks.bit_width(bits)
        return 2 * integers(checks.code_array("codes", codes, n)) - (2**n - 1)
    n = checks.bit_width(bits, low=2)
    c = checks.code_array("codes", codes, n - 1)
    return integers(checks.sign_array("signs", signs, c.shape)) * integers(c)
