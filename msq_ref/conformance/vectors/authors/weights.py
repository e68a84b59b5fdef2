"""Cases of the way from the unit interval to effective weights [S1.2], [S1.4]."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import Author
from msq_ref.conformance.vectors.authors.illegal import bad_scales, bad_signs, bad_units
from msq_ref.conformance.vectors.authors.points import DTYPES, WIDTHS, generator, units
from msq_ref.conformance.vectors.exact import exactly
from msq_ref.conformance.vectors.exact.ieee import multiply, rounded, subtract

__all__ = ["effective", "effective_signed"]

SCALES = (1.0, 0.1, 0.7615941559557649, 2.5, 1.0 / 3, 2.0**-20, 1234.567)


def effective(author: Author) -> None:
    """Write zero in the middle, one rounding in the middle, one at the end."""
    rng = generator("effective")
    for dtype in DTYPES:
        for scale in SCALES:
            author.legal(
                f"ends, middle and thirds, scale {scale:g}, {dtype}",
                q=np.array([0.0, 1 / 3, 0.5, 2 / 3, 1.0], dtype), scale=scale,
            )  # fmt: skip
            author.legal(f"drawn, scale {scale:g}, {dtype}", q=units(rng, 6, dtype), scale=scale)
            q = units(rng, 200, dtype)
            differing = [v for v in q.tolist() if _distributed(v, scale, dtype)][:6]
            if differing:
                author.legal(
                    f"where 2 scale q - scale differs, scale {scale:g}, {dtype}", "OrderMatters",
                    q=np.array(differing, dtype), scale=scale,
                )  # fmt: skip
        for bits in WIDTHS:
            codes = np.array([0, 1, 2**bits // 2, 2**bits - 1], np.int32)
            arguments = {"codes": codes, "bits": bits, "dtype": dtype}
            author.legal(
                f"the weights of codes of {bits} bits, {dtype}",
                q=exactly("dequantize", arguments).value, scale=0.8125,
            )  # fmt: skip
        _odd(author, dtype)
    author.legal("an integer scale is a real number", q=np.array([0.25, 1.0]), scale=2)
    bad_units(author, "q", ("S1.2",), scale=1.0)
    bad_scales(author, ("S1.2",), q=np.array([0.25, 0.5], np.float32))


def effective_signed(author: Author) -> None:
    """Write zero as a weight, its sign that of the product."""
    rng = generator("effective_signed")
    for dtype in DTYPES:
        for scale in SCALES:
            author.legal(
                f"all signs, scale {scale:g}, {dtype}",
                q=np.array([1.0, 1 / 3, 0.0, 2 / 3, 1.0], dtype),
                signs=np.array([1, -1, 0, 1, -1], np.int32), scale=scale,
            )  # fmt: skip
            q = units(rng, 6, dtype)
            signs = np.array([rng.getrandbits(2) % 3 - 1 for _ in range(6)], np.int8)
            author.legal(f"drawn, scale {scale:g}, {dtype}", q=q, signs=signs, scale=scale)
        for kind in ("int8", "int16", "int32", "int64", "float32", "float64"):
            author.legal(
                f"signs of dtype {kind} with q of {dtype}", q=np.array([0.75, 0.5, 0.25], dtype),
                signs=np.array([-1, 1, 0], kind), scale=0.7,
            )  # fmt: skip
        author.legal(
            f"zeros: the sign is that of the product, {dtype}",
            q=np.array([0.0, 0.0, 0.0, 0.5, 0.5, -0.0, -0.0], dtype),
            signs=np.array([1.0, -1.0, -0.0, 0.0, -0.0, 1.0, -1.0]), scale=0.7,
        )  # fmt: skip
        for bits in WIDTHS[:15]:
            codes = np.array([0, 1, 2**bits - 1], np.int32)
            arguments = {"codes": codes, "bits": bits, "dtype": dtype}
            author.legal(
                f"the weights of magnitudes of {bits} bits, {dtype}",
                q=exactly("dequantize", arguments).value, signs=np.array([1, -1, -1]), scale=0.8125,
            )  # fmt: skip
        _odd(author, dtype)
    half, ones = np.array([0.25, 0.5], np.float32), np.array([1, -1], np.int32)
    bad_units(author, "q", ("S1.4",), signs=np.ones(3, np.int32), scale=1.0)
    bad_scales(author, ("S1.4",), q=half, signs=ones)
    bad_signs(author, (2, 3), q=np.full((2, 3), 0.5), scale=1.0)


def _odd(author: Author, dtype: str) -> None:
    """Write extreme scales, shapes, nothing."""

    def call(comment: str, q: Any, scale: float, *flags: str) -> None:
        with_signs = "signs" in author.operation.required
        signs: dict[str, Any] = {"signs": np.ones(np.shape(q), np.int32)} if with_signs else {}
        author.legal(f"{comment}, {dtype}", *flags, q=np.asarray(q, dtype), scale=scale, **signs)

    least = float(np.finfo(dtype).smallest_subnormal)
    largest = float(np.finfo(dtype).max)
    call("the least scale there is: products are subnormal", [0.0, 0.25, 0.75, 1.0], least)
    call("a product between two subnormals", [0.3, 0.7, 0.9], 3 * least)
    call("the largest scale there is", [0.0, 0.5, 1.0], largest)
    call("subnormal q", [least, 0.0, -0.0, 1.0], 1.0)
    call("no axes", 0.625, 1.5)
    call("three axes", [[[0.0, 1.0]], [[0.25, 0.5]]], 1.5)
    call("nothing", np.zeros((2, 0)), 1.0)
    if dtype == "float32":
        call("a scale that must be rounded to float32 first", [0.1, 0.4, 0.8], 0.1, "OrderMatters")
        call("a scale one double beside a float32 tie", [1.0, 0.9], 1 + 2.0**-24 + 2.0**-52)
        call("a scale on a float32 tie", [1.0, 0.9], 1 + 2.0**-24)


def _distributed(q: float, scale: float, dtype: str) -> bool:
    """Tell whether ``2 scale q - scale`` differs from ``scale (2 q - 1)``."""
    factor = rounded(Fraction(scale), dtype)
    one = multiply(factor, subtract(2 * q, 1.0, dtype), dtype)
    other = subtract(multiply(2 * factor, q, dtype), factor, dtype)
    return not math.isclose(one, other, rel_tol=0, abs_tol=0)
