"""Whole steps on a backend: right ones pass, a wrong one is told by its first wrong stage."""

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.record import record_of
from msq_ref.conformance.trajectory import check_trajectories
from tests.conformance.backends import but

NAMES = ("training_step", "trajectory")
OF_A_STEP = {
    "normalize", "normalize_signed", "normalize_backward", "normalize_signed_backward",
    "roundclamp", "dequantize", "effective", "effective_signed", "lsb", "lsb_l1", "lsb_l1_grad",
    "sgd_step",
}  # fmt: skip


def check(backend, name):
    with Guard(10.0) as guard:
        return list(check_trajectories(backend, name, "quick", 0, guard))


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
@pytest.mark.parametrize("name", NAMES)
def test_right_backends(backend, name):
    """[S12.1] Both domains, both dtypes; ten steps with a round of pruning that stops early."""
    results = check(backend, name)
    assert {result.status for result in results} == {"passed"}
    ids = [result.case.id for result in results]
    assert len(set(ids)) == len(ids)
    for part in ("offset", "signed", "float32", "float64"):
        assert any(part in id for id in ids)


WRONG = {
    "roundclamp": lambda u, n: np.minimum(reference.roundclamp(u, n) + 1, 2**n - 1),
    "lsb": lambda u, n, k: reference.roundclamp(u, n) % np.int32(2**k),
    "lsb_l1": lambda u, n, k: float(reference.lsb_l1_codes(u, n, k)),
    "lsb_l1_grad": lambda u, n, k: -reference.lsb_l1_grad(u, n, k),
    "dequantize": lambda c, n, dtype=np.float32: (c / 2**n).astype(dtype),
    "effective": lambda q, scale: reference.effective(q, 1.5 * scale),
    "effective_signed": lambda q, signs, scale: -reference.effective_signed(q, signs, scale),
    "normalize_backward": lambda g, w: reference.normalize_backward(g, w, False),
    "normalize_signed_backward": lambda g, w: reference.normalize_signed_backward(g, w, False),
    "sgd_step": lambda w, g, v, lr, mu, wd: reference.sgd_step(w, g, v, lr / 2, mu, wd),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_the_first_wrong_call_is_told(name, wrong):
    """[S12.1] Whatever follows from it is not what is reported."""
    failed = [r for r in check(but(**{wrong: WRONG[wrong]}), name) if r.status == "failed"]
    assert failed
    for result in failed:
        assert result.smallest.operation == wrong
        record = record_of(result, "mine")
        assert f"mine.{wrong}(" in record.reproduce
        assert record.clauses
        assert record.expected


def test_the_schedule_is_followed():
    """[S5.6] [S6.1] [S6.2] A wrong round shows where it is held."""
    late = check(but(prune_step=lambda bits, *rest: [n - 1 for n in bits]), "trajectory")
    greedy = check(but(assign_k=lambda omegas: [2] * len(omegas)), "trajectory")
    assert {r.status for r in (*late, *greedy)} == {"failed"}
    assert {r.smallest.operation for r in late} == {"prune_step"}
    assert {r.smallest.operation for r in greedy} == {"assign_k"}


@pytest.mark.parametrize("missing", sorted(OF_A_STEP))
def test_missing_operations_are_not_passed(missing):
    backend = but()
    delattr(backend, missing)
    statuses = {result.status for name in NAMES for result in check(backend, name)}
    assert "not implemented" in statuses
    assert "failed" not in statuses


def test_a_step_that_raises_or_returns_nothing():
    def raises(*_):
        raise ZeroDivisionError("no")

    for function, says in ((raises, "ZeroDivisionError: no"), (lambda *_: None, "nothing (None)")):
        results = check(but(roundclamp=function), "training_step")
        assert {result.status for result in results} == {"failed"}
        assert all(says in result.fault for result in results)
