"""Activations, integer weights and integer products, in C [S8], [S9]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix
from msq_ref.backends.c.planes import from_bit_planes

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
    codes = np.empty(x.shape, np.int32)
    call(f"activation_codes_{suffix(x.dtype)}", x.size, x, float(divisor), low, high, codes)
    return codes


def integer_weights(
    codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int32]:
    """Return ``2c - (2^n - 1)`` or ``sign * c`` [S9.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.integer_weights`.
    """
    n = checks.bit_width(bits, low=1 if signs is None else 2)
    c = checks.code_array("codes", codes, n if signs is None else n - 1)
    weights = np.empty(c.shape, np.int32)
    if signs is None:
        call("integer_weights", c.size, c, n, weights)
    else:
        s = checks.sign_array("signs", signs, c.shape).astype(np.int32)
        call("integer_weights_signed", c.size, c, s, weights)
    return weights


def integer_linear(
    x: NDArray[Any], codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Multiply with integer weights [S9.1], ``bitexact``; as `msq_ref.reference.integer_linear`."""
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, v.shape)
    checks.no_overflow(x, v.shape[0], bits)
    y = np.empty((*x.shape[:-1], v.shape[1]), np.int64)
    call("integer_linear", math.prod(x.shape[:-1]), *v.shape, x.astype(np.int64), v, y)
    return y


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
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    shape = checks.conv_sizes(x.shape, v.shape, stride, padding, groups)
    checks.no_overflow(x, math.prod(v.shape[:3]), bits)
    y = np.empty(shape.output, np.int64)
    call(
        "integer_conv2d", *x.shape[:3], shape.groups, shape.group_inputs, shape.group_outputs,
        *v.shape[:2], shape.stride, int(padding), x.astype(np.int64), v, y,
    )  # fmt: skip
    return y


def bitserial_linear(
    x: NDArray[Any], planes: NDArray[Any], signed: bool = False
) -> NDArray[np.int64]:
    """Return the plane sum [S9.3], ``bitexact``; as `msq_ref.reference.bitserial_linear`."""
    planes = np.asarray(planes)
    from_bit_planes(planes, signed)  # checks the values and the number of planes
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, planes.shape[1:])
    n, length, outputs = planes.shape
    checks.no_overflow(x, length, n)
    y = np.empty((*x.shape[:-1], outputs), np.int64)
    call(
        "bitserial_linear", math.prod(x.shape[:-1]), length, outputs, n, bool(signed),
        x.astype(np.int64), planes.astype(np.uint8), y,
    )  # fmt: skip
    return y
