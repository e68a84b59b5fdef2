"""The kit as tests: one per operation, for people who live in pytest."""

from __future__ import annotations

import pytest

from msq_ref.conformance.loading import load_backend
from msq_ref.conformance.record import record_of
from msq_ref.conformance.report import OperationReport, RunReport
from msq_ref.conformance.suite import ordered, run_operation


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every operation that was asked for."""
    ops = metafunc.config.getoption("--msq-ops")
    metafunc.parametrize("name", ordered(ops.split(",") if ops else None))


def test_operation(name: str, pytestconfig: pytest.Config) -> None:
    """Every case of the operation passes; one that is not implemented is skipped, and says so."""
    target = pytestconfig.getoption("--msq-backend")
    if target is None:
        pytest.fail("name the backend: pytest --pyargs msq_ref.conformance --msq-backend=MODULE")
    level, seed, limit = (
        pytestconfig.getoption(f"--msq-{option}") for option in ("level", "seed", "limit")
    )
    report = RunReport(target, level, seed, {})
    results = run_operation(load_backend(target), name, level, seed, limit)
    entry = report.add(name, (record_of(result, target) for result in results))
    if entry.status == "not implemented":
        pytest.skip(f"{target} does not implement {name}")
    assert report.held(), _told(entry)


def _told(entry: OperationReport) -> str:
    lines = [f"{entry.failed} of {entry.passed + entry.failed} cases failed"]
    for record in entry.failures[:5]:
        clauses = " ".join(f"[{clause}]" for clause in record.clauses)
        lines += [f"{record.id} {clauses}", f"  {record.fault}", f"  {record.reproduce}"]
    return "\n".join(lines)
