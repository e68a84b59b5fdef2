"""Options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["JsonFileOption", "JsonOption", "LevelOption", "OpArgument", "RunArgument"]

RunArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")]

OpArgument = Annotated[str, typer.Argument(metavar="OP", help="Name of an operation.")]

LevelOption = Annotated[str, typer.Option(help="How many cases: quick, full or deep.")]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else.")
]

JsonFileOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write JSON; - prints it and nothing else."),
]
