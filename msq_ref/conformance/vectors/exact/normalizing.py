"""Normalization and its derivative, to 80 digits, then rounded once [S1].

The hyperbolic tangent is not portable, so what is frozen is the real number itself: a definition
in floats may differ from it by what its exactness class allows.
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msq_ref.conformance.vectors.exact.answer import Answer, array, numbers
from msq_ref.conformance.vectors.exact.ieee import divide, rounded

__all__ = [
    "normalize",
    "normalize_backward",
    "normalize_signed",
    "normalize_signed_backward",
    "slope",
    "tanh",
]

DIGITS = 80
SMALL, LARGE = Decimal("1e-30"), Decimal(500)
"""Below the first, tanh(x) is x - x^3 / 3 to 120 digits; beyond the second, 1 to 400."""


def tanh(x: float) -> Fraction:
    """Return tanh to at least 45 digits; exactly odd, so that equal magnitudes tie."""
    if x < 0:
        return -tanh(-x)
    with decimal.localcontext(prec=DIGITS):
        exact = Decimal(x)
        if exact < SMALL:
            return Fraction(exact) - Fraction(exact) ** 3 / 3
        if exact > LARGE:
            return Fraction(1)
        power = (2 * exact).exp()
        return Fraction((power - 1) / (power + 1))


def slope(x: float) -> Fraction:
    """Return the derivative of tanh, ``1 / cosh^2``, to at least 45 digits; 0 far out."""
    with decimal.localcontext(prec=DIGITS):
        exact = abs(Decimal(x))
        if exact > LARGE:
            return Fraction(0)
        power = (-2 * exact).exp()
        return Fraction(4 * power / (power + 1) ** 2)


def normalize(w: Any) -> Answer:
    """``tanh(w) / (2 max|tanh(w)|) + 1/2`` [S1.1]."""
    name = w.dtype.name
    t = [tanh(value) for value in numbers(w)]
    m = max(abs(value) for value in t)
    u = [value / (2 * m) + Fraction(1, 2) if m else Fraction(1, 2) for value in t]
    intermediates = {
        "t": array([rounded(value, name) for value in t], name, w.shape),
        "m": array([rounded(m, name)], name, ()),
    }
    flags = set() if m else {"AllZero"}
    return Answer(array([rounded(value, name) for value in u], name, w.shape), intermediates, flags)


def normalize_signed(w: Any) -> Answer:
    """``|w| / max|w|``, one rounded division [S1.4]."""
    name = w.dtype.name
    magnitudes = [abs(value) for value in numbers(w)]
    m = max(magnitudes)
    u = [divide(value, m, name) if m else 0.0 for value in magnitudes]
    flags = set() if m else {"AllZero"}
    return Answer(array(u, name, w.shape), {"m": array([m], name, ())}, flags)


def normalize_backward(grad_u: Any, w: Any, max_gradient: bool = True) -> Answer:
    """Derive the whole expression [S1.3]."""
    t = [tanh(value) for value in numbers(w)]
    slopes = [slope(value) / 2 for value in numbers(w)]
    grad = [Fraction(value) for value in numbers(grad_u)]
    return _answer(w, *_through_maximum(grad, t, slopes, max_gradient))


def normalize_signed_backward(grad_u: Any, w: Any, max_gradient: bool = True) -> Answer:
    """Derive ``|w| / max|w|``, the sign held constant [S1.4]."""
    t = [Fraction(value) for value in numbers(w)]
    signs = [(value > 0) - (value < 0) for value in t]
    grad = [sign * Fraction(g) for sign, g in zip(signs, numbers(grad_u), strict=True)]
    slopes = [Fraction(abs(sign)) for sign in signs]
    return _answer(w, *_through_maximum(grad, t, slopes, max_gradient))


def _through_maximum(
    grad: list[Fraction], t: list[Fraction], slopes: list[Fraction], max_gradient: bool
) -> tuple[list[Fraction], Fraction, int]:
    """Return dL/dw for ``y = t / max|t|``, times the slope of each t, the maximum and its ties."""
    m = max(abs(value) for value in t)
    attained = [abs(value) == m for value in t]
    ties = sum(attained)
    if not m:
        return [Fraction(0)] * len(t), m, ties
    pull = sum(g * value for g, value in zip(grad, t, strict=True)) / m / ties
    result = []
    for g, value, is_maximum, steep in zip(grad, t, attained, slopes, strict=True):
        share = pull if value > 0 else -pull
        held = is_maximum and max_gradient
        result.append((g - share if held else g) / m * steep)
    return result, m, ties


def _answer(w: Any, grad: list[Fraction], m: Fraction, ties: int) -> Answer:
    name = w.dtype.name
    intermediates = {"m": array([rounded(m, name)], name, ()), "ties": ties}
    flags = {"MaximumTie"} if m and ties > 1 else set()
    flags |= set() if m else {"AllZero"}
    value = array([rounded(g, name) for g in grad], name, w.shape)
    return Answer(value, intermediates, flags)
