"""The quantizers, slices and their sums in rational arithmetic [S2]-[S4], [S1.2], [S1.4]."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from msq_ref.conformance.vectors.exact.answer import Answer, array, numbers
from msq_ref.conformance.vectors.exact.ieee import divide, multiply, rounded, subtract

__all__ = [
    "activation_codes",
    "dequantize",
    "dorefa",
    "effective",
    "effective_signed",
    "lsb",
    "lsb_l1",
    "lsb_l1_codes",
    "lsb_l1_grad",
    "lsb_nonzero_rate",
    "roundclamp",
]

HALF = Fraction(1, 2)


def _is_tie(value: Fraction) -> bool:
    return (value - HALF).denominator == 1


def _roundclamp(u: Any, bits: int) -> tuple[list[int], set[str]]:
    scaled = [Fraction(value) * 2**bits for value in numbers(u)]
    flags = {"Tie"} if any(_is_tie(value) for value in scaled) else set()
    if any(round(value) >= 2**bits for value in scaled):
        flags.add("Clamped")
    return [min(round(value), 2**bits - 1) for value in scaled], flags


def roundclamp(u: Any, bits: int) -> Answer:
    """``min(rint(2^n u), 2^n - 1)`` [S2.1]."""
    codes, flags = _roundclamp(u, bits)
    return Answer(array(codes, "int32", u.shape), {}, flags)


def dorefa(u: Any, bits: int) -> Answer:
    """``rint((2^n - 1) u)``, the product rounded in the dtype of u [S2.2]."""
    top = 2**bits - 1
    products = [multiply(float(top), value, u.dtype.name) for value in numbers(u)]
    codes = [round(Fraction(product)) for product in products]
    flags = {"Tie"} if any(_is_tie(Fraction(product)) for product in products) else set()
    if any(
        code != round(Fraction(value) * top) for code, value in zip(codes, numbers(u), strict=True)
    ):
        flags.add("RoundedProduct")
    intermediates = {"product": array(products, u.dtype.name, u.shape)} if u.size <= 64 else {}
    return Answer(array(codes, "int32", u.shape), intermediates, flags)


def dequantize(codes: Any, bits: int, dtype: str = "float32") -> Answer:
    """``c / (2^n - 1)``, one division [S2.3]."""
    name, top = str(dtype), float(2**bits - 1)
    reciprocal = divide(1.0, top, name)
    quotients = [divide(float(code), top, name) for code in numbers(codes)]
    products = [multiply(float(code), reciprocal, name) for code in numbers(codes)]
    flags = {"Reciprocal"} if quotients != products else set()
    return Answer(array(quotients, name, codes.shape), {}, flags)


def effective(q: Any, scale: float) -> Answer:
    """``scale * (2 q - 1)``, each operation rounded [S1.2]."""
    name = q.dtype.name
    factor = rounded(Fraction(scale), name)
    inner = [subtract(2 * value, 1.0, name) for value in numbers(q)]  # 2 q is exact
    outer = [multiply(factor, value, name) for value in inner]
    return Answer(array(outer, name, q.shape), {"2q - 1": array(inner, name, q.shape)})


def effective_signed(q: Any, signs: Any, scale: float) -> Answer:
    """``scale * sign * q`` [S1.4]."""
    name = q.dtype.name
    factor = rounded(Fraction(scale), name)
    weights = [
        multiply(factor * float(sign), value, name)  # the sign rounds nothing
        for sign, value in zip(numbers(signs), numbers(q), strict=True)
    ]
    return Answer(array(weights, name, q.shape))


def lsb(u: Any, bits: int, k: int) -> Answer:
    """``c_n - 2^k c_{n-k}`` [S3.1]."""
    fine, fine_flags = _roundclamp(u, bits)
    coarse, coarse_flags = _roundclamp(u, bits - k)
    low = [one - 2**k * other for one, other in zip(fine, coarse, strict=True)]
    codes = {
        "fine_codes": array(fine, "int32", u.shape),
        "coarse_codes": array(coarse, "int32", u.shape),
    }
    flags = fine_flags | ({"CoarseClamped"} if "Clamped" in coarse_flags else set())
    flags |= {"CoarseTie"} if "Tie" in coarse_flags else set()
    return Answer(array(low, "int32", u.shape), codes if u.size <= 64 else {}, flags)


def lsb_l1_codes(u: Any, bits: int, k: int) -> Answer:
    """``sum |B_k|`` [S4.1]."""
    low = lsb(u, bits, k)
    total = sum(abs(value) for value in numbers(low.value))
    flags = low.flags | {f"Sum{width}" for width in (24, 31) if total >= 2**width}
    return Answer(total, {"lsb": low.value} if u.size <= 64 else {}, flags)


def lsb_l1(u: Any, bits: int, k: int) -> Answer:
    """``sum |B_k| / 2^n`` [S4.1]."""
    total = lsb_l1_codes(u, bits, k)
    value = rounded(Fraction(total.value, 2**bits), "float64")
    return Answer(value, {"l1_codes": total.value}, total.flags)


def lsb_l1_grad(u: Any, bits: int, k: int) -> Answer:
    """``sign(B_k)`` [S4.2]."""
    low = lsb(u, bits, k)
    signs = [float((value > 0) - (value < 0)) for value in numbers(low.value)]
    intermediates = {"lsb": low.value} if u.size <= 64 else {}
    return Answer(array(signs, u.dtype.name, u.shape), intermediates, low.flags)


def lsb_nonzero_rate(u: Any, bits: int, k: int) -> Answer:
    """``nnz(B_k) / size`` [S3.4]."""
    low = lsb(u, bits, k)
    count = sum(value != 0 for value in numbers(low.value))
    value = rounded(Fraction(count, u.size), "float64")
    return Answer(value, {"nonzero": count, "size": u.size}, low.flags)


def activation_codes(x: Any, scale: float, bits: int, signed: bool) -> Answer:
    """``rint(x / s)``, clamped; the quotient rounded in the dtype of x [S8.1]."""
    name = x.dtype.name
    divisor = rounded(Fraction(scale), name)
    quotients = [divide(value, divisor, name) for value in numbers(x)]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    codes, flags = [], set()
    for quotient in quotients:
        if math.isinf(quotient):
            flags.add("Overflow")
            nearest = high + 1 if quotient > 0 else low - 1
        else:
            nearest = round(Fraction(quotient))
            flags |= {"Tie"} if _is_tie(Fraction(quotient)) else set()
        flags |= set() if low <= nearest <= high else {"Clamped"}
        codes.append(min(max(nearest, low), high))
    return Answer(
        array(codes, "int32", x.shape), {"quotient": array(quotients, name, x.shape)}, flags
    )
