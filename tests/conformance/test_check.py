"""The kit called from Python says what the command line says."""

from types import SimpleNamespace

import numpy as np
import pytest

import msq_ref as msq
from msq_ref.conformance.check import check_backend


def test_right_and_wrong():
    """[S2.1] The reference holds; ties away from zero are found, with the clause."""
    right = check_backend(msq.reference, ["roundclamp"])
    assert right.held()
    assert right.cases > 100

    def away(u, bits):
        codes = np.floor(np.asarray(u, np.float64) * 2**bits + 0.5)
        return np.minimum(codes, 2**bits - 1).astype(np.int32)

    wrong = check_backend(SimpleNamespace(roundclamp=away), ["roundclamp", "dorefa"], name="mine")
    assert not wrong.held()
    assert [entry.status for entry in wrong.operations] == ["failed", "not implemented"]
    first = wrong.operations[0].failures[0]
    assert any(clause.startswith("S2") for clause in first.clauses)
    assert "import mine" in first.reproduce or "mine" in first.reproduce


def test_unknown_names():
    """[S0.3]"""
    with pytest.raises(ValueError, match="roundclmp"):
        check_backend(msq.reference, ["roundclmp"])
    with pytest.raises(ValueError, match="level = 'fast'"):
        check_backend(msq.reference, ["roundclamp"], level="fast")
