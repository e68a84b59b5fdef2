"""Run cases on a backend, one after another, and judge each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, Raises
from msq_ref.conformance.guard import Guard, Outcome, TooSlow
from msq_ref.conformance.judge import judge
from msq_ref.conformance.shrink import shrink
from msq_ref.conformance.wide import bound_of

__all__ = ["Result", "has_subnormals", "run_cases"]

HANGS_AN_OPERATION = 3
"""Calls without an answer after which an operation's other cases are not run."""

SHRUNK_AN_OPERATION = 3
"""Failures of one operation that are made small; the rest are only counted."""


@dataclass(frozen=True)
class Result:
    """What became of a case.

    Attributes
    ----------
    status : {"passed", "failed", "skipped", "not implemented"}
    fault : str
        What is wrong, or why it was skipped.
    ulp : float
        Largest distance of a float from what it must be.
    smallest : Case or None
        A case as small as could be found that fails too.
    """

    case: Case
    status: str
    fault: str = ""
    ulp: float = 0.0
    smallest: Case | None = None


def run_cases(backend: Any, cases: Iterable[Case], limit: float) -> Iterator[Result]:
    """Run cases in order; a generator, so that nothing is lost if a backend ends the process.

    Parameters
    ----------
    backend : module or object
        Missing functions, and those that raise ``NotImplementedError``, are not implemented.
        ``validates = False`` on it skips illegal input, ``flushes_subnormals = True`` subnormal
        numbers; what is skipped is counted.
    cases : iterable of Case
    limit : float
        Seconds a call may take.
    """
    failures: Counter[str] = Counter()
    hangs: Counter[str] = Counter()
    with Guard(limit) as guard:
        for case in cases:
            reason = _skipped(backend, case)
            if not reason and hangs[case.operation] == HANGS_AN_OPERATION:
                reason = f"not run after {HANGS_AN_OPERATION} calls without an answer"
            if reason:
                yield Result(case, "skipped", reason)
                continue
            result = _run(backend, case, guard)
            if result.status == "failed":
                hung = TooSlow.__name__ in result.fault
                hangs[case.operation] += hung
                failures[case.operation] += 1
                if failures[case.operation] <= SHRUNK_AN_OPERATION and not hung:
                    result = _shrunk(backend, result, guard)
            yield result


def _run(backend: Any, case: Case, guard: Guard) -> Result:
    function = getattr(backend, case.operation, None)
    if not callable(function):
        return Result(case, "not implemented")
    outcome = guard.call(function, case)
    if isinstance(outcome.error, NotImplementedError):
        return Result(case, "not implemented", "raised NotImplementedError")
    fault, ulp = _fault(case, outcome)
    return Result(case, "failed" if fault else "passed", fault, ulp)


def _fault(case: Case, outcome: Outcome) -> tuple[str, float]:
    error = outcome.error
    shown = f"{type(error).__name__}: {error}" if error is not None else ""
    ulp = 0.0
    if isinstance(case.expected, Raises):
        if error is None:
            fault = f"must be refused with {case.expected}, returned {_short(outcome.value)}"
        else:
            right = isinstance(error, case.expected.errors)
            fault = "" if right else f"must be refused with {case.expected}, raised {shown}"
    elif error is not None:
        fault = f"raised {shown}"
    else:
        bound = bound_of(case.operation, case.required, case.optional)
        judgement = judge(case.operation, case.expected.value, outcome.value, bound)
        fault, ulp = judgement.fault, judgement.ulp
    return "; ".join(filter(None, (fault, *outcome.besides))), ulp


def _shrunk(backend: Any, result: Result, guard: Guard) -> Result:
    """Return the result with a smaller case beside it that fails too."""

    def fails(case: Case) -> bool:
        return _run(backend, case, guard).status == "failed"

    smallest = shrink(result.case, fails)
    fault = _run(backend, smallest, guard).fault or result.fault
    return Result(result.case, "failed", fault, result.ulp, smallest)


def _skipped(backend: Any, case: Case) -> str:
    if isinstance(case.expected, Raises) and getattr(backend, "validates", True) is False:
        return "illegal input; the backend declares validates = False"
    if getattr(backend, "flushes_subnormals", False) is True and has_subnormals(case):
        return "subnormal numbers; the backend declares flushes_subnormals = True"
    return ""


def has_subnormals(case: Case) -> bool:
    """Tell whether an argument of a case, or what it must return, holds subnormal numbers."""
    values = [*case.required, *case.optional.values()]
    if not isinstance(case.expected, Raises):
        found = case.expected.value
        values += found if isinstance(found, tuple) else [found]
    return any(_subnormal(value) for value in values)


def _subnormal(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return False
    magnitude = np.abs(value)
    return bool(((magnitude > 0) & (magnitude < np.finfo(value.dtype).tiny)).any())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
