"""Bit planes of finished codes, as hardware sees them, and their packed form [S3.3], [S9.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["WORD", "bit_planes", "from_bit_planes", "pack_planes"]

WORD = 64
"""Bits in a packed word."""


def bit_planes(codes: NDArray[Any], bits: int, signed: bool = False) -> NDArray[np.uint8]:
    """Split codes into bit planes: ``c = sum_j 2^j b_j`` (truncation slicing).

    Parameters
    ----------
    codes : ndarray of integers, any shape
        In [0, 2^bits - 1], or, `signed`, in [-2^(bits-1), 2^(bits-1) - 1].
    bits : int
        Number of planes, 1 to 16.
    signed : bool
        Two's complement: the last plane counts ``-2^(bits-1)``.

    Returns
    -------
    ndarray of uint8, shape (bits, ...)
        0 or 1; plane 0 is the least significant.

    Raises
    ------
    TypeError
        If `codes` are not integers.
    ValueError
        If a code or `bits` is out of range.

    Notes
    -----
    [S3.3], [S9.1], ``bitexact``.
    """
    n = checks.bit_width(bits)
    low, high = checks.code_range(n, signed)
    c = checks.integer_array("codes", codes, low, high).astype(np.int32)
    # An arithmetic shift of a two's complement number shows its bits, the sign's included.
    shifts = np.arange(n, dtype=np.int32).reshape(n, *(1,) * c.ndim)
    return ((c >> shifts) & 1).astype(np.uint8)


def from_bit_planes(planes: NDArray[Any], signed: bool = False) -> NDArray[np.int32]:
    """Put codes together from their bit planes: ``c = sum_j 2^j b_j``.

    Parameters
    ----------
    planes : ndarray of integers, shape (bits, ...)
        0 or 1; plane 0 is the least significant; 1 to 16 planes.
    signed : bool
        The last plane counts ``-2^(bits-1)``.

    Returns
    -------
    ndarray of int32, the shape behind the first axis

    Raises
    ------
    TypeError
        If `planes` are not integers.
    ValueError
        If a value is not 0 or 1, or the first axis is not 1 to 16 long.

    Notes
    -----
    [S3.3], [S9.1], ``bitexact``.
    """
    b = checks.integer_array("planes", planes, 0, 1).astype(np.int32)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (bits, ...)")
    n = checks.bit_width(b.shape[0], name="planes.shape[0]")
    weights = 2 ** np.arange(n, dtype=np.int32)
    if signed:
        weights[-1] *= -1
    codes = np.zeros(b.shape[1:], dtype=np.int32)
    for weight, plane in zip(weights, b, strict=True):
        codes += weight * plane
    return codes


def pack_planes(planes: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack the last axis of bit planes into 64-bit words, element 0 in the lowest bit.

    Parameters
    ----------
    planes : ndarray of integers, shape (..., K)
        0 or 1.

    Returns
    -------
    ndarray of uint64, shape (..., ceil(K / 64))
        Bits behind the end are 0, so that they add nothing to any AND.

    Raises
    ------
    TypeError
        If `planes` are not integers.
    ValueError
        If a value is not 0 or 1, or there is no axis to pack.

    Notes
    -----
    [S9.3], ``bitexact``.
    """
    b = checks.integer_array("planes", planes, 0, 1)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (..., K)")
    length = b.shape[-1]
    words = -(-length // WORD)
    padded = np.zeros((*b.shape[:-1], words * WORD), dtype=np.uint64)
    padded[..., :length] = b
    shifts = np.arange(WORD, dtype=np.uint64)
    groups = padded.reshape(*b.shape[:-1], words, WORD) << shifts
    return np.asarray(np.bitwise_or.reduce(groups, axis=-1))
