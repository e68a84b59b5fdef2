"""Sums in the one order of [S0.5]: numbers that show every other order, and every other width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import BIG, CHUNKED, FLOATS, Plan
from msq_ref.conformance.layouts import FIRST

__all__ = ["sum_cases"]

Pair = tuple[NDArray[Any], NDArray[Any]]
ARRAYS = 6
"""Arrays of each size."""


def sum_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``sensitivity``."""
    for dtype in FLOATS:
        sizes: tuple[int, ...] = (0, 1, 2, *CHUNKED, 16384, 3 * 8192 + 5, BIG)
        sizes += plan.pick(0, 1, 1) * (64, 4096, 16385)
        for size in sizes:
            for i, pair in enumerate(_pairs(plan, dtype, size)):
                for trace in (1.0, 0.7) if i == 0 else (1.0,):
                    id = f"{name}/order/{size}/{i}/trace-{trace:g}/{dtype}"
                    yield case_of(id, name, trace, *pair, clauses=("S0.5", "S5.5"))
        yield from _in_memory(name, plan, dtype)
        yield from _traces(name, plan, dtype)
        yield from _values(name, dtype)


def _pairs(plan: Plan, dtype: np.dtype[Any], size: int) -> Iterator[Pair]:
    """Yield pairs of arrays of mixed magnitude; on each about half of all other orders show."""
    for i in range(ARRAYS if size > 1 else 1):
        rng = plan.rng("sums", size, i)
        w = rng.uniform(-1, 1, size) * 2.0 ** -rng.integers(0, 12, size)
        yield rng.uniform(-1, 1, size).astype(dtype), w.astype(dtype)


def _in_memory(name: str, plan: Plan, dtype: np.dtype[Any]) -> Iterator[Case]:
    """Yield arrays that lie in another order in memory than that of their indices."""
    for i, (q, w) in enumerate(_pairs(plan, dtype, 97 * 123)):
        pair = q.reshape(97, 123), w.reshape(97, 123)
        for layout in ("Fortran order", f"Fortran order{FIRST}", "reversed"):
            id = f"{name}/memory/{layout.replace(' ', '-').replace(',', '')}/{i}/{dtype}"
            yield case_of(id, name, 1.0, *pair, clauses=("S0.5", "S0.4"), layout=layout)


def _traces(name: str, plan: Plan, dtype: np.dtype[Any]) -> Iterator[Case]:
    """Yield traces of either sign and type: sign included, not rounded, not divided by the size."""
    q, w = next(_pairs(plan, dtype, 33))
    traces: tuple[Any, ...] = (
        0.0, -0.7, 1e-30, -1e30, 0.1, 1 / 3, 3, -2, 2**40 + 1, np.float32(0.1), np.float64(0.1),
        np.int64(7),
    )  # fmt: skip
    for i, trace in enumerate(traces):
        yield from in_forms(case_of(f"{name}/trace/{i}/{dtype}", name, trace, q, w))
    for i in range(plan.pick(0, 100, 1000)):
        rng = plan.rng(name, "trace", i)
        size = int(rng.integers(1, 40_000))
        q, w = rng.normal(0, 1, (2, size)).astype(dtype)
        yield case_of(f"{name}/random/{i}/{dtype}", name, float(rng.normal()), q, w)


def _values(name: str, dtype: np.dtype[Any]) -> Iterator[Case]:
    rows = {
        "equal": ([0.5, -0.25, 1], [0.5, -0.25, 1]),
        "triangle": ([3, 0, 0], [0, 4, 0]),
        "signs-cancel": ([1, -1, 0], [-1, 1, 0]),
        # A norm that scales by the maximum first does not underflow; the definition does.
        "underflow": ([1e-25, 1, 0], [0, 1, 0]) if dtype.itemsize == 4 else
                     ([1e-170, 1, 0], [0, 1, 0]),
        "float32-difference": ([1, 1, 1], [2.0**-24, -(2.0**-24), 3 * 2.0**-30]),
        "float32-overflow": ([1e30, 0, 0], [-1e30, 1, 0]),
    }  # fmt: skip
    for label, (q, w) in rows.items():
        id = f"{name}/{label}/{dtype}"
        yield case_of(id, name, 1.5, np.array(q, dtype), np.array(w, dtype))
