"""The kit from Python: check a backend that is at hand, as a notebook or a test does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msq_ref.conformance.cases import LEVELS
from msq_ref.conformance.loading import declarations
from msq_ref.conformance.record import Record, record_of
from msq_ref.conformance.report import RunReport
from msq_ref.conformance.suite import ordered, run_operation
from msq_ref.names import known_name

__all__ = ["check_backend", "records"]


def check_backend(
    backend: Any,
    operations: Sequence[str] | None = None,
    *,
    level: str = "quick",
    seed: int = 0,
    limit: float = 10.0,
    name: str = "backend",
) -> RunReport:
    """Run the kit on a backend and return what was found; ``msq conform`` does the same.

    Parameters
    ----------
    backend : module or object
        With some of the functions of the contract; what it lacks is reported as not implemented.
    operations : sequence of str, optional
        Names of operations, else all.
    level : {"quick", "full", "deep"}
    seed : int
        Of the random cases.
    limit : float
        Seconds a call may take.
    name : str
        What the backend is called in the report, and imported as in the lines that repeat a
        failure.

    Returns
    -------
    RunReport
        ``report.held()`` tells whether something ran and nothing failed.

    Raises
    ------
    ValueError
        If an operation or the level is unknown.
    """
    known_name("level", level, LEVELS)
    names = ordered(None if operations is None else list(operations))
    report = RunReport(name, level, seed, declarations(backend))
    for operation in names:
        report.add(operation, records(backend, report, operation, limit))
    return report


def records(backend: Any, report: RunReport, operation: str, limit: float) -> Iterator[Record]:
    """Yield what an operation of a backend did, for the report of its run."""
    for result in run_operation(backend, operation, report.level, report.seed, limit):
        yield record_of(result, report.backend)
