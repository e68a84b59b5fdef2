"""What holds whatever the arguments are: hypothesis looks for some for which it does not.

Most properties are identities that never ask the definition; so they would find a mistake in it
too. One per operation compares with the definition on any shape, stride, dtype and layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msq_ref import checks
from msq_ref.conformance.case import Case, Value
from msq_ref.conformance.cases.plan import LEVELS
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.loading import implemented
from msq_ref.conformance.properties import (  # noqa: F401  (each adds its properties)
    definition,
    integers,
    normalization,
    pieces,
    planes,
    schedule,
    slicing,
    steady,
    training,
)
from msq_ref.conformance.properties.property import PROPERTIES, Property
from msq_ref.conformance.properties.search import search
from msq_ref.conformance.properties.strategies import Scope
from msq_ref.conformance.runner import Result
from msq_ref.contract import OPERATIONS, operation
from msq_ref.names import known_name

__all__ = ["PROPERTIES", "Property", "check_properties"]

EXAMPLES = {"quick": 10, "full": 30, "deep": 1000}
"""Arguments on which a property is tried, by level."""


def check_properties(
    backend: Any, operations: Sequence[str], level: str, seed: int, guard: Guard
) -> Iterator[Result]:
    """Yield a result per property of some operations, in the contract's order.

    Parameters
    ----------
    backend : module or object
    operations : sequence of str
        Names in the contract.
    level : {"quick", "full", "deep"}
    seed : int
        The same seed gives the same arguments.
    guard : Guard
        Makes the calls.

    Raises
    ------
    ValueError
        If a name or the level is unknown, or `seed` is no such number.
    """
    wanted = {operation(name).name for name in operations}
    level, seed = known_name("level", level, LEVELS), checks.integer("seed", seed, 0)
    scope = Scope(level, subnormals=getattr(backend, "flushes_subnormals", False) is not True)
    for name in (entry.name for entry in OPERATIONS if entry.name in wanted):
        for entry in (entry for entry in PROPERTIES if entry.operation == name):
            missing = [need for need in (name, *entry.needs) if not implemented(backend, need)]
            if missing:
                yield _left_out(entry, missing)
            else:
                examples = max(EXAMPLES[level] // entry.costs, 2)
                yield search(backend, entry, scope, examples, seed, guard)


def _left_out(entry: Property, missing: Sequence[str]) -> Result:
    id = f"{entry.operation}/property/{entry.name}"
    case = Case(id, entry.operation, (), Value(None), {}, entry.clauses)
    if entry.operation in missing:
        return Result(case, "not implemented")
    return Result(case, "skipped", f"needs {', '.join(missing)}, which the backend has not")
