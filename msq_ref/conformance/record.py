"""A result as plain values: what a report needs, and what a process can send another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from msq_ref.conformance.case import Raises, paste
from msq_ref.conformance.runner import Result

__all__ = ["Record", "record_of"]


@dataclass(frozen=True)
class Record:
    """What became of a case.

    Attributes
    ----------
    id, status, fault, ulp
        As in `Result`.
    clauses : tuple of str
    expected : str
    reproduce : str
        A line of Python that makes the smallest failing call; "" unless it failed.
    """

    id: str
    status: str
    fault: str = ""
    ulp: float = 0.0
    clauses: tuple[str, ...] = ()
    expected: str = ""
    reproduce: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def record_of(result: Result, backend: str) -> Record:
    """Return the record of a result; `backend` as the command line names it."""
    case = result.smallest or result.case
    plain = Record(result.case.id, result.status, result.fault, result.ulp, case.clauses)
    if result.status != "failed":
        return plain
    wanted = case.expected
    expected = ""  # a property's call has no value that is known
    if isinstance(wanted, Raises):
        expected = f"refused with {wanted}"
    elif wanted.value is not None:
        expected = _short(wanted.value)
    return Record(
        plain.id, plain.status, plain.fault, plain.ulp, plain.clauses, expected,
        paste(case, backend),
    )  # fmt: skip


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else text[:197] + "..."
