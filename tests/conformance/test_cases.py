"""The kit's cases: always the same, where mistakes hide, and right backends pass them."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.conformance.case import Case, Value, paste
from msq_ref.conformance.cases import LEVELS, generate
from msq_ref.conformance.runner import run_cases
from msq_ref.contract import OPERATIONS
from tests.conformance.backends import NAMES, SLICED


def same(one, other):
    if isinstance(one, np.ndarray):
        if one.dtype == object:
            return other.dtype == object and one.tolist() == other.tolist()
        if one.dtype == np.longdouble:  # some of its bytes are no part of the number
            return other.dtype == one.dtype and np.array_equal(one, other)
        return (one.dtype, one.shape) == (other.dtype, other.shape) and (
            one.tobytes() == other.tobytes()
        )
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


def test_the_same_arguments_give_the_same_cases(quick):
    """Ids, arguments, expectations and layouts, to the bit."""
    for name, cases in quick.items():
        for one, other in zip(cases, generate([name], "quick", 0), strict=True):
            assert (one.id, one.layout, one.clauses) == (other.id, other.layout, other.clauses)
            assert same(one.required, other.required), one.id
            assert list(one.optional) == list(other.optional)
            assert all(same(one.optional[key], other.optional[key]) for key in one.optional)
            if isinstance(one.expected, Value):
                assert same(one.expected.value, other.expected.value), one.id


def test_ids_are_unique_and_say_where_they_belong(quick):
    ids = [case.id for cases in quick.values() for case in cases]
    assert len(set(ids)) == len(ids)
    assert all(case.id.startswith(f"{name}/") for name, cases in quick.items() for case in cases)
    assert all(" " not in id and id.isascii() for id in ids)


def test_ids_do_not_depend_on_the_seed(quick):
    """The random numbers do."""
    for name in ("roundclamp", "requantize", "sensitivity", "prune_step"):
        others = list(generate([name], "quick", 7))
        assert [case.id for case in others] == [case.id for case in quick[name]]
        assert any(
            not same(one.required, other.required)
            for one, other in zip(quick[name], others, strict=True)
        )


def test_an_operation_gets_the_same_cases_in_whatever_company(quick):
    """In the contract's order, whichever order is asked for."""
    some = list(generate(["sgd_step", "lsb", "compression"], "quick", 0))
    expected = [case.id for name in ("lsb", "compression", "sgd_step") for case in quick[name]]
    assert [case.id for case in some] == expected


def test_each_level_has_the_cases_of_the_one_before(quick):
    for name in ("assign_k", "dequantize", "sensitivity", "sgd_step"):
        full = {case.id for case in generate([name], "full", 0)}
        assert {case.id for case in quick[name]} < full
    assert LEVELS == ("quick", "full", "deep")


def test_cases_come_lazily():
    """The deep level would take minutes to make."""
    first = list(itertools.islice(generate(NAMES, "deep", 0), 3))
    assert [case.operation for case in first] == ["normalize"] * 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((["nonsense"], "quick", 0), "nonsense"),
        ((["lsb"], "slow", 0), "slow"),
        ((["lsb"], "quick", -1), "seed"),
        ((["lsb"], "quick", True), "seed"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, says):
    with pytest.raises(ValueError, match=says):
        generate(*arguments)


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_right_backends_pass(backend):
    statuses = {}
    for result in run_cases(backend, generate(NAMES, "quick", 0), 30.0):
        statuses.setdefault(result.status, []).append((result.case.id, result.fault))
    assert list(statuses) == ["passed"], [statuses.get("failed", [])[:5], list(statuses)]


def test_another_seed_passes_too():
    names = [name for name in NAMES if name not in SLICED]
    results = list(run_cases(reference, generate(names, "quick", 12345), 30.0))
    assert {result.status for result in results} == {"passed"}


def test_every_argument_is_tried_with_illegal_values(quick):
    """[S0.2] [S0.3] Flags apart: what is no boolean is left open."""
    for entry in OPERATIONS:
        wrong = [case.id.split("/")[2] for case in quick[entry.name] if "/invalid/" in case.id]
        for argument in (*entry.required, *entry.optional):
            if entry.kind_of(argument).name != "flag":
                assert wrong.count(argument) > 5, (entry.name, argument)


def test_what_the_spec_says_of_errors_is_asked_for(quick):
    """[S0.2] [S0.3] A width: ValueError; integers for floats: TypeError; NaN: ValueError."""
    for cases in quick.values():
        for case in cases:
            if "/invalid/" not in case.id:
                continue
            kind = case.id.split("/")[2:4]
            if len(kind) < 2:
                continue
            no_width = ("float-7.0", "bool-true", "str-7", "nonetype-none")
            if kind[0] == "bits" and kind[1] in no_width:
                assert case.expected.errors == (ValueError,), case.id
            if kind[1].startswith("dtype-int") and kind[0] in ("u", "w", "q", "quantized"):
                assert case.expected.errors == (TypeError,), case.id
            if "nan" in kind[1] and kind[0] in ("u", "w", "q", "x", "grad"):
                assert case.expected.errors == (ValueError,), case.id


def test_every_case_names_its_clauses(quick):
    """Those of the operation, or narrower ones, of the spec."""
    for cases in quick.values():
        for case in cases:
            assert case.clauses
            assert all(clause[0] == "S" and clause[1:2].isdigit() for clause in case.clauses)


def test_pasted_lines_repeat_the_call(quick):
    """Arrays in any layout, scalars of any type, to the bit; long constant arrays stay short."""
    for name, cases in quick.items():
        chosen = [case for case in cases if isinstance(case.expected, Value)]
        chosen = [
            case for case in chosen
            if sum(v.size for v in case.required if isinstance(v, np.ndarray)) < 4000
        ]  # fmt: skip
        laid_out = {case.layout: case for case in chosen}
        for case in [*chosen[:: max(len(chosen) // 12, 1)], *laid_out.values()]:
            line = paste(case, "msq_ref.reference")
            space = {}
            exec(line.replace("print(repr(", "result = ((", 1), space)
            found = space["result"]
            assert same(np.asarray(found), np.asarray(case.expected.value)) or same(
                found, case.expected.value
            ), case.id
        assert cases[0].operation == name
    long = Case("x", "lsb_l1_codes", (np.ones(150_001, np.float32), 16, 15), Value(0))
    assert len(paste(long, "m")) < 300
