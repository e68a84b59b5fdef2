"""RoundClamp and DoReFa on every bin edge and beside it [S2.1], [S2.2]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import in_form, in_forms
from msq_ref.conformance.cases.plan import FLOATS, MAIN, WIDTHS, Plan
from msq_ref.conformance.cases.points import constants, ends, few_points, points, subnormals

__all__ = ["quantizer_cases"]

WIDTH_TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64)
"""NumPy integers are integers: 2 to their power overflows some of these."""


def quantizer_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``roundclamp`` or ``dorefa``."""
    for dtype in FLOATS:
        for n in WIDTHS:
            yield from in_forms(
                case_of(f"{name}/edges/n{n}/{dtype}", name, points(plan, n, dtype), n)
            )
            for i, u in enumerate(few_points(n, dtype)):
                yield case_of(f"{name}/few-edges/n{n}/{i}/{dtype}", name, u, n)
            for i in range(plan.pick(0, 4, 64)):
                u = plan.rng(name, n, i).random(MAIN).astype(dtype)
                yield case_of(f"{name}/random/n{n}/{dtype}/{i}", name, u, n)
        for label, u in constants(dtype).items():
            for n in (1, 2, 8, 16):
                yield case_of(f"{name}/constant/{label}/n{n}/{dtype}", name, u, n)
        id = f"{name}/subnormal/{dtype}"
        yield case_of(id, name, subnormals(dtype), 16, clauses=("S0.3",))
        long = case_of(f"{name}/edges/n8/{dtype}", name, points(plan, 8, dtype), 8)
        yield in_form(long, "long")
        for kind in WIDTH_TYPES:
            for n in (7, 8, 16):
                id = f"{name}/width-type/{kind.__name__}/n{n}/{dtype}"
                yield case_of(id, name, ends(dtype), kind(n), clauses=("S0.2",))
