"""Results as a Parquet data set: a folder with a part for each chunk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hwsim.sweep.columns import Row
from hwsim.sweep.pending import Span
from msq_ref.formats import atomic_path

__all__ = ["ParquetStore"]

_PART = re.compile(r"part-(\d+)-(\d+)\.parquet")


class ParquetStore:
    """A folder of files that pyarrow, pandas and duckdb read as one table.

    A part is there whole or not at all, and its name, ``part-FIRST-LAST.parquet``, says which
    points it holds: there is no index that could differ from it.

    Parameters
    ----------
    target : Path
    columns : mapping of str to type

    Raises
    ------
    ValueError
        If pyarrow is not installed.
    """

    def __init__(self, target: Path, columns: Mapping[str, type]) -> None:
        try:
            import pyarrow  # noqa: PLC0415  (an extra)
        except ImportError:
            raise ValueError(
                f"{target}: Parquet needs pyarrow: pip install 'msq-ref[sweep]', or take .csv"
            ) from None
        types = {
            bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64(),
            str: pyarrow.string(),
        }  # fmt: skip
        self._target = target
        self._schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])

    def create(self) -> None:
        """Make the folder, unless it is there."""
        self._target.mkdir(exist_ok=True)

    def repair(self) -> None:
        """Remove parts that a killed process has not finished."""
        for path in self._target.glob(".part-*.parquet"):
            path.unlink(missing_ok=True)

    def done(self) -> list[Span]:
        """Return the points that are there; ``ValueError`` for a file that is no part."""
        found = []
        for path in self._parts():
            name = _PART.fullmatch(path.name)
            if name is None:
                raise ValueError(f"{path}: expected part-FIRST-LAST.parquet")
            found.append((int(name[1]), int(name[2]) + 1))
        return sorted(found)

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows of consecutive points; they are on the disk when this returns."""
        import pyarrow  # noqa: PLC0415  (an extra)
        import pyarrow.parquet  # noqa: PLC0415

        values = zip(*rows, strict=True)
        table = pyarrow.table(
            [
                pyarrow.array(column, field.type)
                for field, column in zip(self._schema, values, strict=True)
            ],
            schema=self._schema,
        )
        name = f"part-{rows[0][0]:012}-{rows[-1][0]:012}.parquet"
        with atomic_path(self._target / name) as path:
            pyarrow.parquet.write_table(table, path)

    def blocks(self) -> Iterator[dict[str, list[Any]]]:
        """Give all values by column, part by part, in the order of their points."""
        import pyarrow.parquet  # noqa: PLC0415  (an extra)

        for path in self._parts():
            yield pyarrow.parquet.read_table(path, schema=self._schema).to_pydict()

    def _parts(self) -> list[Path]:
        return sorted(
            path for path in self._target.iterdir() if not path.name.startswith((".", "_"))
        )
