"""Tables of others in CSV: read with the number of the line for every complaint."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Row", "lines_of", "read_table"]

MOST = 2**53
"""Largest integer that is accepted: all programs agree on it."""

INTEGER = re.compile(r"([+-]?[0-9]{1,19})(?:[.]0*)?")
"""Some programs write whole numbers as 12.0."""


@dataclass(frozen=True)
class Row:
    """A line of a table: its place, for messages, and its cells."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, column: str, expected: str) -> ValueError:
        """Return the complaint about a cell."""
        return ValueError(
            f"{self.path}: line {self.line}: column {column!r} = {self.cells.get(column)!r}: "
            f"expected {expected}"
        )

    def integer(self, column: str, low: int = 1) -> int:
        """Return a cell as an integer from `low` to 2^53; ``ValueError`` if it is none."""
        found = INTEGER.fullmatch(self.cells[column])
        value = int(found[1]) if found else low - 1
        if not low <= value <= MOST:
            raise self.error(column, f"an integer from {low} to 2^53")
        return value

    def text(self, column: str) -> str:
        """Return a cell."""
        return self.cells[column]


def lines_of(path: Path | str) -> list[tuple[int, list[str]]]:
    """Return the lines of a CSV file that are not blank: their numbers and stripped cells.

    A byte order mark and Windows line ends are as good as none; a line of commas is blank.

    Raises
    ------
    ValueError
        If the file cannot be read, is no text, or has nothing in it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    reader = csv.reader(text.split("\n"))
    found = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                found.append((reader.line_num, stripped))
    except csv.Error as error:
        raise ValueError(f"{path}: line {reader.line_num}: not CSV ({error})") from None
    if not found:
        raise ValueError(f"{path}: an empty file: expected the names of columns in line 1")
    return found


def read_table(
    path: Path | str, columns: Sequence[str], same: Callable[[str], str] = str.strip
) -> list[Row]:
    """Read the named columns of a CSV file with a line of names; others are let be.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Names that must be there.
    same : callable
        What a name in the file is compared by.

    Returns
    -------
    list of Row
        Every line but the first, its cells under the names asked for; cells may not be missing.

    Raises
    ------
    ValueError
        In one line, naming file, line and column.
    """
    path = Path(path)
    (first, names), *rest = lines_of(path)
    known = [same(name) for name in names]
    places = {}
    for column in columns:
        if same(column) not in known:
            raise ValueError(f"{path}: line {first}: column {column!r} is missing")
        places[column] = known.index(same(column))
    rows = []
    for line, cells in rest:
        for column, place in places.items():
            if place >= len(cells) or not cells[place]:
                raise ValueError(f"{path}: line {line}: column {column!r} is missing")
        rows.append(Row(path, line, {name: cells[place] for name, place in places.items()}))
    return rows
