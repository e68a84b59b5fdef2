"""A run's report in JUnit's XML, for continuous integration."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from msq_ref.conformance.report import OperationReport, RunReport
from msq_ref.files import write_text

__all__ = ["write_junit"]


def write_junit(target: Path, report: RunReport) -> None:
    """Write a test suite per operation with a test case per case, atomically."""
    root = ElementTree.Element("testsuites", name=f"msq conform {report.backend}")
    for entry in report.operations:
        root.append(_suite(entry))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
    write_text(target, text + "\n")


def _suite(entry: OperationReport) -> ElementTree.Element:
    failures = {record.id: record for record in (*entry.failures, *entry.expected_failures)}
    skipped = sum(entry.skipped.values()) + entry.not_implemented
    suite = ElementTree.Element(
        "testsuite", name=entry.name, tests=str(len(entry.ids)), failures=str(entry.failed),
        skipped=str(skipped), errors="0", time=f"{entry.seconds:.3f}",
    )  # fmt: skip
    for id, status in entry.ids:
        case = ElementTree.SubElement(suite, "testcase", classname=entry.name, name=id)
        if status == "failed":
            failure = failures[id]
            node = ElementTree.SubElement(case, "failure", message=failure.fault)
            node.text = f"{', '.join(failure.clauses)}\n{failure.reproduce}"
        elif status != "passed":
            ElementTree.SubElement(case, "skipped", message=status)
    return suite
