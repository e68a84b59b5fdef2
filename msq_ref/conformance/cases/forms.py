"""The same values in other forms: one, few and many, with more axes, strided.

Code that is right on a long row of numbers may take another path for a short one, for the rest
behind the last whole vector, or for an array it has to walk by strides.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.plan import BIG, MAIN

__all__ = ["FORMS", "USUAL", "in_form", "in_forms"]

FORMS: dict[str, tuple[tuple[int, ...], str]] = {
    "many": ((MAIN,), "plain"),
    "two-axes": ((49, 65), "plain"),
    "four-axes": ((5, 7, 7, 13), "plain"),
    "strided": ((MAIN,), "strided"),
    "few": ((7,), "plain"),
    "long": ((BIG,), "plain"),
}
"""Shape and layout by name; values are repeated, or cut off, to fill them."""

ALL_ALONE = 5
"""Arrays of so many elements are tried element by element."""

USUAL = ("many", "two-axes", "four-axes", "strided", "few")
"""Forms that every case is tried in; "long" is for a few."""


def in_forms(case: Case, forms: tuple[str, ...] = USUAL) -> Iterator[Case]:
    """Yield a case as it is, then in other forms: of every array of the first one's shape.

    Parameters
    ----------
    case : Case
        Legal, its first array not empty.
    forms : tuple of str
        Names in `FORMS`; one that would be the case itself is left out.
    """
    yield case
    shape = _shape(case)
    for form in forms:
        if FORMS[form] != (shape, case.layout):
            yield in_form(case, form)
    if forms == USUAL:
        yield from _alone(case)


def in_form(case: Case, form: str) -> Case:
    """Return a case in one other form."""
    shape, (wanted, layout) = _shape(case), FORMS[form]

    def fill(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.shape == shape:
            return np.resize(value, wanted)
        return value

    optional = {key: fill(value) for key, value in case.optional.items()}
    filled = case_of(case.id, case.operation, *map(fill, case.required), **optional)
    return replace(filled, id=f"{case.id}/{form}", clauses=case.clauses, layout=layout)


def _alone(case: Case) -> Iterator[Case]:
    """Yield some elements of a case by themselves, without an axis and with one in turn.

    All elements where there are few; else one, another in every case.
    """
    shape = _shape(case)
    size = int(np.prod(shape))
    start = zlib.crc32(case.id.encode())
    chosen = range(size) if size <= ALL_ALONE else (start % size,)
    for number, place in enumerate(chosen, start // size):
        wanted: tuple[int, ...] = ((), (1,))[number % 2]

        def take(value: Any, place: int = place, wanted: tuple[int, ...] = wanted) -> Any:
            if isinstance(value, np.ndarray) and value.shape == shape:
                return value.ravel()[place : place + 1].reshape(wanted)
            return value

        optional = {key: take(value) for key, value in case.optional.items()}
        alone = case_of(case.id, case.operation, *map(take, case.required), **optional)
        yield replace(alone, id=f"{case.id}/alone-{place}", clauses=case.clauses)


def _shape(case: Case) -> tuple[int, ...]:
    return next(value.shape for value in case.required if isinstance(value, np.ndarray))
