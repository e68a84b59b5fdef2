"""Where the vectors lie, and reading them strictly."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.canonical import parse
from msq_ref.conformance.vectors.encoding import decode

__all__ = ["LEDGER", "STEPS", "Vector", "read_arrays", "read_json", "read_operation",
           "vector_of", "vectors_folder"]  # fmt: skip

LEDGER = "ids.json"
"""File of all ids that were ever given, so that none is given twice."""

STEPS = ("training_step", "trajectory")
"""Files of several operations together."""


@dataclass(frozen=True)
class Vector:
    """A case of a file, its values decoded.

    Attributes
    ----------
    id : int
    arguments : mapping of str to value
        By name; optional ones may be missing.
    expected : Any
        What a legal call returns.
    errors : tuple of str
        Names of the errors that an illegal call may raise; empty for a legal one.
    """

    id: int
    comment: str
    clauses: tuple[str, ...]
    flags: tuple[str, ...]
    arguments: Mapping[str, Any]
    expected: Any
    errors: tuple[str, ...]
    intermediates: Mapping[str, Any]


def vectors_folder() -> Path:
    """Return the folder of the frozen vectors: that of the installed package, or the repository's.

    Raises
    ------
    ValueError
        If there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "vectors_v1", package.parents[1] / "vectors" / "v1")
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ValueError(f"vectors: not found, neither {candidates[0]} nor {candidates[1]} exists")


def read_json(path: Path) -> Any:
    """Read a JSON file; ``ValueError`` in one line if that cannot be done."""
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a file of vectors (no UTF-8)") from None


def read_arrays(folder: Path, document: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays beside the JSON that a document names.

    Raises
    ------
    ValueError
        If a file is missing, is not the one that was meant, or is no plain array.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, digest in _references(document):
        if name in arrays:
            continue
        if not name.startswith("npy/") or "/" in name[4:] or "\\" in name:
            raise ValueError(f"{name!r}: expected a file in npy/")
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{folder / name}: cannot read it ({error.strerror})") from None
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise ValueError(f"{folder / name}: its sha256 is {found}, expected {digest}")
        arrays[name] = np.load(io.BytesIO(content), allow_pickle=False)
    return arrays


def read_operation(folder: Path, name: str) -> list[Vector]:
    """Return the vectors of an operation, in the order of the file.

    Raises
    ------
    ValueError
        In one line, if the file is not what it should be.
    """
    path = folder / f"{name}.json"
    document = read_json(path)
    try:
        arrays = read_arrays(folder, document)
        return [vector_of(case, arrays) for case in document["cases"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a file of vectors ({error!r})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def vector_of(case: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> Vector:
    """Return a case of a file with its values decoded; ``ValueError`` if one has no such form."""
    errors = case.get("error", ())
    if (case["result"] == "invalid") != bool(errors):
        raise ValueError(f"case {case['id']}: an error belongs to invalid cases")
    return Vector(
        case["id"],
        case["comment"],
        tuple(case["clauses"]),
        tuple(case["flags"]),
        {name: decode(value, arrays) for name, value in case["arguments"].items()},
        None if errors else decode(case["expected"], arrays),
        (errors,) if isinstance(errors, str) else tuple(errors),
        {name: decode(value, arrays) for name, value in case.get("intermediates", {}).items()},
    )


def _references(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        if "npy" in value:
            return [(str(value["npy"]), str(value.get("sha256")))]
        return [pair for item in value.values() for pair in _references(item)]
    if isinstance(value, list):
        return [pair for item in value for pair in _references(item)]
    return []
