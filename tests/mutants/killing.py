"""Which of the kit's checks kills a mutant, at level quick."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from msq_ref import reference
from msq_ref.conformance import runner
from msq_ref.conformance.case import Case, Raises
from msq_ref.conformance.cases import generate
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.properties import check_properties
from msq_ref.conformance.runner import Result, run_cases
from msq_ref.conformance.vectors import vector_cases
from tests.mutants.registry import Mutant
from tests.mutants.witness import unsettle

LIMIT, SHORT_LIMIT = 10.0, 0.3
"""Seconds a call may take; of a mutant that hangs."""


@lru_cache
def _cases(operation: str) -> tuple[Case, ...]:
    return (*vector_cases([operation]), *generate([operation], "quick", 0))


def _likely_first(mutant: Mutant) -> list[Case]:
    """The operation's cases, those like the witness first; all of them are run on a survivor."""
    required, optional = mutant.witness[-1].fresh()
    try:
        with np.errstate(all="ignore"):
            getattr(reference, mutant.operation)(*required, **optional)
        illegal = False
    except (TypeError, ValueError):
        illegal = True
    laid = mutant.witness[-1].lay is not np.array

    def unlike(case: Case) -> bool:
        return isinstance(case.expected, Raises) != illegal or (laid and case.layout == "plain")

    return sorted(_cases(mutant.operation), key=unlike)


def killer(mutant: Mutant) -> Result | None:
    """Return the first result that fails, None if the mutant survives."""
    return next((result for result in _results(mutant) if result.status == "failed"), None)


def _results(mutant: Mutant) -> Iterator[Result]:
    unsettle()
    limit = SHORT_LIMIT if mutant.hangs else LIMIT
    shrunk, runner.SHRUNK_AN_OPERATION = runner.SHRUNK_AN_OPERATION, 0
    try:
        yield from run_cases(mutant.backend(), _likely_first(mutant), limit)
        with Guard(limit) as guard:
            yield from check_properties(mutant.backend(), [mutant.operation], "quick", 0, guard)
    finally:
        runner.SHRUNK_AN_OPERATION = shrunk
