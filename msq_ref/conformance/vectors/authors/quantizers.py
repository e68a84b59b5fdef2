"""Cases of the quantizers [S2.1]-[S2.3]."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_codes, bad_units, bad_widths
from msq_ref.conformance.vectors.authors.points import (
    DTYPES,
    WIDTHS,
    around,
    dorefa_edges,
    generator,
    roundclamp_edges,
    some,
    units,
)
from msq_ref.conformance.vectors.exact import exactly
from msq_ref.conformance.vectors.exact.ieee import divide, multiply

__all__ = ["dequantize", "dorefa", "odd_units", "roundclamp"]


def roundclamp(author: Author) -> None:
    """Write edges of every width, the clamp, and what is no edge."""
    rng = generator("roundclamp")
    author.legal("a tie goes to the even code 0", u=np.array(0.0625), bits=3)
    author.legal("a tie goes to the even code 2", u=np.array(0.1875), bits=3)
    author.legal("the last edge is a tie: its even code 2^n is clamped", u=np.array(0.9375), bits=3)
    author.legal("u = 1 is clamped", u=np.array(1.0), bits=3)
    for bits in WIDTHS:
        for dtype in DTYPES:
            author.legal(
                f"edges of {bits} bits and one ulp to either side, {dtype}", "BesideTie",
                u=around(some(roundclamp_edges(bits), rng), dtype), bits=bits,
            )  # fmt: skip
            author.legal(f"drawn, {bits} bits, {dtype}", u=units(rng, 6, dtype), bits=bits)
    for bits in (1, 2, 3, 4, 8):
        for dtype in DTYPES:
            points = [*roundclamp_edges(bits)] + [Fraction(j, 2**bits) for j in range(2**bits + 1)]
            flags = ("EveryEdge", "BesideTie", *(("Large",) if bits == 8 else ()))
            author.legal(
                f"every edge and centre of {bits} bits with its neighbours, {dtype}", *flags,
                u=around(points, dtype), bits=bits,
            )  # fmt: skip
    odd_units(author, bits=5)
    bad_units(author, "u", ("S2.1",), bits=4)
    bad_widths(author, u=np.array([0.25, 0.5]))


def dorefa(author: Author) -> None:
    """Write edges of every width, where the rounding of the product decides."""
    rng = generator("dorefa")
    author.legal("the only edge of one bit is a tie: to the even code 0", u=np.array(0.5), bits=1)
    for bits in WIDTHS:
        for dtype in DTYPES:
            author.legal(
                f"edges of {bits} bits and two ulps to either side, {dtype}", "BesideTie",
                u=around(some(dorefa_edges(bits), rng), dtype, steps=2), bits=bits,
            )  # fmt: skip
        author.legal(f"drawn, {bits} bits", u=units(rng, 6, DTYPES[bits % 2]), bits=bits)
    for bits in (1, 2, 3, 4, 8):
        for dtype in DTYPES:
            points = [*dorefa_edges(bits)] + [Fraction(j, 2**bits - 1) for j in range(2**bits)]
            flags = ("EveryEdge", "BesideTie", *(("Large",) if bits == 8 else ()))
            author.legal(
                f"every edge and centre of {bits} bits with its neighbours, {dtype}", *flags,
                u=around(points, dtype), bits=bits,
            )  # fmt: skip
    for bits in (3, 4, 5, 6, 7, 10, 12, 15, 16):
        narrow = around(dorefa_edges(bits)[: 2**8], "float32")
        codes = exactly("dorefa", {"u": narrow, "bits": bits}).value
        wide = exactly("dorefa", {"u": narrow.astype("float64"), "bits": bits}).value
        differing = narrow[codes != wide][:6]
        for dtype in DTYPES:
            author.legal(
                f"the same numbers in both dtypes, {bits} bits, {dtype}", "DtypeMatters",
                u=differing.astype(dtype), bits=bits,
            )  # fmt: skip
    odd_units(author, bits=5)
    bad_units(author, "u", ("S2.1", "S2.2"), bits=4)
    bad_widths(author, u=np.array([0.25, 0.5]))


def odd_units(author: Author, **others: Any) -> None:
    """Write zeros of both signs, subnormals, shapes: what every function of u must take."""
    for dtype in DTYPES:
        kind = np.dtype(dtype)
        tiny, least = np.finfo(kind).tiny, np.finfo(kind).smallest_subnormal
        author.legal(
            f"zeros of both signs and subnormals are ordinary numbers, {dtype}", clauses=("S0.3",),
            u=np.array([0.0, -0.0, least, tiny - least, tiny, 1.0], kind), **others,
        )  # fmt: skip
        author.legal(f"no axes, {dtype}", clauses=("S0.4",), u=np.array(0.703125, kind), **others)
        shaped = np.array([[[0.1, 0.9], [0.25, 0.75]], [[0.5, 0.0], [1.0, 0.625]]], kind)
        author.legal(f"three axes, {dtype}", clauses=("S0.4",), u=shaped, **others)
    if author.operation.name != "lsb_nonzero_rate":
        author.legal("nothing", clauses=("S0.3",), u=np.zeros(0, np.float32), **others)
        author.legal("nothing, three axes", clauses=("S0.3",), u=np.zeros((2, 0, 3)), **others)


def dequantize(author: Author) -> None:
    """Write all codes of narrow widths, ends of wide ones, and where a reciprocal is wrong."""
    rng = generator("dequantize")
    author.legal("the dtype is float32 by default", "Default", codes=np.array([0, 3, 7]), bits=3)
    for bits in WIDTHS:
        top = 2**bits - 1
        for dtype in DTYPES:
            codes = sorted({0, 1, top // 3, top // 2, top // 2 + 1, top - 1, top})
            author.legal(
                f"ends and middle of {bits} bits, {dtype}",
                codes=np.array(codes, np.int32), bits=bits, dtype=dtype,
            )  # fmt: skip
            every = range(top + 1) if bits <= 8 else [rng.getrandbits(bits) for _ in range(600)]
            found = (code for code in every if _reciprocal_differs(code, bits, dtype))
            differing = list(itertools.islice(found, 8))
            if differing:
                author.legal(
                    f"where the product with the reciprocal differs, {bits} bits, {dtype}",
                    codes=np.array(differing, np.int32), bits=bits, dtype=dtype,
                )  # fmt: skip
    for bits in (1, 2, 3, 4, 6, 8):
        for dtype in DTYPES:
            author.legal(
                f"every code of {bits} bits, {dtype}", "EveryEdge",
                codes=np.arange(2**bits, dtype=np.int32), bits=bits, dtype=dtype,
            )  # fmt: skip
    for dtype in ("int8", "uint8", "int16", "uint16", "int64", "uint32", "uint64"):
        author.legal(f"codes of dtype {dtype}", codes=np.array([0, 5, 127], dtype), bits=7)
    author.legal("no axes", clauses=("S0.4",), codes=np.array(5, np.int32), bits=3, dtype="float64")
    author.legal("two axes", codes=np.array([[0, 1], [2, 3]], np.int32), bits=2, dtype="float64")
    author.legal("nothing", clauses=("S0.3",), codes=np.zeros((0, 2), np.int32), bits=2)
    bad_codes(author, "codes", 0, 15, bits=4)
    bad_widths(author, codes=np.zeros(2, np.int32))
    for dtype in ("int32", "float16", "bool"):
        author.illegal(
            f"a result of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.3",),
            codes=np.array([0, 1], np.int32), bits=2, dtype=dtype,
        )  # fmt: skip


def _reciprocal_differs(code: int, bits: int, dtype: str) -> bool:
    top = float(2**bits - 1)
    product = multiply(float(code), divide(1.0, top, dtype), dtype)
    return product != divide(float(code), top, dtype)
