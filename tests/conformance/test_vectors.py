"""The frozen vectors: true, whole, tended, and usable without this package."""

import json
import shutil
import subprocess
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.cli.vectors import app
from msq_ref.conformance.case import Raises
from msq_ref.conformance.runner import run_cases
from msq_ref.conformance.vectors import cases_from_vectors, vector_cases, vectors_folder
from msq_ref.conformance.vectors.flags import FLAGS
from msq_ref.conformance.vectors.folder import STEPS, read_json, read_operation
from msq_ref.contract import OPERATIONS
from msq_ref.formats.console import run_app
from tests.conformance.backends import NAMES
from tests.conformance.frozen import FOLDER, ROOT


@pytest.fixture(scope="module")
def vectors():
    return {name: read_operation(FOLDER, name) for name in NAMES}


# The folder as a whole.


def test_the_generator_writes_the_committed_files(tmp_path, capsys):
    """Byte for byte, nothing more and nothing less, into a folder that has no ledger yet."""
    assert run_app(app, "vectors", ["generate", str(tmp_path / "new" / "v1")]) == 0
    written = {p.relative_to(tmp_path / "new" / "v1").as_posix(): p for p in tmp_path.rglob("*.*")}
    written = {name: path for name, path in written.items() if path.is_file()}
    committed = {p.relative_to(FOLDER).as_posix(): p for p in FOLDER.rglob("*") if p.is_file()}
    assert sorted(written) == sorted(committed)
    different = [n for n, path in written.items() if path.read_bytes() != committed[n].read_bytes()]
    assert different == []
    assert f"{len(committed)} files written" in capsys.readouterr().out


def test_the_lint_finds_nothing(capsys):
    """Every value by the definition and by rational arithmetic, every id, flag and file."""
    assert run_app(app, "vectors", ["lint", str(FOLDER)]) == 0
    assert capsys.readouterr().out == "0 faults\n"


def test_all_files_are_in_canonical_form(capsys):
    assert run_app(app, "vectors", ["format", "--check"]) == 0
    assert capsys.readouterr().out == "0 files would change\n"


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10_000_000


def test_another_language_reads_them():
    """A Perl program with a RoundClamp of its own agrees, and one with ties away does not."""
    if shutil.which("perl") is None:
        pytest.skip("there is no perl here; git brings one on most machines")
    program = ROOT / "examples" / "vectors" / "roundclamp.pl"
    right = subprocess.run(["perl", program, FOLDER], capture_output=True, text=True)
    assert (right.returncode, right.stderr) == (0, "")
    wrong = program.read_text().replace("($rest == 0.5 && $low % 2)", "$rest == 0.5")
    assert wrong != program.read_text()
    done = subprocess.run(["perl", "-", FOLDER], input=wrong, capture_output=True, text=True)
    assert done.returncode == 1
    assert "roundclamp/vectors/1: a tie goes to the even code 0" in done.stdout


# What they cover.


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_has_enough_cases(vectors, name):
    legal = [vector for vector in vectors[name] if not vector.errors]
    illegal = [vector for vector in vectors[name] if vector.errors]
    assert len(legal) >= 30
    assert len(illegal) >= 5


@pytest.mark.parametrize(
    "name", [e.name for e in OPERATIONS if any(k in ("unit", "floats", "weights") for k in e.kinds)]
)
def test_both_float_types_occur(vectors, name):
    """[S0.3]"""
    dtypes = {
        value.dtype.name
        for vector in vectors[name]
        if not vector.errors
        for value in vector.arguments.values()
        if isinstance(value, np.ndarray)
    }
    assert {"float32", "float64"} <= dtypes


@pytest.mark.parametrize(
    "name", [e.name for e in OPERATIONS if "width" in e.kinds and "bits=" not in e.arguments]
)
def test_every_width_occurs(vectors, name):
    """[S0.2]"""
    key = "n_min" if name == "prune_step" else "bits"
    legal = [vector.arguments for vector in vectors[name] if not vector.errors]
    widths = {n for a in legal for n in (a["bits"] if key == "n_min" else [a["bits"]])}
    low = 2 if "k" in legal[0] else 1
    assert widths == set(range(low, 17))


@pytest.mark.parametrize(
    ("flag", "names"),
    [
        ("Tie", ("roundclamp", "dorefa", "lsb", "activation_codes", "requantize", "assign_k",
                 "prune_step")),
        ("BesideTie", ("roundclamp", "dorefa", "lsb", "activation_codes", "requantize")),
        ("Clamped", ("roundclamp", "activation_codes", "requantize")),
        ("CoarseClamped", ("lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad")),
        ("DtypeMatters", ("dorefa",)),
        ("Reciprocal", ("dequantize", "activation_codes", "normalize_signed")),
        ("MaximumTie", ("normalize_backward", "normalize_signed_backward")),
        ("AllZero", ("normalize", "normalize_signed", "normalize_backward")),
        ("Sum24", ("lsb_l1", "lsb_l1_codes")),
        ("Sum31", ("lsb_l1", "lsb_l1_codes")),
        ("Accumulator31", ("integer_linear", "integer_conv2d", "bitserial_linear")),
        ("Accumulator53", ("integer_linear", "integer_conv2d", "bitserial_linear")),
        ("Depthwise", ("integer_conv2d",)), ("Groups", ("integer_conv2d",)),
        ("Stride", ("integer_conv2d",)), ("Padding", ("integer_conv2d",)),
        ("PerChannel", ("requantize",)), ("DoubleRounding", ("requantize",)),
        ("FusedMultiplyAdd", ("sgd_step",)), ("Chunks", ("sensitivity",)),
        ("OrderMatters", ("effective", "sensitivity")), ("TargetReached", ("prune_step",)),
        ("SignedZero", ("roundclamp", "effective_signed", "sgd_step", "sensitivity")),
        ("Subnormal", ("roundclamp", "normalize", "effective", "sgd_step", "activation_codes")),
        ("Empty", tuple(name for name in NAMES if name != "prune_step")),
        ("TooLarge", ("integer_linear", "integer_conv2d", "bitserial_linear")),
    ],
)  # fmt: skip
def test_the_hard_spots_are_there(vectors, flag, names):
    assert [n for n in names if not any(flag in v.flags for v in vectors[n])] == []


def test_every_flag_is_used_and_every_clause_is_one_of_the_spec(vectors):
    assert {flag for found in vectors.values() for v in found for flag in v.flags} == set(FLAGS)
    spec = (ROOT / "docs" / "spec.md").read_text()
    clauses = {clause for found in vectors.values() for v in found for clause in v.clauses}
    assert [clause for clause in clauses if f"**{clause}**" not in spec] == []
    for entry in OPERATIONS:
        assert set(entry.clauses) <= clauses


# As cases for the runner.


def test_cases_have_stable_ids_in_order():
    cases = list(cases_from_vectors(FOLDER))
    ids = [case.id for case in cases]
    assert len(set(ids)) == len(ids)
    assert [case.operation for case in cases] == sorted(
        (case.operation for case in cases), key=NAMES.index
    )
    assert ids[:2] == ["normalize/vectors/1", "normalize/vectors/2"]
    some = list(vector_cases(["lsb", "compression"]))
    assert {case.operation for case in some} == {"lsb", "compression"}
    invalid = [case for case in cases if isinstance(case.expected, Raises)]
    assert len(invalid) == sum(
        case["result"] == "invalid"
        for name in NAMES
        for case in read_json(FOLDER / f"{name}.json")["cases"]
    )


@pytest.mark.parametrize("backend", ["reference", "kernels"])
def test_backends_pass(backend):
    module = __import__(f"msq_ref.{backend}", fromlist=["lsb"])
    results = list(run_cases(module, cases_from_vectors(FOLDER), 30.0))
    assert Counter(result.status for result in results) == {"passed": len(results)}


def _mistaken(name, function):
    return name, type("Wrong", (), {name: staticmethod(function)})


def _ties_away(u, bits):
    reference.roundclamp(u, bits)
    return np.minimum(np.floor(2.0**bits * np.asarray(u) + 0.5), 2**bits - 1).astype(np.int32)


def _narrow_sum(u, bits, k):
    return int(np.abs(reference.lsb(u, bits, k)).sum(dtype=np.float32))


def _narrow_integer_sum(u, bits, k):
    return int(np.abs(reference.lsb(u, bits, k)).sum(dtype=np.int32))


def _unordered(trace, quantized, weights):
    reference.sensitivity(trace, quantized, weights)
    difference = np.asarray(quantized, float) - np.asarray(weights, float)
    return trace * float(np.sqrt(np.square(difference).sum()))


def _reciprocal(codes, bits, dtype=np.float32):
    reference.dequantize(codes, bits, dtype)
    kind = np.dtype(dtype).type
    return np.asarray(np.asarray(codes).astype(dtype) * (kind(1) / kind(2**bits - 1)))


def _half_away(acc, multiplier, shift, zero_point, bits, signed):
    reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
    a, m, s, z = (np.asarray(v, dtype=object) for v in (acc, multiplier, shift, zero_point))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    code = np.where(a < 0, -1, 1) * ((abs(a) * m + 2 ** (s - 1)) // 2**s) + z
    return np.clip(code, low, high).astype(np.int32)


def _float_mean(omegas):
    reference.assign_k(omegas)
    return [2 if omega < sum(omegas) / len(omegas) else 1 for omega in omegas]


def _double_accumulator(x, codes, bits, signs=None):
    reference.integer_linear(x, codes, bits, signs)
    v = reference.integer_weights(codes, bits, signs)
    return (np.asarray(x).astype(float) @ v.astype(float)).astype(np.int64)


def _not_strict(bits, betas, ks, sizes, alpha, target, n_min):
    above = np.nextafter(np.asarray(alpha, float), np.inf).tolist()
    reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)
    return reference.prune_step(bits, betas, ks, sizes, above, target, n_min)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        _mistaken("roundclamp", _ties_away),
        _mistaken("lsb_l1_codes", _narrow_sum),
        _mistaken("lsb_l1_codes", _narrow_integer_sum),
        _mistaken("sensitivity", _unordered),
        _mistaken("dequantize", _reciprocal),
        _mistaken("requantize", _half_away),
        _mistaken("assign_k", _float_mean),
        _mistaken("integer_linear", _double_accumulator),
        _mistaken("prune_step", _not_strict),
    ],
)
def test_the_vectors_alone_find_a_mistake(name, backend):
    results = [
        result
        for result in run_cases(backend, cases_from_vectors(FOLDER, [name]), 30.0)
        if result.status == "failed"
    ]
    assert results
    # A mistake of the numbers, not of the error handling.
    assert all(not isinstance(result.case.expected, Raises) for result in results)


def test_the_list_counts_and_describes(vectors, capsys):
    assert run_app(app, "vectors", ["list"]) == 0
    out = capsys.readouterr().out
    bad = sum(bool(v.errors) for found in vectors.values() for v in found)
    total = sum(len(found) for found in vectors.values())
    assert all(name in out for name in NAMES)
    assert str(total - bad) in out
    assert run_app(app, "vectors", ["list", "lsb"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(vectors["lsb"])


def test_the_readme_shows_a_case_as_it_is():
    text = (FOLDER / "README.md").read_text()
    shown = json.loads(text.partition("```json")[2].partition("```")[0])
    assert shown in read_json(FOLDER / "lsb.json")["cases"]


def test_the_folder_of_the_repository_is_used_here():
    assert vectors_folder() == FOLDER
    assert isinstance(read_operation(FOLDER, "compression")[0].expected, Fraction)
    assert set(STEPS) == {"training_step", "trajectory"}
