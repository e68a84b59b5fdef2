"""Twins of `msq_ref.reference.integer`, and the product on packed bit planes [S8], [S9]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.bitserial_gemm import bitserial_gemm, pack_weight_planes, packed_planes
from msq_ref.kernels.integer_conv import by_taps, convolve, depthwise
from msq_ref.kernels.integer_product import in_rows, integer_product, narrow, pack_weights
from msq_ref.kernels.paths import extent_of
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
    return _product(x, v, int(bits), _kind(signs))


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
    length = math.prod(v.shape[:3])
    extent = extent_of(x, length, shape.group_outputs, int(bits))
    if by_taps(shape):
        return depthwise(narrow(x, extent), v, shape, padding)
    filters = v.reshape(length, v.shape[3])
    weights = [
        pack_weights(filters[:, shape.channels(group)[1]], extent, _kind(signs))
        for group in range(groups)
    ]
    return convolve(narrow(x, extent), weights, v.shape[:2], shape, padding)


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
    return _product(x, codes, len(planes), "signed" if signed else "codes")


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
    x_planes = packed_planes("x_planes", x_planes)
    w_planes = packed_planes("w_planes", w_planes)
    if w_planes.shape[2] != x_planes.shape[2]:
        raise ValueError(
            f"w_planes has shape {w_planes.shape}: expected (bits, lines, {x_planes.shape[2]})"
        )
    # Two's complement with the highest bit turned is the unsigned code ``c + 2^(bits-1)``.
    x, x_lift = _lifted(x_planes, x_signed)
    w, w_lift = _lifted(w_planes, w_signed)
    y = bitserial_gemm(x, pack_weight_planes(w))
    if w_lift:
        y -= w_lift * _line_sums(x)[:, None]
    if x_lift:
        length = WORD * x_planes.shape[2]
        y -= x_lift * (_line_sums(w) - w_lift * length)
    return y


def _lifted(planes: NDArray[np.uint64], signed: bool) -> tuple[NDArray[np.uint64], int]:
    """Return the planes of unsigned codes, and by how much these are larger."""
    if not signed:
        return planes, 0
    turned = planes.copy()
    turned[-1] ^= ~np.uint64(0)
    return turned, 2 ** (len(planes) - 1)


def _line_sums(planes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the sum of the codes of each line."""
    ones = np.bitwise_count(planes).sum(axis=2, dtype=np.int64)
    return np.asarray((ones << np.arange(len(planes))[:, None]).sum(axis=0))


def _kind(signs: NDArray[Any] | None) -> str:
    return "offset" if signs is None else "signed"


def _product(x: NDArray[Any], v: NDArray[np.int32], bits: int, kind: str) -> NDArray[np.int64]:
    """Multiply (..., K) with (K, M), either of them possibly empty."""
    length, outputs = v.shape
    extent = extent_of(x, length, outputs, bits)
    y = np.empty((math.prod(x.shape[:-1]), outputs), np.int64)
    lines = narrow(x, extent).reshape(len(y), length)
    integer_product(in_rows(lines), pack_weights(v, extent, kind), y)
    return y.reshape(*x.shape[:-1], outputs)


@njit(cache=True, nogil=True)
def _activation_codes(x: Any, scale: Any, low: Any, high: Any, codes: Any) -> None:
    for i in range(x.size):
        codes[i] = np.int32(min(max(np.rint(x[i] / scale), low), high))
