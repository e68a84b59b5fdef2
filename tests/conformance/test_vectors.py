"""The frozen vectors: true, whole, tended, and usable without this package."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.cli.vectors import app
from msq_ref.conformance.case import Raises
from msq_ref.conformance.runner import run_cases
from msq_ref.conformance.vectors import cases_from_vectors, vector_cases, vectors_folder
from msq_ref.conformance.vectors.canonical import canonical, parse
from msq_ref.conformance.vectors.encoding import (
    Store,
    decode,
    encode,
    float_text,
    float_value,
    npy_bytes,
)
from msq_ref.conformance.vectors.flags import FLAGS
from msq_ref.conformance.vectors.folder import LEDGER, STEPS, read_json, read_operation
from msq_ref.conformance.vectors.ledger import Ledger, content_hash
from msq_ref.conformance.vectors.lint import JSON_FILES, lint
from msq_ref.contract import OPERATIONS
from msq_ref.formats.console import run_app

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "vectors" / "v1"
NAMES = [entry.name for entry in OPERATIONS]
SMALL = "compression.json"


@pytest.fixture(scope="module")
def vectors():
    return {name: read_operation(FOLDER, name) for name in NAMES}


@pytest.fixture
def copy(tmp_path):
    """Give a folder with what a lint of one small operation needs, and a function that edits."""
    folder = tmp_path / "v1"
    folder.mkdir()
    for name in (SMALL, LEDGER, "schema.json", "README.md"):
        shutil.copy(FOLDER / name, folder / name)
    return folder


def edit(path, change, text=None):
    document = read_json(path)
    change(document)
    path.write_text(canonical(document) if text is None else text(document))


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


def test_the_wheel_has_the_vectors(tmp_path):
    """They are found when the package is installed elsewhere, without the repository."""
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, *build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, cwd=tmp_path
    )
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import msq_ref\n"
        "from msq_ref.conformance.vectors import vector_cases, vectors_folder\n"
        "print(msq_ref.__file__); print(vectors_folder())\n"
        "print(sum(1 for _ in vector_cases(['roundclamp'])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(installed)],
        check=True, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    package, folder, count = done.stdout.splitlines()
    assert Path(package).is_relative_to(installed)
    assert Path(folder) == installed / "msq_ref" / "conformance" / "vectors_v1"
    assert int(count) == len(read_operation(FOLDER, "roundclamp"))
    names = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    found = [path for path in Path(folder).rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in found} == names


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


# Ids.


def test_an_id_keeps_its_content_and_is_not_given_again():
    """Whatever goes and comes back."""
    one, two, three = ({"arguments": {"bits": n}, "expected": n} for n in (1, 2, 3))
    first = Ledger({})
    assert [first.give("lsb", case) for case in (one, two)] == [1, 2]
    second = Ledger(first.document())
    assert second.give("lsb", three) == 3
    assert second.give("lsb", {**two, "comment": "said better", "flags": ["Tie"]}) == 2
    assert second.document()["files"]["lsb"]["retired"] == [1]
    third = Ledger(second.document())
    assert third.give("lsb", {"arguments": {"bits": 4}, "expected": 4}) == 4
    assert third.give("lsb", one) == 1
    assert third.document()["files"]["lsb"]["retired"] == [2, 3]
    assert third.document()["files"]["lsb"]["hashes"][:3] == [
        content_hash("lsb", case) for case in (one, two, three)
    ]


def test_the_ledger_was_only_ever_added_to():
    """Over the whole history of the repository."""
    log = ["git", "log", "--format=%H", "--", f"vectors/v1/{LEDGER}"]
    try:
        done = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no git history here")
    now = read_json(FOLDER / LEDGER)["files"]
    for commit in done.stdout.split():
        show = ["git", "show", f"{commit}:vectors/v1/{LEDGER}"]
        text = subprocess.run(show, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name, entry in json.loads(text)["files"].items():
            assert now[name]["hashes"][: len(entry["hashes"])] == entry["hashes"]


# The lint.


CHANGES = {
    "result of a case": (
        lambda d: d["cases"][0]["expected"].update(numerator=31),
        ("the definition disagrees", "rational arithmetic gives", "needs a new id"),
    ),
    "id twice": (lambda d: d["cases"][1].update(id=1), ("the id is there 2 times", "retired")),
    "unknown id": (lambda d: d["cases"][0].update(id=10**6), ("the id is not in ids.json",)),
    "undeclared flag": (lambda d: d["cases"][0]["flags"].append("Nonsense"), ("not declared",)),
    "unused flag": (lambda d: d["flags"].update(Tie=FLAGS["Tie"]), ("declared and not used",)),
    "other words for a flag": (lambda d: d["flags"].update(Typical="x"), ("not explained",)),
    "other spec": (lambda d: d.update(spec_version="0.9"), ("spec_version: not that",)),
    "other class": (lambda d: d.update(exactness="ulp<=1"), ("exactness: not that",)),
    "wrong intermediate": (
        lambda d: d["cases"][0]["intermediates"].update(weights=11), ("weights is not 10",),
    ),
    "missing intermediates": (
        lambda d: d["cases"][0].pop("intermediates"), ("intermediates: expected",),
    ),
    "no such error": (
        lambda d: d["cases"][-1].update(error="TypeError"), ("raises ValueError, not TypeError",),
    ),
    "legal called illegal": (
        lambda d: (d["cases"][0].update(result="invalid", error="ValueError"),
                   d["cases"][0].pop("expected"), d["cases"][0].pop("intermediates")),
        ("does not refuse it",),
    ),
    "illegal called legal": (
        lambda d: (d["cases"][-1].update(result="valid", expected=1), d["cases"][-1].pop("error")),
        ("the definition refuses it",),
    ),
    "missing argument": (lambda d: d["cases"][0]["arguments"].pop("bits"), ("missing ['bits']",)),
    "unknown argument": (lambda d: d["cases"][0]["arguments"].update(x=1), ("unknown ['x']",)),
    "large integer as a number": (
        lambda d: d["cases"][0]["arguments"].update(sizes=[2**53]), ("$.cases[0]",),
    ),
    "result that is no word": (lambda d: d["cases"][0].update(result="maybe"), ("$.cases[0]",)),
    "field too many": (lambda d: d["cases"][0].update(note="x"), ("'note' was unexpected",)),
    "no comment": (lambda d: d["cases"][0].update(comment=""), ("$.cases[0].comment",)),
    "clause that is none": (lambda d: d["cases"][0].update(clauses=["S"]), ("$.cases[0].clauses",)),
    "no cases": (lambda d: d.update(cases=[]), ("$.cases",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_the_lint_finds(copy, name):
    change, faults = CHANGES[name]
    edit(copy / SMALL, change)
    found = lint(copy, [SMALL, LEDGER])
    for fault in faults:
        assert any(fault in line for line in found), (fault, found)


def test_the_lint_accepts_the_copy(copy):
    found = lint(copy, [SMALL, LEDGER])
    # Only that the ledger knows files that are not looked at.
    assert found == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (lambda d: json.dumps(d), "not in canonical form"),
        (lambda d: canonical(d).replace('"bits": [1]', '"bits": [1.0]', 1), "1.0: a float must be"),
        (lambda d: canonical(d).replace('"id": 1,', '"id": 1, "id": 1,', 1), "'id' is there twice"),
        (lambda d: canonical(d).replace('"bits": [1]', '"bits": [NaN]', 1), "NaN"),
        (lambda d: canonical(d)[:-20], "not a file of vectors"),
        (lambda d: "[1, 2]", "expected a JSON object"),
        (lambda d: "", "not a file of vectors"),
    ],
)
def test_the_lint_reads_strictly(copy, text, fault):
    edit(copy / SMALL, lambda document: None, text)
    found = lint(copy, [SMALL, LEDGER])
    assert any(fault in line for line in found), found


def test_the_lint_says_what_is_missing_and_what_is_too_much(copy, capsys):
    (copy / "stray.txt").write_text("?")
    assert run_app(app, "vectors", ["lint", str(copy)]) == 1
    out = capsys.readouterr().out
    missing = [name for name in JSON_FILES if name not in (SMALL, LEDGER)]
    assert [name for name in missing if f"{name}: cannot read it" not in out] == []
    assert "stray.txt: no case needs it" in out


def test_a_changed_array_beside_the_file_is_seen(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "v1")
    victim = sorted((tmp_path / "v1" / "npy").iterdir())[0]
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    user = next(n for n in NAMES if victim.name in (FOLDER / f"{n}.json").read_text())
    assert any("its sha256 is" in line for line in lint(tmp_path / "v1", [f"{user}.json"]))
    with pytest.raises(ValueError, match="its sha256 is"):
        list(cases_from_vectors(tmp_path / "v1", [user]))


def test_the_formatter_mends_the_form_and_nothing_else(tmp_path, capsys):
    shutil.copytree(FOLDER, tmp_path / "v1")
    victim = tmp_path / "v1" / SMALL
    document = json.loads(victim.read_text())
    document["cases"].reverse()
    victim.write_text(json.dumps(dict(reversed(document.items())), indent=7))
    arguments = ["format", str(tmp_path / "v1")]
    assert run_app(app, "vectors", [*arguments, "--check"]) == 1
    assert f"{SMALL}: not in canonical form" in capsys.readouterr().out
    assert run_app(app, "vectors", arguments) == 0
    assert run_app(app, "vectors", [*arguments, "--check"]) == 0
    assert victim.read_bytes() == (FOLDER / SMALL).read_bytes()


def test_bad_usage_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for arguments in (
        ["lint", str(tmp_path / "nowhere")],
        ["format", str(tmp_path / "nowhere")],
        ["format", str(tmp_path)],
        ["generate", str(tmp_path / "file" / "v1")],
        ["list", "rounddamp"],
    ):
        assert run_app(app, "vectors", arguments) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
    assert "did you mean 'roundclamp'" in error


def test_the_list_counts_and_describes(vectors, capsys):
    assert run_app(app, "vectors", ["list"]) == 0
    out = capsys.readouterr().out
    bad = sum(bool(v.errors) for found in vectors.values() for v in found)
    total = sum(len(found) for found in vectors.values())
    assert all(name in out for name in NAMES)
    assert str(total - bad) in out
    assert run_app(app, "vectors", ["list", "lsb"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(vectors["lsb"])


# Values.


numbers = st.one_of(st.floats(width=32), st.floats())


@given(numbers)
def test_floats_keep_every_bit(value):
    text = float_text(value)
    back = float_value(text)
    assert np.float64(back).tobytes() == np.float64(value).tobytes() or value != value
    assert float(text) if text in ("inf", "-inf", "nan") else float.fromhex(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0x0p+0"), (-0.0, "-0x0p+0"), (1.0, "0x1p+0"), (0.1875, "0x1.8p-3"),
        (5e-324, "0x0.0000000000001p-1022"), (2.0**-149, "0x1p-149"),
        (1e308, "0x1.1ccf385ebc8ap+1023"),
        (float("nan"), "nan"), (float("-inf"), "-inf"),
    ],
)  # fmt: skip
def test_floats_are_written_as_c_writes_them(value, text):
    assert float_text(value) == text


@pytest.mark.parametrize(
    "text",
    ["0x1.80p-3", "0x1.8p-03", "0x1.8p3", "0X1P+0", "1.5", "0x3p+0", "+0x1p+0", "", "infinity",
     "NaN", "0x1.p+0", "0x0.8p-1", " 0x1p+0"],
)  # fmt: skip
def test_floats_have_one_form(text):
    with pytest.raises(ValueError, match="expected"):
        float_value(text)


arrays = st.tuples(
    st.sampled_from(["float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 2**32),
)
values = st.one_of(
    st.integers(-(2**80), 2**80), st.booleans(), st.none(), numbers,
    st.fractions(), st.lists(st.integers(-(2**60), 2**60)), st.lists(numbers),
    st.sampled_from(["float32", "float64"]),
)  # fmt: skip


@given(arrays)
def test_arrays_come_back(drawn):
    dtype, shape, seed = drawn
    size = int(np.prod(shape))
    raw = np.random.default_rng(seed).bytes(size * np.dtype(dtype).itemsize)
    bits = np.frombuffer(raw, dtype if dtype != "bool" else "uint8")
    array = (bits % 2 == 1 if dtype == "bool" else bits).reshape(shape)
    for threshold in (1000, 0):
        store = Store(threshold=threshold)
        text = json.dumps(encode(array, store))
        files = {}
        for name, content in store.files.items():
            files[name] = _loaded(content)
        back = decode(parse(text, "test"), files)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")
        assert np.array_equal(np.signbit(back), np.signbit(array)) if dtype[0] == "f" else True


def _loaded(content):
    return np.load(io.BytesIO(content), allow_pickle=False)


@given(values)
def test_other_values_come_back(value):
    back = decode(parse(json.dumps(encode(value, Store())), "test"), {})
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        {"dtype": "float32", "shape": [1], "data": ["0x1.999999999999ap-4"]},
        {"dtype": "int32", "shape": [1], "data": ["0x1p+0"]},
        {"dtype": "int8", "shape": [1], "data": [128]},
        {"dtype": "float64", "shape": [1], "data": [1]},
        {"dtype": "int32", "shape": [2], "data": [1]},
        {"dtype": "int32", "shape": [1], "data": [True]},
        {"dtype": "complex64", "shape": [0], "data": []},
        {"npy": "npy/none.npy", "sha256": "", "dtype": "int8", "shape": []},
        {"nothing": 1}, "12", 2**53, "0x1.0p+0",
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        decode(value, {})


def test_npy_files_are_as_numpy_reads_them():
    for array in (np.arange(6, dtype=np.int16).reshape(2, 3), np.array(1.5), np.zeros((0, 2))):
        for order in (array, np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">"))):
            content = npy_bytes(order)
            back = _loaded(content)
            assert np.array_equal(back, order)
            assert back.shape == order.shape
            assert (len(content) - array.nbytes) % 64 == 0


def test_the_readme_shows_a_case_as_it_is():
    text = (FOLDER / "README.md").read_text()
    shown = json.loads(text.partition("```json")[2].partition("```")[0])
    assert shown in read_json(FOLDER / "lsb.json")["cases"]


def test_the_folder_of_the_repository_is_used_here():
    assert vectors_folder() == FOLDER
    assert isinstance(read_operation(FOLDER, "compression")[0].expected, Fraction)
    assert set(STEPS) == {"training_step", "trajectory"}
