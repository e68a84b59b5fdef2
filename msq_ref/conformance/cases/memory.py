"""Every operation on every shape, layout and dtype: results must not depend on them [S0.3, S0.4].

The values are ordinary; where operations go wrong by value is the matter of the other sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.examples import (
    ELEMENTWISE,
    OF_FLOATS,
    OF_INTEGERS,
    REDUCTIONS,
    Call,
    example,
)
from msq_ref.conformance.cases.plan import BIG, CHUNKED, FLOATS, INTEGERS, SMALL_SHAPES, Plan
from msq_ref.conformance.layouts import FIRST, LAYOUTS

__all__ = ["memory_cases"]

LAID_OUT = (3, 4, 2, 5)
"""Shape whose arrays are laid out in every way."""

OPERATIONS_ON_ARRAYS = (*OF_FLOATS, *OF_INTEGERS)


def memory_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of an operation on arrays; none of one on sequences."""
    if name not in OPERATIONS_ON_ARRAYS:
        return
    for dtype in FLOATS if name in OF_FLOATS else (np.dtype(np.int32), np.dtype(np.int64)):
        yield from _shapes(name, plan, dtype)
        yield from _layouts(name, plan, dtype)
    if name in OF_INTEGERS:
        yield from _integer_dtypes(name, plan)


def _shapes(name: str, plan: Plan, dtype: np.dtype[Any]) -> Iterator[Case]:
    shapes: list[tuple[int, ...]] = [*SMALL_SHAPES, LAID_OUT]
    if name in ELEMENTWISE or name in REDUCTIONS:
        sizes = CHUNKED if name in REDUCTIONS or plan.at_least("full") else (8192,)
        shapes += [*((size,) for size in sizes), (BIG,)]
    for shape in shapes if name != "integer_conv2d" else [LAID_OUT]:
        label = "x".join(map(str, shape)) or "0-d"
        for alternative in (False, True):
            if alternative and np.prod(shape) > 10_000:
                continue
            call = example(name, plan.rng(name, shape), shape, dtype, alternative=alternative)
            if call is not None:
                id = f"{name}/shape/{label}/{dtype}/{_form(alternative)}"
                yield case_of(id, name, *call[0], clauses=("S0.3", "S0.4"), **call[1])


def _layouts(name: str, plan: Plan, dtype: np.dtype[Any]) -> Iterator[Case]:
    names = [*LAYOUTS, f"Fortran order{FIRST}", f"strided{FIRST}", f"big-endian{FIRST}"]
    for layout in names:
        for shape in (LAID_OUT, (7,), ()):
            for alternative in (False, True):
                if layout == "plain" or (alternative and shape != LAID_OUT):
                    continue
                call = example(name, plan.rng(name, layout), shape, dtype, alternative=alternative)
                if call is None:
                    continue
                if layout == "broadcast":
                    call = _constant(call)
                label = layout.replace(" ", "-").replace(",", "")
                id = f"{name}/layout/{label}/{len(shape)}-d/{dtype}/{_form(alternative)}"
                yield case_of(
                    id, name, *call[0], clauses=("S0.4",), layout=layout, **call[1]
                )
            if name == "integer_conv2d":
                break


def _integer_dtypes(name: str, plan: Plan) -> Iterator[Case]:
    for dtype in INTEGERS:
        for layout in ("plain", "big-endian"):
            for alternative in (False, True):
                rng = plan.rng(name, dtype.name)
                call = example(name, rng, (7,), dtype, alternative=alternative)
                if call is not None:
                    id = f"{name}/dtype/{dtype}/{layout}/{_form(alternative)}"
                    yield case_of(
                        id, name, *call[0], clauses=("S0.2", "S0.4"), layout=layout, **call[1]
                    )


def _constant(call: Call) -> Call:
    """Return the call with every array filled with its first element."""

    def fill(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.size:
            return np.full_like(value, value.flat[0])
        return value

    return tuple(map(fill, call[0])), {key: fill(value) for key, value in call[1].items()}


def _form(alternative: bool) -> str:
    return "other" if alternative else "usual"
