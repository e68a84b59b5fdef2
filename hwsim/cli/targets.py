"""Where results go: files that are looked at before any work, or standard output."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import typer

from msq_ref.formats import check_writable, write_text

__all__ = ["check_files", "csv_text", "deliver"]

PRINTED = "-"
"""In place of a file: standard output."""


def check_files(targets: dict[str, str | Path | None], dash: tuple[str, ...] = ()) -> None:
    """Raise ``ValueError`` before any work if a file cannot be written.

    Parameters
    ----------
    targets : dict
        File, or None, by the option that names it.
    dash : tuple of str
        Options whose ``-`` is standard output; only one of them may say so.
    """
    seen: dict[Path, str] = {}
    printed: str | None = None
    for flag, name in targets.items():
        if name is None:
            continue
        if str(name) == PRINTED:
            if flag not in dash:
                raise ValueError(f"{flag} = -: expected the name of a file")
            if printed is not None:
                raise ValueError(f"{flag} = -: {printed} is printed already")
            printed = flag
            continue
        target = Path(name)
        if not target.parent.is_dir():
            raise ValueError(f"{flag} = {target}: no such folder as {target.parent}")
        if target.is_dir():
            raise ValueError(f"{flag} = {target}: it is a folder")
        if target.is_file() or not target.exists():  # not a device or a pipe
            check_writable(flag, target.parent)
        other = seen.setdefault(target.resolve(), flag)
        if other != flag:
            raise ValueError(f"{flag} = {target}: the same file as {other}")


def deliver(target: str | None, text: str) -> bool:
    """Write text that ends in a line end to a file, atomically, or print it.

    Returns
    -------
    bool
        Whether it was printed, so that nothing else may be.
    """
    if target is None:
        return False
    if target == PRINTED:
        typer.echo(text, nl=False)
        return True
    write_text(Path(target), text)
    return False


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in CSV, with a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
