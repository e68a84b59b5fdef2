"""Twins of `msq_ref.reference.integer`, and the product on packed bit planes [S8], [S9]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.conv import patches
from msq_ref.reference.integer import integer_weights
from msq_ref.reference.planes import WORD, from_bit_planes

__all__ = [
    "activation_codes",
    "bitserial_linear",
    "bitserial_packed",
    "integer_conv2d",
    "integer_linear",
    "integer_weights",
]


def activation_codes(
    x: NDArray[Any], scale: float, bits: int, signed: bool
) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.activation_codes`, bit-identical [S8.1]."""
    x = checks.float_array("x", x)
    low, high = checks.code_range(bits, signed)
    kind = x.dtype.type
    codes = np.empty(x.shape, np.int32)
    divisor = checks.positive_scale("scale", scale, x.dtype)
    _activation_codes(x.ravel(), divisor, kind(low), kind(high), codes.ravel())
    return codes


def integer_linear(
    x: NDArray[Any], codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Twin of `msq_ref.reference.integer_linear`, bit-identical [S9.1]."""
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, v.shape)
    checks.no_overflow(x, v.shape[0], bits)
    return _product(x, v)


def integer_conv2d(
    x: NDArray[Any],
    codes: NDArray[Any],
    bits: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    signs: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Twin of `msq_ref.reference.integer_conv2d`, bit-identical [S9.1]."""
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    shape = checks.conv_sizes(x.shape, v.shape, stride, padding, groups)
    checks.no_overflow(x, int(np.prod(v.shape[:3])), bits)
    x = x.astype(np.int64)
    y = np.empty(shape.output, np.int64)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        columns = patches(x[..., inputs], v.shape[:2], shape, padding)
        filters = v[..., outputs].reshape(columns.shape[1], shape.group_outputs)
        flat = _product(columns, filters)
        y[..., outputs] = flat.reshape(*shape.output[:3], shape.group_outputs)
    return y


def bitserial_linear(
    x: NDArray[Any], planes: NDArray[Any], signed: bool = False
) -> NDArray[np.int64]:
    """Twin of `msq_ref.reference.bitserial_linear`, bit-identical [S9.3]."""
    planes = np.asarray(planes)
    codes = from_bit_planes(planes, signed)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, planes.shape[1:])
    checks.no_overflow(x, planes.shape[1], len(planes))
    # Every order of evaluation gives the same integer: here planes are put together first.
    return _product(x, codes)


def bitserial_packed(
    x_planes: NDArray[np.uint64],
    w_planes: NDArray[np.uint64],
    x_signed: bool = False,
    w_signed: bool = False,
) -> NDArray[np.int64]:
    """Multiply packed bit planes: ``sum_ij 2^(i+j) popcount(x_i AND w_j)``.

    Parameters
    ----------
    x_planes : ndarray of uint64, (a, P, words)
        Packed planes of activation codes, `pack_planes` along the reduction; 1 to 16 planes.
    w_planes : ndarray of uint64, (n, M, words)
        Packed planes of weight codes; 1 to 16 planes.
    x_signed, w_signed : bool
        The last plane counts negative.

    Returns
    -------
    ndarray of int64, (P, M)

    Raises
    ------
    TypeError
        If an array is not uint64.
    ValueError
        If an array is not 3-dimensional or has not 1 to 16 planes, if the word counts differ, or
        if there are so many words that int64 could overflow [S9.2].

    Notes
    -----
    [S9.3], ``bitexact``: equal to `bitserial_linear` on the unpacked planes.
    """
    x_planes, w_planes = _packed_planes("x_planes", x_planes), _packed_planes("w_planes", w_planes)
    if w_planes.shape[2] != x_planes.shape[2]:
        raise ValueError(
            f"w_planes has shape {w_planes.shape}: expected (bits, lines, {x_planes.shape[2]})"
        )
    y = np.zeros((x_planes.shape[1], w_planes.shape[1]), np.int64)
    x_planes, w_planes = np.ascontiguousarray(x_planes), np.ascontiguousarray(w_planes)
    _packed(x_planes, w_planes, _weights(x_planes, x_signed), _weights(w_planes, w_signed), y)
    return y


def _packed_planes(name: str, value: object) -> NDArray[np.uint64]:
    planes = np.asarray(value)
    if planes.dtype.kind != "u" or planes.dtype.itemsize != 8:
        raise TypeError(f"{name} has dtype {planes.dtype}: expected uint64")
    if planes.ndim != 3:
        raise ValueError(f"{name} has shape {planes.shape}: expected (bits, lines, words)")
    checks.bit_width(planes.shape[0], name=f"{name}.shape[0]")
    # Two codes of 16 bits multiply to less than 2^32; 2^31 products of them stay below 2^63.
    checks.integer(f"{name}.shape[2]", planes.shape[2], 0, 2**31 // WORD)
    return planes.astype(np.uint64, copy=False)


def _weights(planes: NDArray[Any], signed: bool) -> NDArray[np.int64]:
    weights = np.int64(1) << np.arange(len(planes), dtype=np.int64)
    if signed:
        weights[-1] *= -1
    return weights


def _product(x: NDArray[Any], v: NDArray[np.int32]) -> NDArray[np.int64]:
    """Multiply (..., K) with (K, M), either of them possibly empty."""
    y = np.zeros((math.prod(x.shape[:-1]), v.shape[1]), np.int64)
    lines = x.reshape(len(y), v.shape[0]).astype(np.int64)
    _multiply(lines, np.ascontiguousarray(v).astype(np.int64), y)
    return y.reshape(*x.shape[:-1], v.shape[1])


@intrinsic
def _popcount(_context: Any, _word: Any) -> Any:
    """Count the ones of a 64-bit word in one instruction where the processor has it."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)
def _activation_codes(x: Any, scale: Any, low: Any, high: Any, codes: Any) -> None:
    for i in range(x.size):
        codes[i] = np.int32(min(max(np.rint(x[i] / scale), low), high))


@njit(cache=True, nogil=True)
def _multiply(x: Any, v: Any, y: Any) -> None:
    for p in range(x.shape[0]):
        for k in range(x.shape[1]):
            factor = x[p, k]
            if factor != 0:
                for m in range(v.shape[1]):
                    y[p, m] += factor * v[k, m]


@njit(cache=True, nogil=True)
def _packed(x_planes: Any, w_planes: Any, x_weights: Any, w_weights: Any, y: Any) -> None:
    words = x_planes.shape[2]
    for i in range(x_planes.shape[0]):
        for j in range(w_planes.shape[0]):
            weight = x_weights[i] * w_weights[j]
            for p in range(y.shape[0]):
                for m in range(y.shape[1]):
                    ones = np.int64(0)
                    for word in range(words):
                        ones += _popcount(x_planes[i, p, word] & w_planes[j, m, word])
                    y[p, m] += weight * ones
