"""The contract, the spec and the tests know of each other."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from msq_ref import kernels, reference
from msq_ref.contract import OPERATIONS

ROOT = Path(__file__).parent.parent

CLAUSE = re.compile(r"\[(S\d+(?:\.\d+)?)\]")


def spec_clauses():
    """Return the numbered clauses of the project's spec, and their sections."""
    text = (ROOT / "docs" / "spec.md").read_text("utf-8")
    clauses = set(re.findall(r"\*\*(S\d+\.\d+)\*\*", text))
    sections = set(re.findall(r"^## (S\d+) ", text, re.M))
    assert len(clauses) > 40
    assert {clause.split(".")[0] for clause in clauses} == sections
    return clauses, sections


def docstrings(path):
    """Return every docstring of a file, and texts below assignments."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


@pytest.mark.parametrize("entry", OPERATIONS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_operations_are_those_of_the_contract(backend, entry):
    """[S0.2] The same names in the same order, the same defaults, the clauses in the docstring."""
    function = getattr(backend, entry.name)
    written = []
    for name, parameter in inspect.signature(function).parameters.items():
        default = parameter.default
        if default is inspect.Parameter.empty:
            written.append(name)
        else:
            written.append(f"{name}={getattr(default, '__name__', default)}")
    assert tuple(written) == entry.arguments
    cited = set(CLAUSE.findall(function.__doc__))
    if backend is reference:
        assert cited >= set(entry.clauses)
    else:
        assert cited & set(entry.clauses)


def test_clauses_of_the_contract_exist():
    """[S0.2] In the project's own spec."""
    clauses, _ = spec_clauses()
    for entry in OPERATIONS:
        assert entry.clauses
        assert set(entry.clauses) <= clauses, entry.name


def test_cited_clauses_exist():
    """[S0.2] Wherever code or tests cite one."""
    clauses, sections = spec_clauses()
    missing = {
        f"{path.relative_to(ROOT)}: [{clause}]"
        for folder in ("msq_ref", "hwsim", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for clause in CLAUSE.findall(path.read_text("utf-8"))
        if clause not in clauses | sections
    }
    assert missing == set()


def test_every_clause_has_a_test():
    """[S0.1] Of those that are code here: by its number in a test's docstring."""
    clauses, _ = spec_clauses()
    here = {"S0", "S1", "S2", "S3", "S4", "S5", "S6", "S8", "S9", "S10", "S11", "S12"}
    cited = {
        clause
        for path in (ROOT / "tests").rglob("test_*.py")
        for text in docstrings(path)
        for clause in CLAUSE.findall(text)
    }
    assert sorted(clause for clause in clauses - cited if clause.split(".")[0] in here) == []
