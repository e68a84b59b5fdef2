"""Codes back to weights: one division, then products in the dtype [S2.3], [S1.2], [S1.4]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import FLOATS, MAIN, WIDTHS, Plan
from msq_ref.conformance.cases.points import constants, subnormals

__all__ = ["weight_cases"]

SCALES = (
    1.0, 0.1, 1 / 3, 0.7613941550254822, 3.14159265358979, 1e-3, 2.0**-20, 12345.678, 1e30, 1e-30,
)  # fmt: skip
"""Most are no float32: they are rounded to the dtype first."""


def weight_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``dequantize``, ``effective`` or ``effective_signed``."""
    if name == "dequantize":
        yield from _dequantize(plan)
        return
    for dtype in FLOATS:
        q = _unit(plan, dtype)
        for i, scale in enumerate([*SCALES, *_extremes(dtype), *_types()]):
            id = f"{name}/scale/{i}-{float(scale):g}/{dtype}"
            yield from in_forms(_effective(id, name, plan, q, scale))
        below = np.nextafter(dtype.type(0.5), dtype.type(0))
        few = np.array([0.5, 0.25, 0, 1, 0.75, below, 1e-3], dtype)
        for scale in (1.0, 0.1, 3.0):
            yield from in_forms(_effective(f"{name}/few/{scale:g}/{dtype}", name, plan, few, scale))
        tiny = float(np.finfo(dtype).tiny)
        least = float(np.finfo(dtype).smallest_subnormal)
        for label, scale in (("usual", 0.3), ("small", tiny), ("subnormal", least)):
            id = f"{name}/subnormal/{label}-scale/{dtype}"
            yield from in_forms(_effective(id, name, plan, subnormals(dtype), scale))
        for label, constant in constants(dtype).items():
            if label != "minus-zeros":
                yield _effective(f"{name}/constant/{label}/{dtype}", name, plan, constant, 0.3)
        for i in range(plan.pick(0, 30, 300)):
            scale = float(np.exp(plan.rng(name, i).normal(0, 3)))
            yield _effective(f"{name}/random/{i}/{dtype}", name, plan, q, scale)


def _unit(plan: Plan, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return codes of several widths divided out, numbers near 0, 1/2 and 1, and random ones."""
    rng = plan.rng("weights")
    grids = [np.arange(2**n) / (2**n - 1) for n in (1, 2, 3, 4, 8)]
    near = np.concatenate([[0.0, 1.0, 0.5], 0.5 + rng.normal(0, 1e-4, 200), rng.random(200) / 1e6])
    values = np.concatenate([*grids, near, 1 - rng.random(100) / 1e6])
    return np.concatenate([values, rng.random(MAIN - len(values))]).astype(dtype)


def _extremes(dtype: np.dtype[Any]) -> list[float]:
    """Return the largest scale, one just above that rounds to it, and the smallest normal one."""
    info = np.finfo(dtype)
    largest = float(info.max)
    return [largest, 3.4028235e38, float(info.tiny)]


def _types() -> list[Any]:
    return [2, np.float32(0.3), np.float64(0.3), np.int32(3)]


def _effective(id: str, name: str, plan: Plan, q: NDArray[Any], scale: Any) -> Case:
    if name == "effective":
        return case_of(id, name, q, scale)
    signs = plan.rng("signs").integers(-1, 2, q.size)
    signs[:7] = [-1, 0, -1, -1, 1, 0, -1]  # minus zero among the weights
    kinds = (np.int8, np.int32, np.int64, np.float32, np.float64, q.dtype)
    kind = kinds[len(id) % len(kinds)]
    return case_of(id, name, q, signs.astype(kind), scale)


def _dequantize(plan: Plan) -> Iterator[Case]:
    name = "dequantize"
    for n in WIDTHS:
        codes = _codes(plan, n)
        yield case_of(f"{name}/codes/n{n}/default", name, codes, n)
        forms: tuple[Any, ...] = ("float32", "float64", np.float32, np.float64)
        for i, form in enumerate((*forms, *FLOATS)):
            label = f"{np.dtype(form)}-{i}"
            case = case_of(f"{name}/codes/n{n}/{label}", name, codes, n, dtype=form)
            yield from in_forms(case) if i in (0, 1) else [case]
    for kind in (np.int8, np.uint8, np.uint64):
        id = f"{name}/width-type/{kind.__name__}"
        yield case_of(id, name, np.arange(128, dtype=np.int32), kind(16), clauses=("S0.2",))


def _codes(plan: Plan, n: int) -> NDArray[np.int32]:
    """Return every code of a small width; of a large one those that a reciprocal gets wrong."""
    top = 2**n - 1
    codes = np.arange(2**n)
    wrong = np.zeros(2**n, bool)
    for dtype in FLOATS:
        wide: Any = codes.astype(dtype)
        wrong |= wide / dtype.type(top) != wide * (dtype.type(1) / dtype.type(top))
    found = np.concatenate([[0, 1, top // 2, top - 1, top], codes[wrong], codes])
    rng = plan.rng("codes", n)
    if len(found) > MAIN:
        keep = rng.choice(np.flatnonzero(wrong), min(wrong.sum(), 1500), replace=False)
        found = np.concatenate([found[:5], keep])
    rest = rng.integers(0, 2**n, MAIN - len(found))
    return np.concatenate([found, rest]).astype(np.int32)
