"""Results in one CSV file: chunks are added at its end."""

from __future__ import annotations

import csv
import io
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.sweep.columns import Cell, Row
from hwsim.sweep.pending import Span, ranges_of
from msq_ref.formats import write_text

__all__ = ["CsvStore"]

BLOCK = 65536
"""Rows that are read together."""


class CsvStore:
    """A CSV file with a line of names and a line for each point, in the order of arrival.

    Floats are written so that they read back to the same bits; what is not known is empty.

    Parameters
    ----------
    target : Path
    columns : mapping of str to type
    """

    def __init__(self, target: Path, columns: Mapping[str, type]) -> None:
        self._target = target
        self._columns = dict(columns)

    def create(self) -> None:
        """Make the file, with its line of names, unless it is there."""
        if not self._target.exists():
            write_text(self._target, _lines([tuple(self._columns)]).decode())

    def repair(self) -> None:
        """Cut off a last line that a killed process has not finished."""
        with self._target.open("rb+") as file:
            end = file.seek(0, os.SEEK_END)
            size, at = end, end
            while at > 0:
                start = max(0, at - 65536)
                file.seek(start)
                found = file.read(at - start).rfind(b"\n")
                if found >= 0:
                    size = start + found + 1
                    break
                at = start
            if size < end:
                file.truncate(size)

    def done(self) -> list[Span]:
        """Return the points that are there.

        Raises
        ------
        ValueError
            If the file is not as it was written.
        """
        points = array("q")  # eight bytes a point
        for number, line in enumerate(self._read(), 2):
            if not line[0].isdecimal():
                raise ValueError(f"{self._target}: line {number}: point {line[0]!r}")
            points.append(int(line[0]))
        try:
            return ranges_of(np.asarray(points))
        except ValueError as error:
            raise ValueError(f"{self._target}: {error}") from None

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows; they are on the disk when this returns."""
        with self._target.open("ab") as file:
            file.write(_lines(rows))
            file.flush()
            os.fsync(file.fileno())

    def blocks(self) -> Iterator[dict[str, list[Any]]]:
        """Give all values by column, some rows at a time, in the order in which they are there."""
        lines = self._read()
        while block := list(islice(lines, BLOCK)):
            yield {
                name: [_parsed(line[at], kind) for line in block]
                for at, (name, kind) in enumerate(self._columns.items())
            }

    def _read(self) -> Iterator[list[str]]:
        """Give the lines as they are; the last one may be unfinished while others write."""
        with self._target.open("rb") as file:
            lines = csv.reader(line.decode() for line in file if line.endswith(b"\n"))
            if next(lines, None) != list(self._columns):
                raise ValueError(f"{self._target}: expected the columns {', '.join(self._columns)}")
            for number, line in enumerate(lines, 2):
                if len(line) != len(self._columns):
                    raise ValueError(
                        f"{self._target}: line {number}: {len(line)} values: expected "
                        f"{len(self._columns)}"
                    )
                yield line


def _lines(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_written(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _written(cell: Cell) -> Cell:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _parsed(text: str, kind: type) -> Cell:
    if kind is str:
        return text
    if text == "":
        return None
    if kind is bool:
        return text == "true"
    return int(text) if kind is int else float(text)
