"""Cases of activation codes [S8.1]."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_floats, bad_scales, bad_widths
from msq_ref.conformance.vectors.authors.planes import code_range
from msq_ref.conformance.vectors.authors.points import DTYPES, WIDTHS, floats, generator, neighbours
from msq_ref.conformance.vectors.exact.ieee import divide, multiply, rounded

__all__ = ["activation_codes"]


def activation_codes(author: Author) -> None:
    """Write ties of both signs, both clamps, and where a division is not a product."""
    rng = generator("activation_codes")
    ties = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    author.legal("ties go to even, also below zero", x=ties, scale=1.0, bits=4, signed=True)
    author.legal("ties go to even; below zero is 0", x=ties, scale=1.0, bits=4, signed=False)
    for bits in WIDTHS:
        for signed in (False, True):
            low, high = code_range(bits, signed)
            for dtype in DTYPES:
                edges = {low - 0.5, low + 0.5, -0.5, 0.5, high - 0.5, high + 0.5}
                points = sorted(
                    value * 0.25 for edge in edges for value in (*neighbours(edge, dtype), edge)
                )
                author.legal(
                    f"edges and their neighbours, {bits} bits{', signed' * signed}, {dtype}",
                    "BesideTie", x=np.array(points, dtype), scale=0.25, bits=bits, signed=signed,
                )  # fmt: skip
    for dtype in DTYPES:
        for scale in (0.1, 0.3, 1.0 / 3, 0.007, 4.9):
            near = [_divided_tie(scale, code, dtype) for code in range(200)]
            differing = [v for v in near if _reciprocal_differs(v, scale, dtype)][:8]
            if differing:
                author.legal(
                    f"where x times 1/s has another code, scale {scale:g}, {dtype}", "Reciprocal",
                    x=np.array(differing, dtype), scale=scale, bits=8, signed=False,
                )  # fmt: skip
            author.legal(
                f"drawn, scale {scale:g}, {dtype}", x=floats(rng, 8, dtype, 16.0), scale=scale,
                bits=6, signed=True,
            )  # fmt: skip
        largest, least = (
            float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal),
        )  # fmt: skip
        for signed in (False, True):
            author.legal(
                f"the quotient overflows and is clamped, {dtype}",
                x=np.array([largest, -largest, 1.0], dtype), scale=least, bits=8, signed=signed,
            )  # fmt: skip
            author.legal(
                f"subnormals and zeros of both signs, {dtype}",
                x=np.array([least, -least, 0.0, -0.0, 5 * least, -7 * least], dtype),
                scale=2 * least, bits=4, signed=signed,
            )  # fmt: skip
            author.legal(
                f"no axes, {dtype}", x=np.array(3.3, dtype), scale=0.5, bits=4, signed=signed
            )
            author.legal(
                f"nothing, {dtype}", x=np.zeros((2, 0), dtype), scale=1.0, bits=4, signed=signed
            )
        author.legal(
            f"three axes, {dtype}", x=floats(rng, 12, dtype, 8.0).reshape(2, 2, 3), scale=0.5,
            bits=4, signed=True,
        )  # fmt: skip
    # A tie of the rounded scale: dividing by the double gives the other side.
    narrow = rounded(Fraction(0.1), "float32")
    author.legal(
        "the scale is rounded to float32 first", "OrderMatters",
        x=np.array([narrow * 2.5, narrow * 4.5, narrow * 12.5], "float32"), scale=0.1, bits=8,
        signed=False,
    )  # fmt: skip
    x = np.array([0.25, -0.5], np.float32)
    bad_floats(author, "x", [0.25, -0.5], scale=1.0, bits=4, signed=True)
    bad_scales(author, ("S8.1",), x=x, bits=4, signed=True)
    bad_widths(author, x=x, scale=1.0, signed=False)
    author.illegal(
        "a scale that is no number", "WrongType", errors=ANY_ERROR, x=x, scale=None, bits=4,
        signed=True,
    )  # fmt: skip


def _divided_tie(scale: float, code: int, dtype: str) -> float:
    """Return the float nearest to ``(code + 1/2) * scale``."""
    return multiply(rounded(Fraction(scale), dtype), code + 0.5, dtype)


def _reciprocal_differs(x: float, scale: float, dtype: str) -> bool:
    divisor = rounded(Fraction(scale), dtype)
    quotient = divide(x, divisor, dtype)
    product = multiply(x, divide(1.0, divisor, dtype), dtype)
    return round(Fraction(quotient)) != round(Fraction(product))
