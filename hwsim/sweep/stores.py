"""Where results are kept: one of two kinds of store, by the name of the target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwsim.sweep.csv_store import CsvStore
from hwsim.sweep.parquet_store import ParquetStore
from hwsim.sweep.record import record_path
from msq_ref.formats import check_writable

__all__ = ["Store", "check_target", "store_of"]

Store = CsvStore | ParquetStore
"""What results are kept in."""


def store_of(target: Path, columns: Mapping[str, type]) -> Store:
    """Return the store of a target; nothing is made or read yet.

    Raises
    ------
    ValueError
        If it is neither ``.csv`` nor ``.parquet``, or what Parquet needs is not installed.
    """
    if target.suffix == ".csv":
        return CsvStore(target, columns)
    if target.suffix == ".parquet":
        return ParquetStore(target, columns)
    raise ValueError(f"--out = {target}: expected a name that ends in .csv or .parquet")


def check_target(target: Path) -> None:
    """Check that results could be kept there, whose store there is; nothing is made.

    Raises
    ------
    ValueError
        If the folder does not exist or cannot be written, or something else is there.
    """
    if not target.parent.is_dir():
        raise ValueError(f"--out = {target}: no such folder as {target.parent}")
    check_writable("--out", target.parent)
    if target.exists() and not record_path(target).exists():
        raise ValueError(f"--out = {target}: it is there, and not the results of a sweep")
    if target.exists() and target.is_dir() != (target.suffix == ".parquet"):
        wanted = "a folder" if target.suffix == ".parquet" else "a file"
        raise ValueError(f"--out = {target}: expected {wanted}")
