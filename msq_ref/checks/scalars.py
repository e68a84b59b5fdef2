"""Checks of single values: widths, numbers, dtypes [S0.2], [S0.3]."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

__all__ = [
    "MAX_BITS",
    "bit_width",
    "code_range",
    "float_dtype",
    "integer",
    "positive_scale",
    "real",
    "slice_width",
]

MAX_BITS = 16
"""Widest code [S0.2]."""


def integer(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int within [low, high]; booleans and floats are not integers.

    Raises
    ------
    ValueError
        If it is not an integer or lies outside the range [S0.2].
    """
    if type(value) is int and (low is None or low <= value) and (high is None or value <= high):
        return value  # what almost every call is, in a tenth of the time
    lower = "-inf" if low is None else low
    upper = "inf" if high is None else high
    wanted = f"an integer in [{lower}, {upper}]"
    if isinstance(value, bool | np.bool_) or (isinstance(value, np.ndarray) and value.ndim):
        raise ValueError(f"{name} = {_show(value)}: expected {wanted}")
    try:
        result = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} = {_show(value)}: expected {wanted}") from None
    if (low is not None and result < low) or (high is not None and result > high):
        raise ValueError(f"{name} = {result}: expected {wanted}")
    return result


def bit_width(bits: object, low: int = 1, name: str = "bits") -> int:
    """Return a code width, an integer in [low, 16] [S0.2]."""
    return integer(name, bits, low, MAX_BITS)


def slice_width(k: object, bits: int) -> int:
    """Return the number of low bits sliced off, an integer with 1 <= k < bits [S0.2]."""
    if bits < 2:
        raise ValueError(f"k = {_show(k)}: no k with 1 <= k < bits exists for bits = {bits}")
    return integer("k", k, 1, bits - 1)


def code_range(bits: object, signed: bool) -> tuple[int, int]:
    """Return the least and greatest code of a width, two's complement if `signed` [S8.1]."""
    n = bit_width(bits)
    return (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)


def real(
    name: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    allow_infinite: bool = False,
) -> float:
    """Return a real scalar of the range [low, high] as a float (``(low, high]`` if `open_low`).

    Raises
    ------
    TypeError
        If it is not a real number (booleans are not).
    ValueError
        If it is NaN, infinite (unless allowed) or out of range.
    """
    if (
        type(value) is float and low <= value <= high and math.isfinite(value)
        and not (open_low and value == low)
    ):  # fmt: skip
        return value  # what almost every call is, in a tenth of the time
    bracket = "(" if open_low else "["
    wanted = f"a real number in {bracket}{low}, {high}]"
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]  # the scalar itself, so that a boolean or a text is seen as one
    if isinstance(value, bool | np.bool_ | str | bytes | complex | np.complexfloating):
        raise TypeError(f"{name} = {_show(value)}: expected {wanted}")
    try:
        result = float(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} = {_show(value)}: expected {wanted}") from None
    except OverflowError:  # an integer beyond all floats
        raise ValueError(f"{name} = {_show(value)}: expected {wanted}") from None
    outside = result < low or result > high or (open_low and result == low)
    if math.isnan(result) or outside or (math.isinf(result) and not allow_infinite):
        raise ValueError(f"{name} = {result}: expected {wanted}")
    return result


def float_dtype(name: str, dtype: object) -> np.dtype[Any]:
    """Return float32 or float64 as a native dtype; anything else is a ``TypeError`` [S0.3]."""
    try:
        kind = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"{name} = {_show(dtype)}: expected float32 or float64") from None
    if kind.kind != "f" or kind.itemsize not in (4, 8):
        raise TypeError(f"{name} = {kind}: expected float32 or float64")
    return np.dtype(np.float32 if kind.itemsize == 4 else np.float64)


def positive_scale(name: str, value: object, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401
    """Return a positive finite scalar rounded to `dtype`; it must stay so there [S1.2]."""
    scale = real(name, value, 0, open_low=True)
    if 1e-30 < scale < 1e30:  # so that no dtype makes 0 or infinity of it
        return dtype.type(scale)
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(scale)
    if not 0 < rounded < np.inf:
        raise ValueError(f"{name} = {scale}: expected a positive finite {dtype}")
    return rounded


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
