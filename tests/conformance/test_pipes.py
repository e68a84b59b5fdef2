"""Cases through pipes: written, answered by programs in other languages, judged."""

import functools
import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.cli.pipes import register
from msq_ref.conformance.case import Raises
from msq_ref.conformance.line_reading import arguments_of, read_answer
from msq_ref.conformance.lines import SCALAR, NotALine, answer_text, case_text, line_format
from msq_ref.conformance.pipes import CASES, ver
from msq_ref.conformance.pipes import gen as generated
from msq_ref.conformance.vectors import vector_cases
from msq_ref.contract import OPERATIONS, operation
from msq_ref.formats.console import run_app

ROOT = Path(__file__).parents[2]
PIPES = ROOT / "examples" / "pipes"
NAMES = [entry.name for entry in OPERATIONS]
gen = functools.cache(generated)

MAIN = (
    "import typer; from msq_ref.cli.pipes import register; "
    "from msq_ref.formats.console import run_app; "
    "app = typer.Typer(pretty_exceptions_enable=False); register(app); "
    "raise SystemExit(run_app(app, 'msq'))"
)


def answered(name, line, backend=reference):
    """Answer a line as a program would."""
    if line.startswith("#"):
        return line
    entry = operation(name)
    arguments = arguments_of(entry, line)
    required = [arguments[key] for key in entry.required]
    optional = {key: value for key, value in arguments.items() if key in entry.optional}
    try:
        value = getattr(backend, name)(*required, **optional)
    except (TypeError, ValueError):
        return f"{line} = error"
    return f"{line} = {answer_text(entry, value)}"


@pytest.fixture(scope="module")
def stream():
    """Give a right stream of requantizations."""
    return [answered("requantize", line) for line in gen("requantize")]


def faults(name, lines):
    return [str(fault) for fault in ver(name, lines).faults]


# Writing.


@pytest.mark.parametrize("name", NAMES)
def test_a_right_stream_holds(name):
    lines = gen(name, invalid=True)
    verdict = ver(name, [answered(name, line) + "\n" for line in lines])
    assert verdict.faults == []
    assert verdict.held()
    assert verdict.cases == len(lines) - 2
    assert min(100, CASES["quick"][1]) <= verdict.cases <= CASES["quick"][name not in SCALAR]


def test_the_same_seed_gives_the_same_lines_and_another_does_not():
    for name in ("lsb", "prune_step"):
        assert generated(name, "quick", 3) == generated(name, "quick", 3)
        assert generated(name, "quick", 3) != generated(name, "quick", 4)
    assert len(generated("prune_step", "full")) > len(generated("prune_step", "quick"))


def test_every_width_and_both_types_are_in_a_quick_stream():
    """[S0.2] [S0.3]"""
    fields = [line.split() for line in gen("roundclamp")[1:-1]]
    assert {field[2] for field in fields} == {str(n) for n in range(1, 17)}
    assert {field[0] for field in fields} == {"f32", "f64"}


def test_the_kernels_hold_too():
    from msq_ref import kernels

    for name in ("roundclamp", "requantize", "normalize", "integer_conv2d"):
        assert ver(name, [answered(name, line, kernels) for line in gen(name)]).held()


def test_a_wrong_backend_does_not():
    """One plausible mistake in each form of answer."""
    wrong = type("Wrong", (), {
        "roundclamp": staticmethod(lambda u, n: np.minimum(np.floor(2.0**n * u + 0.5), 2**n - 1)
                                   .astype(np.int32)),
        "effective": staticmethod(lambda q, s: np.asarray(-reference.effective(q, s))),
        "compression": staticmethod(lambda sizes, bits: reference.compression(sizes[:1], bits[:1])),
        "prune_step": staticmethod(lambda bits, *others: list(bits)),
        "bit_planes": staticmethod(lambda c, n, s: reference.bit_planes(c, n, s)[::-1].copy()),
        "sgd_step": staticmethod(lambda *a: reference.sgd_step(*a)[::-1]),
        "lsb_l1": staticmethod(lambda u, n, k: 2 * reference.lsb_l1(u, n, k)),
        "normalize": staticmethod(lambda w: np.asarray(reference.normalize(w)
                                                       + w.dtype.type(1e-6))),
    })  # fmt: skip
    for name in (name for name in vars(wrong) if not name.startswith("_")):
        verdict = ver(name, [answered(name, line, wrong) for line in gen(name)])
        assert not verdict.held()
        entry = operation(name)
        assert all(f"[{entry.clauses[0]}]" in fault.text for fault in verdict.faults)


def test_the_table_of_the_documentation_is_that_of_the_code():
    text = (ROOT / "docs" / "pipes.md").read_text()
    for entry in OPERATIONS:
        shown = line_format(entry).replace("|", "\\|")
        assert f"| `{entry.name}` | `{shown}` | `" in text


# Lines.


@pytest.mark.parametrize("name", NAMES)
def test_lines_keep_every_value(name):
    """What is read is what was written, to the bit."""
    entry, written = operation(name), 0
    for line in gen(name)[1:-1]:
        arguments = arguments_of(entry, line)
        assert case_text(entry, arguments) == line
        written += 1
    assert written


def test_vectors_come_back_from_their_lines():
    """Not only lines, values too."""
    checked = 0
    for case in vector_cases(["normalize", "prune_step", "integer_linear"]):
        entry = operation(case.operation)
        arguments = dict(zip(entry.required, case.required, strict=True))
        if "signs" in entry.optional:
            arguments["signs"] = case.optional.get("signs")
        if isinstance(case.expected, Raises):
            continue
        back = arguments_of(entry, case_text(entry, arguments))
        for key, value in arguments.items():
            if key == "alpha" and not isinstance(value, list):
                value = [value] * len(arguments["bits"])
            assert np.array_equal(back[key], value) or (back[key] is None and value is None)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                assert back[key].tobytes() == value.tobytes()
        answer = answer_text(entry, case.expected.value)
        assert answer_text(entry, read_answer(entry, answer, case.expected.value)) == answer
        checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("roundclamp", {"u": np.zeros(2), "bits": 3}),
        ("roundclamp", {"u": np.float16(0.5), "bits": 3}),
        ("roundclamp", {"u": np.array(1), "bits": 3}),
        ("roundclamp", {"u": np.array(0.5), "bits": 3.0}),
        ("roundclamp", {"u": np.array(0.5), "bits": True}),
        ("compression", {"sizes": [2**64], "bits": [3]}),
        ("effective_signed", {"q": np.array(0.5), "signs": np.array(-0.0), "scale": 1.0}),
        ("effective", {"q": np.array(0.5), "scale": None}),
        ("effective", {"q": np.array(0.5), "scale": 2**53 + 1}),
        ("dequantize", {"codes": np.array(1), "bits": 3, "dtype": "nonsense"}),
        ("bit_planes", {"codes": np.array([1]), "bits": 3, "signed": 1}),
        ("assign_k", {"omegas": 1.0}),
    ],
)
def test_what_has_no_text_is_not_written(name, arguments):
    with pytest.raises(NotALine):
        case_text(operation(name), arguments)


# Faults of a stream.


def changed(stream, index, text):
    return [*stream[:index], text, *stream[index + 1 :]]


def test_a_cut_stream_is_a_failure(stream):
    """Wherever it is cut."""
    for end in (0, 1, 2, len(stream) // 2, len(stream) - 1):
        verdict = ver("requantize", stream[:end])
        assert not verdict.held()
        assert any("cut short" in f.text or "empty" in f.text for f in verdict.faults)
    text = "\n".join(stream) + "\n"
    for end in (5, 40, len(text) // 2, len(text) - 10, len(text) - 2):
        assert not ver("requantize", io.StringIO(text[:end])).held()
    assert ver("requantize", io.StringIO(text)).held()
    assert ver("requantize", io.StringIO(text.replace("\n", "\r\n"))).held()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda s: s[1:], "line 1: "),
        (lambda s: [], "the stream is empty"),
        (lambda s: changed(s, 0, "#msq 2 requantize 1 -"), "expected the header"),
        (lambda s: changed(s, 0, s[0].replace("requantize", "lsb")), "of lsb, not of requantize"),
        (lambda s: s[:5] + s[6:], "cases came, the header promised"),
        (lambda s: [*s[:5], s[4], *s[5:]], "cases came, the header promised"),
        (lambda s: [*s[:4], s[5], s[4], *s[6:]], "their digest differs"),
        (lambda s: changed(s, 7, s[8]), "their digest differs"),
        (lambda s: changed(s, 7, s[7].split(" = ")[0]), "line 8: "),
        (lambda s: changed(s, 7, s[7] + " 1"), "expected nothing more"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= "), "it ends too early"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 0x3"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 3.0"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 1_0"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + f"= {2**31}"), "expected an int32"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= error"), "got 'error'"),
        (lambda s: changed(s, 7, s[7] + " = " + s[7]), "line 8: "),
        (lambda s: changed(s, 7, "garbage"), "line 8: 'garbage': not a case"),
        (lambda s: changed(s, 7, ""), "line 8: '': not a case"),
        (lambda s: changed(s, 7, "# a remark"), "line 8: '# a remark'"),
        (lambda s: changed(s, 7, s[-1]), "line 8: "),
        (lambda s: [*s, s[-1]], "expected nothing after the trailer"),
        (lambda s: [*s, ""], "expected nothing after the trailer"),
        (lambda s: changed(s, -1, "#end 3"), "the trailer has 3"),
        (lambda s: changed(s, -1, "#end"), "expected a case or the trailer"),
        (lambda s: ["#msq 1 requantize 0 -", "#end 0"], "no case was judged"),
    ],
)
def test_a_fault_is_named(stream, change, fault):
    verdict = ver("requantize", change(stream))
    assert not verdict.held()
    assert any(fault in str(found) for found in verdict.faults), verdict.faults[:5]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("0x1.8p-3", ""), ("0X1.8P-3", ""), ("0x3p-4", ""), ("0x0.3p0", ""), ("+0x18p-7", ""),
        ("0.1875", "expected a float in hexadecimal"), ("0x1.8000000001p-3", "expected a float32"),
        ("0x1.80002p-3", "expected 0x1.8p-3"), ("-0x1.8p-3", "expected 0x1.8p-3"),
        ("nan", "expected 0x1.8p-3"), ("-inf", "expected 0x1.8p-3"), ("0xp0", "hexadecimal"),
        ("0x1p99999", "hexadecimal"), ("1e5", "hexadecimal"), ("3", "hexadecimal"), ("", "early"),
    ],
)  # fmt: skip
def test_floats_are_read_as_c_writes_them(answer, fault):
    """Any form of the same number; nothing that is not it to the bit."""
    lines = ["#msq 1 effective 1 -", f"f32 0x1.cp-1 0x1p-2 = {answer}", "#end 1"]
    found = faults("effective", lines)
    assert bool(found) == bool(fault)
    assert all(fault in line for line in found)


def test_the_sign_of_a_zero_counts():
    """[S1.4]"""
    case = "f64 0x0p+0 -1 0x1p+0"
    for answer, holds in (("-0x0p+0", True), ("0x0p+0", False)):
        lines = ["#msq 1 effective_signed 1 -", f"{case} = {answer}", "#end 1"]
        assert ver("effective_signed", lines).held() is holds


def test_illegal_calls_are_to_be_refused():
    """[S0.2] [S0.3]"""
    for case in ("f32 nan 3", "f64 0x1.8p+0 3", "f32 0x1p-1 0", "f32 0x1p-1 17", "f32 -0x1p-1 3"):
        for answer, holds in (("error", True), ("0", False)):
            lines = ["#msq 1 roundclamp 1 -", f"{case} = {answer}", "#end 1"]
            assert ver("roundclamp", lines).held() is holds


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("f32 9 1 1 1 = 9 1 1 1", "at most 8 axes"),
        ("f32 1 -1 = 0", "expected a length"),
        ("f32 2 9999999 9999999 = 0", "at most 10^7"),
        ("f32 1 3 0x1p+0 0x1p+0 = 0", "too early"),
        ("f16 0 0x1p+0 = 0", "expected f32 or f64"),
        ("f32 1 1 0x1p+0 = 0 0x1p+0", "expected 1 1 0x1p+0"),
        ("f32 1 1 0x1p+0 = 2 1 1 0x1p+0", "expected 1 1 0x1p+0"),
    ],
)
def test_shapes_are_judged(line, fault):
    found = faults("normalize", ["#msq 1 normalize 1 -", line, "#end 1"])
    assert any(fault in text for text in found)


@given(st.sampled_from(NAMES), st.lists(st.text(max_size=60), max_size=4))
def test_garbage_is_never_right_and_never_a_crash(name, lines):
    for whole in (lines, [f"#msq 1 {name} {len(lines)} -", *lines, f"#end {len(lines)}"]):
        verdict = ver(name, whole)
        assert verdict.faults
        assert not verdict.held()


@given(st.sampled_from(NAMES), st.text("f326401x.p+-= \tnaierox", max_size=40))
def test_near_garbage_neither(name, line):
    verdict = ver(name, [f"#msq 1 {name} 1 -", line, "#end 1"])
    assert verdict.held() is not bool(verdict.faults)


# Programs.


def program(source, folder):
    """Compile a C program."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    folder.mkdir(exist_ok=True)
    (folder / "program.c").write_text(source)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2"]
    out = folder / "program"
    subprocess.run([compiler, *flags, "-o", out, folder / "program.c", "-lm"], check=True)
    return [str(out)]


def perl(source, folder):
    if shutil.which("perl") is None:
        pytest.skip("there is no perl here; git brings one on most machines")
    folder.mkdir(exist_ok=True)
    (folder / "program.pl").write_text(source)
    return ["perl", str(folder / "program.pl")]


def run(command, name, lines):
    """Send lines through a program and judge what comes out."""
    text = "\n".join(lines) + "\n"
    done = subprocess.run([*command, name], input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return ver(name, io.StringIO(done.stdout))


SOURCES = {
    "c": (program, "roundclamp.c", ("roundclamp", "lsb", "requantize")),
    "perl": (
        perl, "sliced.pl",
        ("roundclamp", "dorefa", "dequantize", "lsb", "lsb_l1_codes", "bit_planes"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", SOURCES)
def test_the_examples_hold(language, tmp_path):
    make, file, names = SOURCES[language]
    command = make((PIPES / file).read_text(), tmp_path)
    for name in names:
        verdict = run(command, name, gen(name, "quick", 1))
        assert verdict.faults == []
        assert verdict.held()


MISTAKES = [
    ("c", "roundclamp", "rint(ldexp(u, bits))", "round(ldexp(u, bits))", "[S2.1]"),
    ("c", "roundclamp", "code < top ?", "code <= top + 1.0 ?", "[S2.1]"),
    ("c", "lsb", "roundclamp(u, bits - k) << k", "(roundclamp(u, bits) >> k) << k", "[S3.1]"),
    ("c", "requantize", "sum >= 0 ? sum >> s : ~(~sum >> s)", "sum / (INT64_C(1) << s)", "[S9.4]"),
    ("c", "requantize", "acc * m + (INT64_C(1) << (s - 1))", "acc * m", "[S9.4]"),
    ("c", "requantize", "int64_t sum = acc * m", "int64_t sum = (int64_t)(float)acc * m", "[S9.4]"),
    ("perl", "roundclamp", "($rest == 0.5 && $low % 2)", "$rest == 0.5", "[S2.1]"),
    ("perl", "dorefa", "rounded($type, (2**$bits - 1) * hex_float($u))",
     "(2**$bits - 1) * hex_float($u)", "[S2.2]"),
    ("perl", "dequantize", "$code / (2**$bits - 1)", "$code * rounded($type, 1 / (2**$bits - 1))",
     "[S2.3]"),
    ("perl", "lsb_l1_codes", "$sum += abs lsb", "$sum += lsb", "[S4.1]"),
    ("perl", "bit_planes", "for my $j (0 .. $bits - 1)", "for my $j (reverse 0 .. $bits - 1)",
     "[S3.3]"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "name", "right", "wrong", "clause"), MISTAKES)
def test_a_wrong_variant_does_not_hold(language, name, right, wrong, clause, tmp_path):
    make, file, _ = SOURCES[language]
    source = (PIPES / file).read_text()
    assert source.count(right) == 1
    verdict = run(make(source.replace(right, wrong), tmp_path), name, gen(name))
    assert verdict.faults
    assert all(clause in fault.text and fault.line > 1 for fault in verdict.faults)


def test_a_pipe_of_three_processes(tmp_path):
    """The exit code is the judge's: 0 for a right program, 1 for one that stops early."""
    right = program((PIPES / "roundclamp.c").read_text(), tmp_path)
    stops = ["head", "-n", "100"]
    for answering, code in (([*right, "lsb"], 0), (stops, 1)):
        first = subprocess.Popen(
            [sys.executable, "-c", MAIN, "gen", "lsb"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        second = subprocess.Popen(answering, stdin=first.stdout, stdout=subprocess.PIPE)
        first.stdout.close()
        judge = [sys.executable, "-c", MAIN, "ver", "lsb"]
        third = subprocess.run(judge, stdin=second.stdout, capture_output=True, text=True)
        second.stdout.close()
        first.wait()
        second.wait()
        assert (third.returncode, third.stderr) == (code, "")
        assert third.stdout.splitlines()[-1].startswith("lsb: ")


# The command line.


@pytest.fixture
def command(monkeypatch):
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        return run_app(app, "msq", list(arguments))

    return call


def test_the_command_line_writes_and_judges(command, capsys):
    assert command("gen", "compression", "--seed", "5") == 0
    out = capsys.readouterr().out
    assert out.splitlines() == gen("compression", "quick", 5)
    whole = "\n".join(answered("compression", line) for line in out.splitlines()).encode()
    assert command("ver", "compression", stdin=whole) == 0
    assert capsys.readouterr().out.startswith("compression: ")
    assert command("ver", "compression", stdin=whole[:-8]) == 1
    assert "cut short" in capsys.readouterr().out
    assert command("ver", "compression", "--quiet", stdin=whole[:-8]) == 1
    assert capsys.readouterr().out.count("\n") == 1
    assert command("ver", "compression", stdin=b"") == 1
    assert command("ver", "compression", stdin=b"\xff\xfe\x00 = \n") == 1


def test_many_faults_are_counted_not_printed(command, capsys):
    lines = gen("roundclamp")
    text = "\n".join(line if line.startswith("#") else f"{line} = -1" for line in lines)
    assert command("ver", "roundclamp", stdin=text.encode()) == 1
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 22
    assert out[-2] == f"... and {len(lines) - 22} more"
    assert out[-1] == f"roundclamp: {len(lines) - 2} cases judged, {len(lines) - 2} faults"


@pytest.mark.parametrize(
    "arguments",
    [
        ("gen", "rounddamp"), ("ver", "rounddamp"), ("gen", "lsb", "--level", "fast"),
        ("gen", "lsb", "--seed", "-1"), ("gen", "lsb", "--seed", "x"), ("gen",),
    ],
)  # fmt: skip
def test_bad_usage_is_one_line_and_2(command, capsys, arguments):
    assert command(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
