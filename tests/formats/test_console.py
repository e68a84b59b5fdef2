"""How a command line ends: exit codes, one line on standard error, no traceback."""

import errno
import subprocess
import sys
from typing import Annotated

import pytest
import typer

from msq_ref.formats.console import console, run_app

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


class Unforeseen(Exception):
    """A bug of ours."""


ENDS = {
    "value": (ValueError("bits = 0: expected\nan integer"), 2, "bits = 0: expected an integer"),
    "type": (TypeError("w has dtype int64"), 2, "w has dtype int64"),
    "unicode": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), 2, "'utf-8' codec can't"),
    "parameter": (typer.BadParameter("not a number"), 2, "not a number"),
    "os": (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
    "file": (FileNotFoundError(errno.ENOENT, "No such file", "x"), 1, "No such file: 'x'"),
    "runtime": (RuntimeError("the loss is nan"), 1, "the loss is nan"),
    "memory": (MemoryError(), 1, "MemoryError"),
    "empty": (ValueError(), 2, "ValueError"),
    "interrupt": (KeyboardInterrupt(), 130, "interrupted"),
    "abort": (typer.Abort(), 130, "interrupted"),
}


@app.command()
def fail(kind: str) -> None:
    """Raise."""
    print("working")
    raise ENDS[kind][0]


@app.command()
def leave(code: int, bug: Annotated[bool, typer.Option("--bug")] = False) -> None:
    """Leave."""
    if bug:
        raise Unforeseen
    raise typer.Exit(code)


@app.command()
def give(value: int) -> int:
    """Return a number."""
    return value


@app.command()
def work() -> None:
    """Do nothing."""


def run(*arguments):
    return run_app(app, "prog", arguments)


@pytest.mark.parametrize("kind", ENDS)
def test_every_exception_has_a_code_and_a_line(capsys, kind):
    """2 for a user's mistake, 1 for a run that failed."""
    _, code, message = ENDS[kind]
    assert run("fail", kind) == code
    out, err = capsys.readouterr()
    assert out == "working\n"
    assert err.startswith("prog: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope",), "No such command 'nope'"),
        (("work", "--bad"), "No such option: --bad"),
        (("work", "extra"), "unexpected extra argument"),
        (("give", "x"), "Invalid value for '"),
        (("give",), "Missing argument"),
        (("--bad",), "No such option: --bad"),
    ],
)
def test_bad_usage(capsys, arguments, message):
    """2, and the parser's own words in one line."""
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("prog: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_nothing_at_all_shows_the_help(capsys):
    """As it is laid out, not squeezed into a line."""
    assert run() == 2
    shown = "".join(capsys.readouterr())
    assert "Usage: prog" in shown
    assert len(shown.splitlines()) > 5
    assert "error" not in shown


def test_help_is_no_error(capsys):
    assert run("--help") == 0
    out, err = capsys.readouterr()
    assert "Usage: prog" in out
    assert err == ""
    assert run("give", "--help") == 0


@pytest.mark.parametrize("code", [0, 1, 3])
def test_codes_of_the_command_itself(capsys, code):
    assert run("leave", str(code)) == code
    assert run("give", str(code)) == code
    assert run("work") == 0
    assert capsys.readouterr() == ("", "")


def test_bugs_are_not_hidden():
    """An exception that no user can cause goes through, with its traceback."""
    with pytest.raises(Unforeseen):
        run("leave", "0", "--bug")


def test_arguments_of_the_process(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "give", "7"])
    assert run_app(app, "prog") == 7


PROGRAM = """
import sys, typer
from msq_ref.formats.console import run_app
app = typer.Typer(add_completion=False)
@app.command()
def talk(how: str) -> None:
    for line in range(100_000):
        print(line) if how == "print" else typer.echo(line)
raise SystemExit(run_app(app, "prog"))
"""


@pytest.mark.parametrize("how", ["print", "echo"])
def test_a_reader_that_goes_away(how):
    """As in ``prog | head -1``: no traceback, no complaint, not 0."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 1


def test_tables_are_wide_enough_without_a_terminal(capsys):
    """A table in a file is not broken at 80 columns."""
    console().print("x" * 110)
    assert capsys.readouterr().out == "x" * 110 + "\n"
