"""Checks of single arrays: dtype, values, shape [S0.2]-[S0.4]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "all_finite",
    "code_array",
    "float_array",
    "integer_array",
    "like",
    "same_dtype",
    "same_shape",
    "sign_array",
    "unit_array",
]

FloatArray = NDArray[Any]
IntArray = NDArray[Any]


def all_finite(array: FloatArray) -> bool:
    """Tell whether no element is NaN or an infinity.

    The sum of squares tells, in one pass by BLAS, but for numbers so large that it overflows.
    """
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def float_array(name: str, value: object, *, allow_empty: bool = True) -> FloatArray:
    """Return a finite float32 or float64 array; the dtype is kept [S0.3].

    Raises
    ------
    TypeError
        If the dtype is any other; integers are never silently promoted.
    ValueError
        If it holds NaN or infinities, or is empty where that has no meaning.
    """
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(f"{name} has dtype {array.dtype}: expected float32 or float64")
    if not allow_empty and array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: expected at least one element")
    if not all_finite(array):
        wrong = array[~np.isfinite(array)].flat[0]
        raise ValueError(f"{name} contains {wrong}: expected finite values")
    return native(array)


def unit_array(name: str, value: object) -> FloatArray:
    """Return a float array with every value in [0, 1] [S2.1]."""
    array = float_array(name, value)
    if array.size and (array.min() < 0 or array.max() > 1):
        worst = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{name} contains {worst}: expected values in [0, 1]")
    return array


def integer_array(
    name: str, value: object, low: int | None = None, high: int | None = None
) -> IntArray:
    """Return an integer array (any integer dtype, not bool) with values in [low, high].

    Raises
    ------
    TypeError
        If the dtype is not an integer one.
    ValueError
        If a value is out of range.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}: expected integers")
    if array.size:
        smallest, largest = int(array.min()), int(array.max())
        if low is not None and smallest < low:
            raise ValueError(f"{name} contains {smallest}: expected integers in [{low}, {high}]")
        if high is not None and largest > high:
            raise ValueError(f"{name} contains {largest}: expected integers in [{low}, {high}]")
    return native(array)


def code_array(name: str, codes: object, bits: int) -> NDArray[np.int32]:
    """Return unsigned codes of a width as int32 [S0.2]."""
    return integer_array(name, codes, 0, 2**bits - 1).astype(np.int32)


def sign_array(name: str, signs: object, shape: tuple[int, ...]) -> IntArray | FloatArray:
    """Return signs, each -1, 0 or 1, of a shape; integers or floats as `numpy.sign` gives them."""
    array = np.asarray(signs)
    if array.dtype.kind not in "if":
        raise TypeError(f"{name} has dtype {array.dtype}: expected signed integers or floats")
    same_shape(name, array.shape, shape)
    if not np.isin(array, (-1, 0, 1)).all():
        wrong = array[~np.isin(array, (-1, 0, 1))].flat[0]
        raise ValueError(f"{name} contains {wrong}: expected -1, 0 or 1")
    return native(array)


def same_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless two shapes are equal; nothing broadcasts silently."""
    if shape != expected:
        raise ValueError(f"{name} has shape {shape}: expected {expected}")


def same_dtype(name: str, dtype: np.dtype[Any], expected: np.dtype[Any]) -> None:
    """Raise ``TypeError`` unless two dtypes are equal; nothing is promoted silently [S0.3]."""
    if dtype != expected:
        raise TypeError(f"{name} has dtype {dtype}: expected {expected}")


def like(name: str, value: object, model: FloatArray) -> FloatArray:
    """Return a float array of the shape and dtype of `model`."""
    array = float_array(name, value)
    same_shape(name, array.shape, model.shape)
    same_dtype(name, array.dtype, model.dtype)
    return array


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Native byte order, C-contiguous, 0-d kept 0-d (a copy only where needed)."""
    if array.flags.c_contiguous and array.dtype.isnative:
        return array
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
