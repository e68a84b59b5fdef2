"""The low bits of every width and slice, on the edges of both codes [S3], [S4]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import USUAL, in_form, in_forms
from msq_ref.conformance.cases.plan import BIG, CHUNKED, FLOATS, Plan, slices
from msq_ref.conformance.cases.points import constants, ends, few_points, points, subnormals

__all__ = ["slicing_cases"]

NUMBERS = ("lsb_l1", "lsb_l1_codes", "lsb_nonzero_rate")
"""Operations that return one number of the whole array."""


def slicing_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of an operation on (u, bits, k)."""
    for dtype in FLOATS:
        for n, k in slices():
            id = f"{name}/edges/n{n}/k{k}/{dtype}"
            case = case_of(id, name, points(plan, n, dtype), n, k, clauses=_clauses(name))
            # Every form meets every width, and every number of low bits.
            form = ("two-axes", "four-axes", "strided")[(n + k) % 3]
            yield from in_forms(case, USUAL if plan.at_least("full") else (form,))
            for i, u in enumerate(few_points(n, dtype, k)[: plan.pick(3, 9, 9)]):
                yield case_of(f"{name}/few-edges/n{n}/k{k}/{i}/{dtype}", name, u, n, k)
        for kind in (np.int8, np.uint8, np.int64, np.uint64):
            for n, k in ((8, 7), (16, 8)):
                id = f"{name}/width-type/{kind.__name__}/n{n}/k{k}/{dtype}"
                yield case_of(id, name, ends(dtype), kind(n), kind(k), clauses=("S0.2",))
        yield in_form(case_of(f"{name}/edges/{dtype}", name, points(plan, 8, dtype), 8, 3), "long")
        for label, u in constants(dtype).items():
            for n, k in ((2, 1), (8, 1), (8, 2), (16, 15)):
                yield case_of(f"{name}/constant/{label}/n{n}/k{k}/{dtype}", name, u, n, k)
        id = f"{name}/subnormal/{dtype}"
        yield case_of(id, name, subnormals(dtype), 16, 9, clauses=("S0.3",))
        if name in NUMBERS:
            yield from _single(name, dtype)
            yield from _sums(name, plan, dtype)
    if name == "lsb_nonzero_rate":
        yield from _rates()


def _clauses(name: str) -> tuple[str, ...]:
    return ("S3.1", "S3.2", "S2.1", "S0.1") if name == "lsb" else ()


def _single(name: str, dtype: np.dtype[Any]) -> Iterator[Case]:
    """One element at a time: in a longer sum one mistake may cancel another."""
    kind = dtype.type
    for n, k in ((2, 1), (3, 1), (3, 2), (4, 2), (8, 3), (16, 15)):
        step = 2.0 ** -(n + 1)
        coarse = 2.0 ** (k - n)
        places = {
            "zero": 0, "one": 1, "first-tie": step, "second-tie": 3 * step,
            "below-first-tie": np.nextafter(kind(step), kind(0)),
            "above-first-tie": np.nextafter(kind(step), kind(1)),
            "coarse-tie": coarse / 2, "second-coarse-tie": 3 * coarse / 2 if n - k > 1 else 0,
            "above-coarse-tie": np.nextafter(kind(coarse / 2), kind(1)),
            "clamped": 1 - step, "clamped-coarse": 1 - coarse / 2,
        }  # fmt: skip
        for place, u in places.items():
            id = f"{name}/single/{place}/n{n}/k{k}/{dtype}"
            yield case_of(id, name, np.array([u], dtype), n, k)


def _sums(name: str, plan: Plan, dtype: np.dtype[Any]) -> Iterator[Case]:
    """Yield sums of codes above 2^24 and above 2^32, and around the chunks of [S0.5]."""
    ones = np.ones(BIG, dtype)
    for n, k in ((16, 15), (16, 1), (2, 1)):
        case = case_of(f"{name}/sum/ones/n{n}/k{k}/{dtype}", name, ones, n, k)
        yield from in_forms(case, ("many", "two-axes", "four-axes", "strided"))
    odd = np.full(BIG, 1, dtype)
    odd[:: BIG // 7] = 0.75
    case = case_of(f"{name}/sum/odd/{dtype}", name, odd, 16, 15)
    yield from in_forms(case, ("many", "two-axes", "four-axes", "strided"))
    sizes = CHUNKED if plan.at_least("full") else (8192, 8193)
    for size in sizes:
        u = plan.rng(name, size).random(size).astype(dtype)
        yield case_of(f"{name}/sum/{size}/{dtype}", name, u, 16, 13)


def _rates() -> Iterator[Case]:
    """Yield counts whose quotient is not their product with 1 / size, and all or none of them."""
    for size in (3, 49, 107):
        for count in _inexact(size):
            u = np.zeros(size, np.float32)
            u[:count] = 0.25
            id = f"lsb_nonzero_rate/quotient/{count}-of-{size}"
            yield case_of(id, "lsb_nonzero_rate", u, 2, 1)
    for size in (3185, 3184):
        for count in (_inexact(size)[1], _inexact(size)[-2]):
            u = np.zeros(size, np.float32)
            u[:count] = 0.25
            for shape in ((size,), (size // 7, -1) if size % 7 == 0 else (size // 16, -1)):
                id = f"lsb_nonzero_rate/quotient/{count}-of-{size}/{len(shape)}-d"
                yield case_of(id, "lsb_nonzero_rate", u.reshape(shape), 2, 1)


def _inexact(size: int) -> list[int]:
    """Return counts at which a reciprocal, or float32, gives another rate; the ends as well."""
    differ = [
        count for count in range(1, size)
        if count * (1.0 / size) != count / size or float(np.float32(count / size)) != count / size
    ]  # fmt: skip
    return [0, *differ[:: max(len(differ) // 6, 1)], size]

