"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from msq_ref.formats.console import console

__all__ = ["print_lines", "print_table"]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; names come from files, so nothing is read as markup."""
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text, those that are not empty."""
    out = console()
    for line in lines:
        if line:
            out.print(Text(line))
