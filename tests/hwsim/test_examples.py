"""Every command's help has a worked example, and it works."""

import re
import shutil

import pytest
import typer

from hwsim.cli import app
from hwsim.validate import TABLES
from msq_ref.formats.console import run_app

COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_example(command, capsys, tmp_path, monkeypatch):
    """As it stands in the help, in a folder that has a table of one's own."""
    monkeypatch.setenv("TERM", "dumb")
    assert run_app(app, "hwsim", [command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    found = re.search(r"Example: hwsim (.*?) (?:Arguments|Options|╭|┌|--help)", text)
    assert found, text
    arguments = found[1].split()
    assert arguments[0] == command
    shutil.copy(TABLES / "bitsim_resnet20.csv", tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path)
    code = run_app(app, "hwsim", arguments)
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    assert captured.out
