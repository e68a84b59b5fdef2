"""Programs in other languages answer through pipes; the command line writes and judges."""

import io
import shutil
import subprocess
import sys

import pytest
import typer

from msq_ref.cli.pipes import register
from msq_ref.conformance.pipes import ver
from msq_ref.formats.console import run_app
from tests.conformance.streams import PIPES, answered, gen

MAIN = (
    "import typer; from msq_ref.cli.pipes import register; "
    "from msq_ref.formats.console import run_app; "
    "app = typer.Typer(pretty_exceptions_enable=False); register(app); "
    "raise SystemExit(run_app(app, 'msq'))"
)


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
