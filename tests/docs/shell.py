"""Commands of the pages: run, run shortened, or only parsed where they take too long."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import typer

from hwsim.cli import app as hwsim
from msq_ref.cli import app as msq
from msq_ref.formats.console import run_app
from tests.docs.blocks import ROOT

PROGRAMS = {"msq": msq, "hwsim": hwsim}
OTHERS = {
    "cat", "cc", "cmp", "cp", "head", "ls", "mkdir", "perl", "pytest", "python", "timeout", "true",
    "tail",
}  # fmt: skip
"""Run as they are, by the shell."""

EXIT_CODE = re.compile(r"exit code (\d+)")


@dataclass(frozen=True)
class Long:
    """Commands that take too long here: which, why, and what is done in place of them."""

    pattern: str
    reason: str
    instead: tuple[str, ...] | None = None
    """More arguments with which it is short; None: its arguments are checked, nothing is run."""


LONG = [
    Long(r"msq train .*--data (cifar10|fashion-mnist|mnist)", "wants a data set to be there"),
    Long(r"msq train (?!.*--epochs)", "60 epochs", ("--epochs", "1")),
    Long(r"msq demo", "a minute; tests/cli/test_demo.py runs it"),
    Long(r"msq conform .*--level (full|deep)", "minutes", ("--level", "quick")),
    Long(r"msq conform mymodule( |$)", "every operation", ("--ops", "roundclamp")),
    Long(r"pytest .*--msq-backend=mymodule", "every operation", ("--msq-ops=roundclamp",)),
    Long(r"msq trace ", "seconds for each network", ("--samples", "4", "--images", "64")),
    Long(r"hwsim validate(?! --table)", "builds hardware; tests/hwsim/test_validate.py runs it"),
    Long(r"make ", "installs, or runs for minutes"),
    Long(r"pip install", "installs"),
    Long(r"jupyter lab", "serves notebooks until it is stopped"),
    Long(r"python3 -m venv", "installs"),
    Long(r"source \.venv/bin/activate", "is a shell's own"),
]
"""All of them; whatever else is in a block is run as it is. Each is in use, or it has to go."""


def commands(code):
    """Return the commands of a block of shell, comments kept, continued lines joined."""
    return [line.strip() for line in code.replace("\\\n", " ").splitlines()
            if line.strip() and not line.strip().startswith("#")]  # fmt: skip


def run_command(command):
    """Run a command of a page in the working directory; return what it prints."""
    words = shlex.split(command, comments=True)
    comment = command.partition(" #")[2]
    expected = EXIT_CODE.search(comment)
    long = next((one for one in LONG if re.match(one.pattern, plain(command))), None)
    if long is not None and long.instead is None:
        check_arguments([Path(words[0]).name, *words[1:]])
        return None
    program = Path(words[0]).name
    if program in PROGRAMS and not any(word in ("|", ">", "<", "&", ";", "&&") for word in words):
        more = () if long is None else long.instead
        patience = ["--limit", "100"] if words[1] == "conform" else []  # of a busy machine
        code, out = call(program, [*words[1:], *more, *patience])
    else:
        more = "" if long is None else " " + shlex.join(long.instead)
        code, out = in_shell(plain(command).partition(" #")[0] + more)
    wanted = int(expected[1]) if expected else 0
    assert code == wanted, f"{command}: exit code {code}\n{out}"
    return None if long is not None else out


def plain(command):
    return re.sub(r"^\.venv/bin/", "", command)


def call(program, arguments):
    """Run a program of ours in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run_app(PROGRAMS[program], program, arguments)
    return code, out.getvalue()


def in_shell(command):
    """Run a line of shell whose programs are known."""
    for name in programs_of(command):
        known = name in PROGRAMS or name in OTHERS or (name[:2] == "./" and Path(name).is_file())
        assert known, f"{command}: what is {name!r}? See tests/docs/shell.py"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def programs_of(command):
    """Return the programs that a line of shell starts."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    starts, found = True, []
    for word in lexer:
        if word in ("|", "||", ";", "&&"):
            starts = True
        elif starts and not re.fullmatch(r"[A-Z_]+=.*", word):
            found.append(word)
            starts = False
    return found


def check_arguments(words):
    """Check a command without running it: programs, options and targets exist."""
    program, *arguments = words
    if program in PROGRAMS:
        command = typer.main.get_command(PROGRAMS[program])
        while hasattr(command, "commands"):
            name, *arguments = arguments
            command = command.commands[name]
        command.make_context(name, arguments)
    elif program == "make":
        subprocess.run(["make", "-n", *arguments], cwd=ROOT, check=True, capture_output=True)
    elif program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        for extras in re.findall(r"\[([^\]]*)\]", " ".join(arguments)):
            assert set(extras.split(",")) <= project["optional-dependencies"].keys()
        if "-c" in arguments:
            assert (ROOT / arguments[arguments.index("-c") + 1]).is_file()
    elif program == "jupyter":
        assert (ROOT / arguments[-1]).is_dir(), words
    else:
        assert words in (["python3", "-m", "venv", ".venv"], ["source", ".venv/bin/activate"])
