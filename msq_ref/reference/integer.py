"""Integer weights, integer layers and the bit-serial product [S8], [S9]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.planes import from_bit_planes

__all__ = [
    "activation_codes",
    "bitserial_linear",
    "integer_conv2d",
    "integer_linear",
    "integer_weights",
]


def activation_codes(
    x: NDArray[Any], scale: float, bits: int, signed: bool
) -> NDArray[np.int32]:
    """Quantize activations: ``rint(x / scale)``, clamped to the range of the width.

    Parameters
    ----------
    x : ndarray, float32 or float64, any shape
    scale : float
        Positive; rounded to the dtype of `x`.
    bits : int
        Width a, 1 to 16.
    signed : bool
        Two's complement range ``[-2^(a-1), 2^(a-1) - 1]``, else ``[0, 2^a - 1]``.

    Returns
    -------
    ndarray of int32

    Raises
    ------
    TypeError
        If `x` is not float32 or float64, or `scale` is not a real number.
    ValueError
        If `x` is not finite, or `scale` or `bits` is out of range.

    Notes
    -----
    [S8.1], ``bitexact``: one correctly rounded division, then rint.
    """
    x = checks.float_array("x", x)
    low, high = checks.code_range(bits, signed)
    with np.errstate(over="ignore"):  # an infinite quotient is clamped like any large one
        quotient = np.rint(x / checks.positive_scale("scale", scale, x.dtype))
    return np.asarray(np.clip(quotient, low, high)).astype(np.int32)


def integer_weights(
    codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int32]:
    """Return the integers that stand for weights: ``2c - (2^n - 1)``, or ``sign * c``.

    Parameters
    ----------
    codes : ndarray of integers, any shape
        Unsigned codes of n bits, or, with `signs`, of n - 1 bits.
    bits : int
        Width n, the sign included, 1 to 16 (2 to 16 with `signs`).
    signs : ndarray, optional
        -1, 0 or 1: the weights are of the signed domain.

    Returns
    -------
    ndarray of int32

    Raises
    ------
    TypeError
        If `codes` are not integers.
    ValueError
        If a code, a sign or `bits` is out of range, or shapes differ.

    Notes
    -----
    [S9.1], ``bitexact``.
    """
    if signs is None:
        n = checks.bit_width(bits)
        return np.asarray(2 * checks.code_array("codes", codes, n) - (2**n - 1), dtype=np.int32)
    n = checks.bit_width(bits, low=2)
    c = checks.code_array("codes", codes, n - 1)
    return np.asarray(checks.sign_array("signs", signs, c.shape).astype(np.int32) * c)


def integer_linear(
    x: NDArray[Any], codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Return ``sum_k x_k v_k`` with the integer weights v of the codes.

    Parameters
    ----------
    x : ndarray of integers, (..., K)
        Activation codes.
    codes : ndarray of integers, (K, M)
    bits, signs
        As in `integer_weights`.

    Returns
    -------
    ndarray of int64, (..., M)

    Raises
    ------
    TypeError
        If `x` or `codes` are not integers.
    ValueError
        If shapes do not fit, a code is out of range, or int64 could overflow [S9.2].

    Notes
    -----
    [S9.1], [S9.2], ``bitexact``.
    """
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, v.shape)
    checks.no_overflow(x, v.shape[0], bits)
    return np.asarray(x.astype(np.int64) @ v.astype(np.int64))


def integer_conv2d(
    x: NDArray[Any],
    codes: NDArray[Any],
    bits: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    signs: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Cross-correlate activation codes with the integer weights of the codes.

    Parameters
    ----------
    x : ndarray of integers, (batch, height, width, channels)
        Padded with the integer 0.
    codes : ndarray of integers, (kernel height, kernel width, channels / groups, outputs)
    bits, signs
        As in `integer_weights`.
    stride, padding, groups : int

    Returns
    -------
    ndarray of int64, (batch, rows, columns, outputs)

    Raises
    ------
    TypeError
        If `x` or `codes` are not integers.
    ValueError
        If shapes do not fit, a value is out of range, or int64 could overflow [S9.2].

    Notes
    -----
    [S9.1], [S9.2], [S11.1], ``bitexact``.
    """
    v = integer_weights(codes, bits, signs).astype(np.int64)
    x = checks.integer_array("x", x)
    shape = checks.conv_sizes(x.shape, v.shape, stride, padding, groups)
    checks.no_overflow(x, int(np.prod(v.shape[:3])), bits)
    pad = (0, 0), (padding, padding), (padding, padding), (0, 0)
    padded = np.pad(x.astype(np.int64), pad)
    y = np.zeros(shape.output, dtype=np.int64)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        for i in range(v.shape[0]):
            for j in range(v.shape[1]):
                y[..., outputs] += shape.window(padded, i, j)[..., inputs] @ v[i, j, :, outputs]
    return y


def bitserial_linear(
    x: NDArray[Any], planes: NDArray[Any], signed: bool = False
) -> NDArray[np.int64]:
    """Return ``sum_j 2^j sum_k b_jk x_k``: the plane sum, no offset correction.

    Parameters
    ----------
    x : ndarray of integers, (..., K)
    planes : ndarray of integers, (bits, K, M)
        Bit planes of weight codes, 0 or 1, plane 0 least significant.
    signed : bool
        The last plane counts ``-2^(bits-1)``.

    Returns
    -------
    ndarray of int64, (..., M)

    Raises
    ------
    TypeError
        If `x` or `planes` are not integers.
    ValueError
        If shapes do not fit, a plane is not 0 or 1, or int64 could overflow.

    Notes
    -----
    [S9.3], ``bitexact``: all orders of evaluation give the same integer.
    """
    planes = np.asarray(planes)
    from_bit_planes(planes, signed)  # checks the values and the number of planes
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, planes.shape[1:])
    checks.no_overflow(x, planes.shape[1], len(planes))
    y = np.zeros((*x.shape[:-1], planes.shape[2]), dtype=np.int64)
    for j, plane in enumerate(planes):
        partial = x.astype(np.int64) @ plane.astype(np.int64)
        top = signed and j == len(planes) - 1
        y += -(partial << j) if top else partial << j
    return y
