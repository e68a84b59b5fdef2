"""Bit planes of every code of every width, and back [S3.3], [S9.1]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import FORMS, in_forms
from msq_ref.conformance.cases.plan import INTEGERS, WIDTHS, Plan, flag_name

__all__ = ["plane_cases"]

LENGTH = 300
"""Enough for every code of 8 bits."""


def plane_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``bit_planes`` or ``from_bit_planes``."""
    for signed in (False, True):
        for n in WIDTHS:
            for label, codes in _codes(plan, n, signed):
                yield from _case(name, f"codes/n{n}/{label}", codes, n, signed)
        for dtype in INTEGERS:
            if signed and dtype.kind == "u":
                continue
            info = np.iinfo(dtype)
            low, high = (-(2**15), 2**15 - 1) if signed else (0, 2**16 - 1)
            low, high = max(low, int(info.min)), min(high, int(info.max))
            # 16 planes of a dtype that has 8 bits: the shift goes beyond its width.
            codes = np.array([low, high, low + 1, high - 1, 0, 1, high // 2], dtype)
            yield from _case(name, f"dtype/{dtype}", codes, 16, signed)
    for flag in (np.False_, np.True_):
        codes = np.arange(64, dtype=np.int32)
        if name == "bit_planes":
            yield case_of(f"{name}/flag/{flag_name(flag)}", name, codes, 7, signed=flag)
        else:
            planes = reference.bit_planes(codes, 6)
            yield case_of(f"{name}/flag/{flag_name(flag)}", name, planes, signed=flag)
    if name == "bit_planes":
        for kind in (np.int8, np.uint8, np.uint64):
            id = f"{name}/width-type/{kind.__name__}"
            yield case_of(id, name, np.arange(64, dtype=np.int32), kind(16), clauses=("S0.2",))


def _codes(plan: Plan, n: int, signed: bool) -> Iterator[tuple[str, NDArray[np.int32]]]:
    """Yield every code, or the ends, the powers of two and their neighbours, and random ones."""
    low, high = (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)
    rng = plan.rng("planes", n, signed)
    if high - low < LENGTH or plan.at_least("full"):
        codes = np.arange(low, high + 1)
        yield "every", np.resize(codes, max(len(codes), LENGTH)).astype(np.int32)
        return
    powers = np.array([s * 2**j + d for j in range(n) for s in (1, -1) for d in (-1, 0, 1)])
    inside = powers[(powers >= low) & (powers <= high)]
    codes = np.concatenate([[low, low + 1, high - 1, high], inside])
    rest = rng.integers(low, high + 1, LENGTH - len(codes))
    yield "some", np.concatenate([codes, rest]).astype(np.int32)


def _case(
    name: str, label: str, codes: NDArray[Any], n: int, signed: bool
) -> Iterator[Case]:
    id = f"{name}/{label}/{'signed' if signed else 'unsigned'}"
    optional: dict[str, Any] = {"signed": True} if signed else {}
    if name == "bit_planes":
        yield from in_forms(case_of(id, name, codes, n, **optional))
        return
    planes = reference.bit_planes(codes, n, signed).astype(codes.dtype)
    yield case_of(id, name, planes, **optional)
    if not signed and label.startswith("codes"):
        yield case_of(f"{id}/uint8", name, planes.astype(np.uint8))
        for form in ("two-axes", "four-axes", "few"):
            shape, _ = FORMS[form]
            few = np.resize(codes, shape)
            planes = reference.bit_planes(few, n).astype(np.uint8)
            yield case_of(f"{id}/{form}", name, planes)
            strided = case_of(f"{id}/{form}/signed", name, planes, signed=True)
            yield replace(strided, layout="strided") if form == "two-axes" else strided
