"""The page of the command line: made from the programs themselves whenever the site is built."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.cli import get_docs_for_click

from hwsim.cli import app as hwsim
from msq_ref.cli import app as msq

PROGRAMS = {"msq": msq, "hwsim": hwsim}
MARK = re.compile(r"<!-- commands of (\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:  # noqa: ANN401
    """Put the commands of a program in the place of its mark."""
    return MARK.sub(lambda mark: commands_of(mark[1]), markdown)


def commands_of(program: str) -> str:
    """Return a program's commands with their options, in Markdown, headings from the second on."""
    command: Any = typer.main.get_command(PROGRAMS[program])
    context = typer.Context(command, info_name=program)
    text = get_docs_for_click(obj=command, ctx=context, name=program, indent=1)
    text = text.replace("**Usage**:\n\n", "").replace("```console\n$ ", "```text\n")
    for said_elsewhere in (r"^\*\*Commands\*\*:\n\n(\* .*\n)+\n", r"^\* `--help`: .*\n"):
        text = re.sub(said_elsewhere, "", text, flags=re.M)
    text = text.replace("**Options**:\n\n\n", "")
    return re.sub(r"^Example: (.*)$", r"Example: `\1`", text, flags=re.M)
