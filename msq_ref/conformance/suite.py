"""Everything the kit asks of one operation, in order: frozen vectors, cases, properties."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from msq_ref.conformance.case import Case
from msq_ref.conformance.cases import generate
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.properties import check_properties
from msq_ref.conformance.runner import Result, run_cases
from msq_ref.conformance.trajectory import check_trajectories
from msq_ref.conformance.vectors import vector_cases
from msq_ref.contract import OPERATIONS, operation

__all__ = ["TRAJECTORIES", "case_ids", "known_names", "ordered", "run_operation"]

TRAJECTORIES = ("training_step", "trajectory")
"""What is asked of several operations together, as if it were an operation itself."""


def known_names() -> list[str]:
    """Return the names of all that a backend can be asked for, in the contract's order."""
    return [*(entry.name for entry in OPERATIONS), *TRAJECTORIES]


def ordered(names: list[str] | None) -> list[str]:
    """Return names of operations in the contract's order, all of them for None.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    known = known_names()
    for name in names or []:
        if name not in TRAJECTORIES:
            operation(name)
    return known if names is None else [name for name in known if name in names]


def run_operation(
    backend: Any, name: str, level: str, seed: int, limit: float, skip: int = 0
) -> Iterator[Result]:
    """Yield the results of an operation as they come.

    Parameters
    ----------
    backend : module or object
    name : str
        Of an operation, or one of `TRAJECTORIES`.
    level : {"quick", "full", "deep"}
    seed : int
        The same seed and level give the same checks in the same order.
    limit : float
        Seconds a call may take.
    skip : int
        Leave out so many of the first cases.
    """
    if name in TRAJECTORIES:
        with Guard(limit) as guard:
            yield from check_trajectories(backend, name, level, seed, guard)
        return
    yield from run_cases(backend, itertools.islice(_cases(name, level, seed), skip, None), limit)
    with Guard(limit) as guard:
        yield from check_properties(backend, [name], level, seed, guard)


def case_ids(name: str, level: str, seed: int) -> Iterator[str]:
    """Yield the ids of an operation's cases, in the order in which they run."""
    if name not in TRAJECTORIES:
        for case in _cases(name, level, seed):
            yield case.id


def _cases(name: str, level: str, seed: int) -> Iterator[Case]:
    return itertools.chain(vector_cases([name]), generate([name], level, seed))
