"""Frozen vectors as cases for the runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msq_ref.conformance.case import Case, Raises, Value
from msq_ref.conformance.vectors.folder import Vector, read_operation, vectors_folder
from msq_ref.contract import OPERATIONS, Operation

__all__ = ["cases_from_vectors", "vector_cases"]

ERRORS: dict[str, type[Exception]] = {"ValueError": ValueError, "TypeError": TypeError}


def vector_cases(names: Sequence[str]) -> Iterator[Case]:
    """Yield the frozen vectors of some operations, in the contract's order."""
    return cases_from_vectors(vectors_folder(), names)


def cases_from_vectors(folder: Path, names: Sequence[str] | None = None) -> Iterator[Case]:
    """Yield the vectors of a folder as cases, ids such as ``roundclamp/vectors/17``.

    Parameters
    ----------
    folder : Path
    names : sequence of str, optional
        Of operations; all of them by default.

    Raises
    ------
    ValueError
        In one line, if a file is missing or is not what it should be.
    """
    for entry in OPERATIONS:
        if names is None or entry.name in names:
            for vector in read_operation(folder, entry.name):
                yield _case(entry, vector)


def _case(entry: Operation, vector: Vector) -> Case:
    required = tuple(vector.arguments[name] for name in entry.required)
    optional = {name: vector.arguments[name] for name in entry.optional if name in vector.arguments}
    expected = (
        Raises(tuple(ERRORS[name] for name in vector.errors))
        if vector.errors
        else Value(vector.expected)
    )
    name = f"{entry.name}/vectors/{vector.id}"
    return Case(name, entry.name, required, expected, optional, vector.clauses)
