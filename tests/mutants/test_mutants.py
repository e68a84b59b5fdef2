"""Every mutant is wrong, and the kit says so."""

import re

import pytest

from msq_ref.contract import OPERATIONS
from tests.mutants.collection import FORMULAS, collect
from tests.mutants.killing import killer
from tests.mutants.registry import MUTANTS
from tests.mutants.table import TABLE, row
from tests.mutants.witness import seen

MADE = collect()


@pytest.mark.parametrize("operation", [entry.name for entry in OPERATIONS])
def test_mutants_are_wrong(operation):
    """[S0.1]-[S12.1] On its witness a mutant leaves what the clause says: none is equivalent."""
    mutants = [mutant for mutant in MUTANTS.values() if mutant.operation == operation]
    assert mutants
    assert [mutant.name for mutant in mutants if not seen(mutant)] == []


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(name):
    """[S0.1]-[S12.1] At level quick at least one check of the kit fails on the mutant."""
    assert killer(MUTANTS[name]) is not None, f"{name} survives: {MUTANTS[name].mistake}"


def test_many_are_written_one_by_one():
    """Each operation has mistakes of its own, not only those that all may make."""
    written = [mutant.operation for module in FORMULAS for mutant in MADE[module]]
    assert len(written) >= 120
    assert min(written.count(entry.name) for entry in OPERATIONS) >= 5


def test_table_is_current():
    """The table in docs/ has every mutant, in order, each killed; some lines are made anew."""
    lines = re.findall(r"^\| (?!.*Mistake).+\|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [line for line in lines if not line.startswith("| ---")]
    assert sorted(line.split(" | ")[0][2:] for line in lines) == sorted(
        name.partition("/")[2] for name in MUTANTS
    )
    assert "**survives**" not in "".join(lines)
    for mutant in list(MUTANTS.values())[::97]:
        assert row(mutant) in lines
