"""IEEE 754 binary arithmetic on rational numbers: one operation, one rounding, to even [S0.1].

Numbers are Python floats that are values of the format, so nothing here rests on NumPy.
"""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["FORMATS", "add", "divide", "epsilon", "multiply", "rounded", "square_root", "subtract"]

FORMATS: dict[str, tuple[int, int, int]] = {
    "float32": (24, -126, 127),
    "float64": (53, -1022, 1023),
}
"""Bits of the significand, least and greatest exponent of a normal number."""


def epsilon(dtype: str) -> Fraction:
    """Return the distance from 1 to the next number."""
    return Fraction(1, 2 ** (FORMATS[dtype][0] - 1))


def rounded(value: Fraction, dtype: str) -> float:
    """Return the nearest number of a format, ties to even; infinite beyond the largest."""
    precision, least, greatest = FORMATS[dtype]
    if value == 0:
        return 0.0
    over, under = abs(value.numerator), value.denominator
    shift = precision - 1 - max(_exponent(over, under), least)
    steps, rest = divmod(over << max(shift, 0), under << max(-shift, 0))
    half = 2 * rest - (under << max(-shift, 0))
    steps += half > 0 or (half == 0 and steps % 2 == 1)
    magnitude = math.inf if _beyond(steps, shift, greatest) else math.ldexp(steps, -shift)
    return magnitude if value > 0 else -magnitude


def add(one: float, other: float, dtype: str) -> float:
    """Return the rounded sum; opposite numbers give +0, two negative zeros -0."""
    if math.isinf(one) or math.isinf(other):
        return one + other
    exact = Fraction(one) + Fraction(other)
    if exact == 0:
        both = math.copysign(1, one) < 0 and math.copysign(1, other) < 0
        return -0.0 if both else 0.0
    return rounded(exact, dtype)


def subtract(one: float, other: float, dtype: str) -> float:
    """Return the rounded difference."""
    return add(one, -other, dtype)


def multiply(one: float, other: float, dtype: str) -> float:
    """Return the rounded product; the sign of a zero is that of the factors together."""
    if math.isinf(one) or math.isinf(other):
        return one * other
    return math.copysign(rounded(Fraction(one) * Fraction(other), dtype), _sign(one, other))


def divide(one: float, other: float, dtype: str) -> float:
    """Return the rounded quotient of two finite numbers, the second not zero."""
    return math.copysign(rounded(Fraction(one) / Fraction(other), dtype), _sign(one, other))


def square_root(value: Fraction, dtype: str = "float64") -> float:
    """Return the rounded square root of a number that is not negative."""
    if value == 0:
        return 0.0
    # Enough bits of the root for any rounding, and a last one that says whether more would follow.
    scale = 4 * FORMATS[dtype][0] + abs(_exponent(value.numerator, value.denominator))
    scaled = value * 4**scale
    root = math.isqrt(scaled.numerator // scaled.denominator)
    inexact = root * root != scaled
    return rounded(Fraction(2 * root + inexact, 2 ** (scale + 1)), dtype)


def _exponent(over: int, under: int) -> int:
    """Return ``floor(log2)`` of a positive fraction."""
    guess = over.bit_length() - under.bit_length()
    return guess if over << max(-guess, 0) >= under << max(guess, 0) else guess - 1


def _beyond(steps: int, shift: int, greatest: int) -> bool:
    """Tell whether ``steps / 2^shift`` is ``2^(greatest + 1)`` or more."""
    return steps.bit_length() - 1 - shift > greatest


def _sign(one: float, other: float) -> float:
    return math.copysign(1, one) * math.copysign(1, other)
