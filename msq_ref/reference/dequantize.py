"""Codes back to the unit interval, and from there to weights [S2.3], [S1.2], [S1.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks

__all__ = ["dequantize", "effective", "effective_signed"]


def dequantize(codes: NDArray[Any], bits: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Map codes to the unit interval: ``q = c / (2^n - 1)``.

    Parameters
    ----------
    codes : ndarray of integers, any shape
        Values in [0, 2^bits - 1].
    bits : int
        Code width n, 1 to 16.
    dtype : float32 or float64
        Of the result.

    Returns
    -------
    ndarray
        q in [0, 1], the shape of `codes`.

    Raises
    ------
    TypeError
        If `codes` are not integers, or `dtype` is not float32 or float64.
    ValueError
        If a code or `bits` is out of range.

    Notes
    -----
    [S2.3], ``bitexact``: one correctly rounded division, not a product with the reciprocal.
    """
    n = checks.bit_width(bits)
    c = checks.code_array("codes", codes, n)
    kind = checks.float_dtype("dtype", dtype)
    return np.asarray(c.astype(kind) / kind.type(2**n - 1))


def effective(q: NDArray[Any], scale: float) -> NDArray[Any]:
    """Map the unit interval to weights, ``offset`` domain: ``scale * (2 q - 1)``.

    Parameters
    ----------
    q : ndarray, float32 or float64, any shape
        Values in [0, 1].
    scale : float
        The layer's positive constant, rounded to the dtype of `q`.

    Returns
    -------
    ndarray
        Weights, the shape and dtype of `q`.

    Raises
    ------
    TypeError
        If `q` is not float32 or float64, or `scale` is not a real number.
    ValueError
        If `q` leaves [0, 1], or `scale` is not positive and finite in the dtype of `q`.

    Notes
    -----
    [S1.2], ``bitexact``: each operation is rounded in the dtype of `q`.
    """
    q = checks.unit_array("q", q)
    return np.asarray(checks.positive_scale("scale", scale, q.dtype) * (2 * q - q.dtype.type(1)))


def effective_signed(q: NDArray[Any], signs: NDArray[Any], scale: float) -> NDArray[Any]:
    """Map magnitudes and signs to weights, ``signed`` domain: ``scale * sign * q``.

    Parameters
    ----------
    q : ndarray, float32 or float64, any shape
        Magnitudes in [0, 1].
    signs : ndarray, integer or float
        -1, 0 or 1, the shape of `q`, as `numpy.sign` gives them.
    scale : float
        The layer's positive constant, rounded to the dtype of `q`.

    Returns
    -------
    ndarray
        Weights, the shape and dtype of `q`.

    Raises
    ------
    TypeError
        If `q` is not float32 or float64, `signs` are not numbers, or `scale` is not real.
    ValueError
        If `q` leaves [0, 1], a sign is not -1, 0 or 1, shapes differ, or `scale` is not positive
        and finite in the dtype of `q`.

    Notes
    -----
    [S1.4], ``bitexact``: one correctly rounded product.
    """
    q = checks.unit_array("q", q)
    s = checks.sign_array("signs", signs, q.shape)
    return np.asarray(checks.positive_scale("scale", scale, q.dtype) * s.astype(q.dtype) * q)
