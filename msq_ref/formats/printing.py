"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from msq_ref.formats.console import console

__all__ = ["STYLE", "print_lines", "print_table"]

STYLE: dict[str, Any] = {"title_justify": "left", "box": SIMPLE_HEAD, "padding": (0, 1, 0, 0)}
"""How every table looks."""

ENDLESS = 100_000
"""Columns of a terminal that nothing is too wide for."""


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], keys: int = 1
) -> None:
    """Print a table; names come from files, so nothing is read as markup.

    No figure is cut off: where a terminal is too narrow, the first `keys` columns wrap, and further
    columns stand below, with those again. Files and pipes are as wide as the table.
    """
    out, cells = console(), [tuple(row) for row in rows]
    blocks = list(_blocks(out, columns, cells, keys))
    if len(blocks) > 1 and not out.is_terminal:
        everything = list(range(len(columns)))
        blocks, out.width = [everything], _width(out, _table(columns, cells, everything)).maximum
    for block in blocks:
        table = _table(columns, cells, block, keys)
        if block is blocks[0]:
            table.title = Text(title)
        out.print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text, those that are not empty."""
    out = console()
    for line in lines:
        if line:
            out.print(Text(line))


def _table(
    columns: Sequence[str], rows: list[tuple[str, ...]], places: Sequence[int], keys: int = 1
) -> Table:
    """Return the columns at some places of a table; the first `keys` may wrap."""
    table = Table(**STYLE)
    for place in places:
        table.add_column(
            columns[place], justify="right" if place else "left", overflow="fold",
            no_wrap=place >= keys,
        )  # fmt: skip
    for row in rows:
        table.add_row(*(Text(row[place]) for place in places))
    return table


def _blocks(
    out: Console, columns: Sequence[str], rows: list[tuple[str, ...]], keys: int
) -> Iterator[list[int]]:
    """Go through columns that fit side by side, the first `keys` with all of them."""
    first = list(range(keys))
    narrow = _width(out, _table(columns, rows, first))
    block = first
    for place in range(keys, len(columns)):
        longer = _width(out, _table(columns, rows, [*block, place])).maximum
        if longer - narrow.maximum + narrow.minimum > out.width and len(block) > keys:
            yield block
            block = first
        block = [*block, place]
    yield block


def _width(out: Console, table: Table) -> Measurement:
    """Return how wide a table is with every cell broken into words, and with none."""
    return Measurement.get(out, out.options.update(max_width=ENDLESS), table)
