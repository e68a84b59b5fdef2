"""The kit's properties: right backends have them, wrong ones do not, and they are repeatable."""

import importlib
import time

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.properties import PROPERTIES, check_properties
from msq_ref.conformance.record import record_of
from tests.conformance.backends import NAMES, but


def check(backend, names, seed=0, limit=10.0):
    with Guard(limit) as guard:
        return list(check_properties(backend, names, "quick", seed, guard))


def failures(backend, names, seed=0, limit=10.0):
    return [result for result in check(backend, names, seed, limit) if result.status == "failed"]


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_right_backends_have_them_all(backend):
    results = check(backend, NAMES)
    assert {result.status for result in results} == {"passed"}
    ids = [result.case.id for result in results]
    assert len(set(ids)) == len(ids) == len(PROPERTIES)


def test_another_seed_passes_too():
    assert failures(reference, NAMES, seed=99) == []


def test_every_operation_has_some_and_each_names_its_clauses():
    for name in NAMES:
        names = [entry.name for entry in PROPERTIES if entry.operation == name]
        assert {"definition", "called-again"} < set(names), name
    for entry in PROPERTIES:
        assert all(clause[0] == "S" and clause[1].isdigit() for clause in entry.clauses)
        assert entry.statement
        assert entry.operation not in entry.needs
    cited = {clause for entry in PROPERTIES for clause in entry.clauses}
    assert {"S0.1", "S0.4", "S0.5", "S2.5", "S3.2", "S4.2", "S5.6", "S6.2", "S9.3", "S9.4"} < cited


def _int32_products(x, codes, bits, signs=None):
    v = reference.integer_weights(codes, bits, signs).astype(np.int32)
    reference.integer_linear(x, codes, bits, signs)
    return (np.asarray(x).astype(np.int32) @ v).astype(np.int64)


WRONG = {
    "dequantize": lambda c, n, dtype="float32": (
        reference.dequantize(c, n, dtype) * np.dtype(dtype).type(1 + 1e-7)),
    "effective": lambda q, s: np.asarray(reference.effective(q, s) + q.dtype.type(1e-3)),
    "effective_signed": lambda q, signs, s: np.abs(reference.effective_signed(q, signs, s)),
    "lsb_l1_grad": lambda u, n, k: -reference.lsb_l1_grad(u, n, k),
    "lsb_nonzero_rate": lambda u, n, k: 1 - reference.lsb_nonzero_rate(u, n, k),
    "lsb_l1": lambda u, n, k: reference.lsb_l1(u, n, k) * 2,
    "lsb_l1_codes": lambda u, n, k: reference.lsb_l1_codes(u, n, k) + 1,
    "normalize": lambda w: np.tanh(w),
    "normalize_signed": lambda w: reference.normalize_signed(np.asarray(w)) * w.dtype.type(0.9),
    "normalize_backward": lambda g, w, max_gradient=True: reference.normalize_backward(g, w, False),
    "normalize_signed_backward": lambda g, w, max_gradient=True:
        reference.normalize_signed_backward(g, w, False),
    "from_bit_planes": lambda planes, signed=False: reference.from_bit_planes(planes),
    "sensitivity": lambda trace, q, w: abs(reference.sensitivity(trace, q, w)),
    "assign_k": lambda omegas: [1 if k == 2 else 2 for k in reference.assign_k(omegas)],
    "prune_step": lambda bits, betas, ks, sizes, alpha, target, n_min: reference.prune_step(
        bits, betas, ks, sizes, alpha, float("inf"), n_min),
    "compression": lambda sizes, bits: reference.compression(sizes, bits) * 1,
    "activation_codes": lambda x, s, n, signed: reference.activation_codes(x, s, n, True),
    "integer_weights": lambda codes, n, signs=None: reference.integer_weights(codes, n),
    "integer_linear": _int32_products,
    "integer_conv2d": lambda x, codes, n, stride=1, padding=0, groups=1, signs=None:
        reference.integer_conv2d(x, codes, n, 1, padding, groups, signs),
    "bitserial_linear": lambda x, planes, signed=False: reference.bitserial_linear(x, planes),
    "sgd_step": lambda w, g, v, lr, mu, wd: reference.sgd_step(w, g, v, lr, mu, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in WRONG if name != "compression"])
def test_wrong_functions_fail(name):
    """The report has a call of the operation itself, small, that repeats it."""
    found = failures(but(**{name: WRONG[name]}), [name])
    assert len(found) > 1
    for result in found:
        assert result.smallest.operation == name
        assert result.case.id.startswith(f"{name}/property/")
        record = record_of(result, "mine")
        assert f"mine.{name}(" in record.reproduce
        assert len(record.reproduce) < 3000 or result.case.id.endswith("/threads")
        assert record.clauses


def test_an_error_and_nothing_are_told():
    def raises(*_):
        raise ZeroDivisionError("no")

    for function, says in ((raises, "ZeroDivisionError: no"), (lambda *_: None, "None")):
        found = failures(but(roundclamp=function), ["roundclamp"])
        assert {says in result.fault for result in found} == {True}


def test_the_same_seed_makes_the_same_calls():
    def recorded(seed):
        calls = []

        def lsb(u, n, k):
            calls.append((u.tobytes(), u.shape, n, k))
            return reference.lsb(u, n, k)

        check(but(lsb=lsb), ["lsb"], seed)
        return calls

    assert recorded(3) == recorded(3)
    assert recorded(3) != recorded(4)


def test_loaded_modules_do_not_change_the_calls(tmp_path, monkeypatch):
    """Hypothesis reads constants in the source of local modules; the kit's arguments must not."""
    seen = []

    def recording(u, bits):
        seen.append((np.asarray(u).tobytes(), bits))
        return reference.roundclamp(u, bits)

    def calls():
        seen.clear()
        assert failures(but(roundclamp=recording), ["roundclamp"]) == []
        return list(seen)

    before = calls()
    numbers = ", ".join(str(0.25 + i / 1013) for i in range(400))
    (tmp_path / "msq_local_numbers.py").write_text(f"NUMBERS = [{numbers}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("msq_local_numbers")
    assert calls() == before
    assert len(before) > 20


def test_missing_operations():
    """Its own: not implemented; another it needs: skipped, and told."""
    backend = but()
    del backend.lsb
    assert {result.status for result in check(backend, ["lsb"])} == {"not implemented"}
    results = check(backend, ["lsb_l1_grad"])
    skipped = [result for result in results if result.status == "skipped"]
    assert [result.fault for result in skipped] == ["needs lsb, which the backend has not"]
    assert {result.status for result in results} == {"passed", "skipped"}

    def nothing(*_):
        raise NotImplementedError

    statuses = {result.status for result in check(but(lsb=nothing), ["lsb"])}
    assert statuses == {"not implemented"}


def test_a_call_that_does_not_return_ends_the_search_at_once():
    def hangs(u, n):
        time.sleep(60)

    found = failures(but(roundclamp=hangs), ["roundclamp"], limit=0.05)
    assert found
    assert all("no answer within" in result.fault for result in found)


def test_a_backend_that_is_not_the_same_twice_fails():
    count = 0

    def moody(u, n):
        nonlocal count
        count += 1
        codes = reference.roundclamp(u, n)
        return codes + np.int32(1) if count % 3 == 0 else codes

    assert failures(but(roundclamp=moody), ["roundclamp"])


def test_a_backend_that_depends_on_the_number_of_threads_fails(monkeypatch):
    """[S0.5] Here it asks how many there are."""
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def many():
        counts = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        return max(counts, default=1) > 1

    if not many():
        pytest.skip("one processor, or no library with threads: nothing to limit")

    def sums(trace, q, w):
        value = reference.sensitivity(trace, q, w)
        if np.size(q) < 100_000:
            return value
        return value if many() else float(np.nextafter(value, np.inf))

    found = failures(but(sensitivity=sums), ["sensitivity"])
    assert [result.case.id for result in found] == ["sensitivity/property/threads"]


def test_backends_that_flush_subnormal_numbers_are_spared_them():
    """[S0.3] If they say so."""

    def flushed(w):
        u = reference.normalize_signed(w)
        return np.asarray(np.where(u < np.finfo(u.dtype).tiny, u.dtype.type(0), u))

    declared = but(normalize_signed=flushed, flushes_subnormals=True)
    assert failures(declared, ["normalize_signed"]) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((["nonsense"], "quick", 0), "nonsense"), ((["lsb"], "slow", 0), "slow"),
     ((["lsb"], "quick", -1), "seed")],
)  # fmt: skip
def test_bad_arguments_are_refused(arguments, says):
    with Guard(1.0) as guard, pytest.raises(ValueError, match=says):
        list(check_properties(reference, *arguments, guard))
