"""What a run of the kit found: counts per operation, and every failure with its smallest call."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msq_ref.conformance.record import Record
from msq_ref.conformance.suite import TRAJECTORIES
from msq_ref.contract import SPEC_VERSION, operation

__all__ = ["OperationReport", "RunReport"]

VECTORS = "v1"
"""The frozen vectors that ran."""


@dataclass
class OperationReport:
    """Counts of one operation."""

    name: str
    exactness: str
    passed: int = 0
    failed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    not_implemented: int = 0
    gave_up: int = 0
    """Cases that raised ``NotImplementedError``."""
    worst_ulp: float = 0.0
    seconds: float = 0.0
    failures: list[Record] = field(default_factory=list)
    expected_failures: list[Record] = field(default_factory=list)
    """Failures that were announced."""
    ids: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """Id and status of every case, in order."""

    @property
    def status(self) -> str:
        """In a word: failed, passed, in part, not implemented, or nothing ran."""
        if self.failures:
            return "failed"
        if self.passed and self.gave_up:
            return "in part"
        if self.expected_failures:
            return "expected failures"
        if self.passed:
            return "passed"
        return "not implemented" if self.not_implemented else "nothing ran"


class RunReport:
    """Collects results; asks at the end whether all is well.

    Parameters
    ----------
    backend : str
        As it was named.
    level, seed
        Of the run.
    declares : mapping of str to bool
        What the backend says of itself: ``validates``, ``flushes_subnormals``.
    expected : sequence of str
        Patterns of case ids, or names of operations, that are expected to fail.
    """

    def __init__(
        self, backend: str, level: str, seed: int, declares: dict[str, bool],
        expected: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.backend, self.level, self.seed = backend, level, seed
        self.declares = declares
        self.operations: list[OperationReport] = []
        self.compilation_seconds = 0.0
        """Part of the operations' seconds that went into compiling; 0.0 where it is not known."""
        self._expected = {pattern: [0, 0] for pattern in expected}  # matched, failed

    def add(self, name: str, records: Iterable[Record]) -> OperationReport:
        """Count the records of an operation as they come."""
        entry = OperationReport(name, exactness_of(name))
        self.operations.append(entry)
        started = time.perf_counter()
        for record in records:
            self._count(entry, record)
            entry.seconds = time.perf_counter() - started
        return entry

    def _count(self, entry: OperationReport, record: Record) -> None:
        failed = record.status == "failed"
        announced = self._announced(record.id, entry.name, failed)
        entry.ids.append((record.id, record.status))
        entry.worst_ulp = max(entry.worst_ulp, record.ulp)
        if record.status == "skipped":
            entry.skipped[record.fault] = entry.skipped.get(record.fault, 0) + 1
        elif record.status == "not implemented":
            entry.not_implemented += 1
            entry.gave_up += bool(record.fault)
        elif failed:
            entry.failed += 1
            (entry.expected_failures if announced else entry.failures).append(record)
        else:
            entry.passed += 1

    def _announced(self, id: str, name: str, failed: bool) -> bool:
        found = False
        for pattern, counts in self._expected.items():
            if pattern == name or fnmatch.fnmatchcase(id, pattern):
                counts[0] += 1
                counts[1] += failed
                found = True
        return found

    @property
    def cases(self) -> int:
        """Cases that ran."""
        return sum(entry.passed + entry.failed for entry in self.operations)

    @property
    def seconds(self) -> float:
        """Time of all operations, compilation left out."""
        return sum(entry.seconds for entry in self.operations) - self.compilation_seconds

    def unfulfilled(self) -> list[str]:
        """Return the expected failures that did not fail."""
        return [pattern for pattern, counts in self._expected.items() if counts[1] == 0]

    def held(self) -> bool:
        """Tell whether a case ran, none did what was not expected, and none was refused in part."""
        unexpected = any(entry.failures for entry in self.operations)
        partial = any(entry.status == "in part" for entry in self.operations)
        return self.cases > 0 and not (unexpected or partial or self.unfulfilled())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "backend": self.backend,
            "level": self.level,
            "seed": self.seed,
            "spec_version": SPEC_VERSION,
            "vectors": VECTORS,
            **self.declares,
            "held": self.held(),
            "cases": self.cases,
            "seconds": round(self.seconds, 3),
            "compilation_seconds": round(self.compilation_seconds, 3),
            "passed": sum(entry.passed for entry in self.operations),
            "failed": sum(entry.failed for entry in self.operations),
            "skipped": sum(sum(entry.skipped.values()) for entry in self.operations),
            "unfulfilled_expected_failures": self.unfulfilled(),
            "operations": [_operation_dict(entry) for entry in self.operations],
        }


def exactness_of(name: str) -> str:
    """Return the exactness class of an operation, or that of a trajectory."""
    return "as its operations" if name in TRAJECTORIES else operation(name).exactness


def _operation_dict(entry: OperationReport) -> dict[str, Any]:
    return {
        "operation": entry.name,
        "status": entry.status,
        "exactness": entry.exactness,
        "cases": entry.passed + entry.failed,
        "passed": entry.passed,
        "failed": entry.failed,
        "skipped": entry.skipped,
        "not_implemented": entry.not_implemented,
        "worst_ulp": entry.worst_ulp if entry.worst_ulp != float("inf") else "inf",
        "seconds": round(entry.seconds, 3),
        "failures": [failure.as_dict() for failure in entry.failures],
        "expected_failures": [failure.as_dict() for failure in entry.expected_failures],
    }
