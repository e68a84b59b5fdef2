"""Make a failing case small: fewer elements, plain memory, as long as it still fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, Raises

__all__ = ["shrink"]

ATTEMPTS = 60
"""Calls that may be spent on one case."""


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return the smallest case found that fails, at worst the case itself.

    Parameters
    ----------
    case : Case
        Fails.
    fails : callable
        Tells whether a case fails.
    """
    attempts = ATTEMPTS
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(case):
            if attempts == 0:
                return case
            attempts -= 1
            if fails(candidate):
                case, smaller = candidate, True
                break
    return case


def _candidates(case: Case) -> Iterator[Case]:
    if case.layout != "plain":
        yield replace(case, layout="plain")
    if isinstance(case.expected, Raises):
        return  # what makes it illegal may be anywhere
    arrays = [value for value in case.required if isinstance(value, np.ndarray) and value.ndim]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        return
    size = arrays[0].size
    if size < 2:
        return
    if size <= 16:
        pieces = [slice(i, i + 1) for i in range(size)]
    else:
        edges = [size * part // 4 for part in range(5)]
        pieces = [slice(a, b) for a, b in itertools.pairwise(edges)]
    for piece in pieces:
        candidate = _taken(case, arrays[0].shape, piece)
        if candidate is not None:
            yield candidate


def _taken(case: Case, shape: tuple[int, ...], piece: slice) -> Case | None:
    """Return the case on a part of the elements, if that is a legal call of the definition."""

    def take(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.shape == shape:
            return value.ravel()[piece].copy()
        return value

    required = tuple(take(value) for value in case.required)
    optional = {key: take(value) for key, value in case.optional.items()}
    try:
        return case.of(*required, **optional)
    except (TypeError, ValueError):
        return None
