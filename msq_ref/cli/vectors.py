"""``msq vectors``: check, format, write and list the frozen conformance vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from msq_ref.formats.console import console, new_app
from msq_ref.formats.printing import STYLE

__all__ = ["app"]

app = new_app("vectors", "The frozen conformance vectors: check, format, write and list them.")
"""The commands below ``msq vectors``."""

Folder = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="Folder; by default that of the package.")
]


@app.command()
def lint(folder: Folder = None) -> None:
    """Check form, ids, flags and every expected value; exit 1 if anything is wrong.

    Example: msq vectors lint vectors/v1
    """
    from msq_ref.conformance.vectors.lint import lint as faults_of  # noqa: PLC0415

    faults = faults_of(_folder(folder))
    for fault in faults:
        typer.echo(fault)
    typer.echo(f"{len(faults)} faults")
    if faults:
        raise typer.Exit(1)


@app.command("format")
def format_files(
    folder: Folder = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")
    ] = False,
) -> None:
    """Write every JSON file in canonical form.

    Example: msq vectors format --check
    """
    from msq_ref.conformance.vectors.lint import format_folder  # noqa: PLC0415

    changed = format_folder(_folder(folder), write=not check)
    for name in changed:
        typer.echo(f"{name}: {'not in canonical form' if check else 'formatted'}")
    typer.echo(f"{len(changed)} files {'would change' if check else 'changed'}")
    if check and changed:
        raise typer.Exit(1)


@app.command()
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder, made if need be.")],
) -> None:
    """Write all vectors anew; a content that had an id keeps it.

    Example: msq vectors generate vectors/v1
    """
    from msq_ref.conformance.vectors.generate import write_folder  # noqa: PLC0415
    from msq_ref.files import check_writable  # noqa: PLC0415

    check_writable("DIR", folder)
    changed = write_folder(folder)
    for name in changed:
        typer.echo(name)
    typer.echo(f"{len(changed)} files written to {folder}")


@app.command("list")
def list_cases(
    op: Annotated[
        str | None, typer.Argument(metavar="OP", help="Operation whose cases are listed.")
    ] = None,
) -> None:
    """List the operations and how many cases each has, or the cases of one.

    Example: msq vectors list requantize
    """
    from msq_ref.conformance.vectors.folder import read_operation, vectors_folder  # noqa: PLC0415
    from msq_ref.contract import OPERATIONS  # noqa: PLC0415
    from msq_ref.names import known_name  # noqa: PLC0415

    folder, names = vectors_folder(), [entry.name for entry in OPERATIONS]
    if op is not None:
        for vector in read_operation(folder, known_name("OP", op, names)):
            result = " or ".join(vector.errors) or "valid"
            typer.echo(f"{vector.id:4} {result}: {vector.comment} ({', '.join(vector.flags)})")
        return
    table = Table("operation", title=str(folder), **STYLE)
    for column in ("valid", "invalid", "flags"):
        table.add_column(column, justify="right")
    totals = [0, 0]
    for name in names:
        vectors = read_operation(folder, name)
        bad = sum(bool(vector.errors) for vector in vectors)
        totals = [totals[0] + len(vectors) - bad, totals[1] + bad]
        flags = {flag for vector in vectors for flag in vector.flags}
        table.add_row(name, str(len(vectors) - bad), str(bad), str(len(flags)))
    table.add_row("all", str(totals[0]), str(totals[1]), "")
    console().print(table)


def _folder(folder: Path | None) -> Path:
    from msq_ref.conformance.vectors.folder import vectors_folder  # noqa: PLC0415

    if folder is None:
        return vectors_folder()
    if not folder.is_dir():
        raise ValueError(f"DIR = {folder}: no such folder")
    return folder
