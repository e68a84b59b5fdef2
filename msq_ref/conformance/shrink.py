"""Make a failing case small: fewer elements, plain memory, as long as it still fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, Raises
from msq_ref.contract import operation

__all__ = ["shrink"]

ATTEMPTS = 80
"""Calls that may be spent on one case."""

Axes = tuple[tuple[str, int], ...]

AXES: dict[str, tuple[Axes, ...]] = {
    "integer_linear": (
        (("x", 0),),
        (("codes", 1), ("signs", 1)),
        (("x", -1), ("codes", 0), ("signs", 0)),
    ),
    "bitserial_linear": ((("x", 0),), (("planes", 2),), (("x", -1), ("planes", 1))),
    "integer_conv2d": (
        (("x", 0),),
        (("codes", 3), ("signs", 3)),
        (("x", 3), ("codes", 2), ("signs", 2)),
    ),
    "from_bit_planes": ((("planes", -1),), (("planes", 1),)),
    "requantize": (
        (("acc", -1), ("multiplier", 0), ("shift", 0), ("zero_point", 0)),
        (("acc", 0),),
    ),
    "assign_k": ((("omegas", 0),),),
    "compression": ((("sizes", 0), ("bits", 0)),),
    "prune_step": ((("bits", 0), ("betas", 0), ("ks", 0), ("sizes", 0), ("alpha", 0)),),
}
"""Axes along which arguments can be cut, those together that have the same length."""


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
    cuts = _along_axes(case) if case.operation in AXES else _by_element(case)
    for required, optional in cuts:
        try:
            with np.errstate(all="ignore"):
                candidate = case.of(*required, **optional)
        except (TypeError, ValueError, IndexError):
            continue  # no legal call of the definition
        yield candidate


Cut = tuple[tuple[Any, ...], dict[str, Any]]


def _by_element(case: Case) -> Iterator[Cut]:
    """Yield the arguments with a part of the elements of every array of the first one's shape."""
    arrays = [value for value in case.required if isinstance(value, np.ndarray) and value.ndim]
    if not arrays:
        return
    shape = arrays[0].shape

    def take(value: Any, part: slice) -> Any:
        if isinstance(value, np.ndarray) and value.shape == shape:
            return value.ravel()[part].copy()
        return value

    for part in _parts(arrays[0].size):
        yield (
            tuple(take(value, part) for value in case.required),
            {key: take(value, part) for key, value in case.optional.items()},
        )


def _along_axes(case: Case) -> Iterator[Cut]:
    """Yield the arguments cut along one of their axes."""
    names = operation(case.operation).required
    given = {**dict(zip(names, case.required, strict=True)), **case.optional}
    for axes in AXES[case.operation]:
        name, axis = axes[0]
        for part in _parts(_length(given[name], axis)):
            cut = dict(given)
            for name, axis in axes:
                if name in cut:
                    cut[name] = _taken(cut[name], axis, part)
            yield tuple(cut[name] for name in names), {
                name: value for name, value in cut.items() if name not in names
            }


def _length(value: Any, axis: int) -> int:
    """Return the length along an axis that can be cut, 0 if it cannot."""
    if isinstance(value, list | tuple):
        return len(value)
    return value.shape[axis] if isinstance(value, np.ndarray) and value.ndim > max(axis, 0) else 0


def _taken(value: Any, axis: int, part: slice) -> Any:
    if isinstance(value, list | tuple):
        return value[part]
    if not isinstance(value, np.ndarray) or value.ndim <= max(axis, 0):
        return value
    return np.ascontiguousarray(_moved(value, axis, part))


def _moved(value: NDArray[Any], axis: int, part: slice) -> NDArray[Any]:
    index: list[slice] = [slice(None)] * value.ndim
    index[axis] = part
    return value[tuple(index)]


def _parts(size: int) -> Iterator[slice]:
    """Yield quarters of a long row, single elements of a short one, then halves."""
    if size < 2:
        return
    if size <= 16:
        yield from (slice(i, i + 1) for i in range(size))
    else:
        edges = [size * part // 4 for part in range(5)]
        yield from (slice(low, high) for low, high in itertools.pairwise(edges))
    if size > 3:
        yield from (slice(0, size // 2), slice(size // 2, size))
