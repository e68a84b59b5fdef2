"""The whole folder of vectors as bytes, the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msq_ref.conformance.vectors.authors import Draft, written
from msq_ref.conformance.vectors.canonical import canonical
from msq_ref.conformance.vectors.encoding import Store, encode
from msq_ref.conformance.vectors.flags import FLAGS
from msq_ref.conformance.vectors.folder import LEDGER, read_json, vectors_folder
from msq_ref.conformance.vectors.ledger import Ledger
from msq_ref.conformance.vectors.steps import step_documents
from msq_ref.contract import OPERATIONS, SPEC_VERSION, Operation
from msq_ref.files import atomic_path

__all__ = ["WRITTEN_BY_HAND", "generate", "header", "write_folder"]

WRITTEN_BY_HAND = ("README.md", "schema.json")
"""Copied, not generated."""


def generate(ids: Mapping[str, Any]) -> dict[str, bytes]:
    """Return every generated file by its name in the folder.

    Parameters
    ----------
    ids : mapping
        The ledger so far; a content that is in it keeps its id.
    """
    ledger, store = Ledger(ids), Store()
    documents = {f"{entry.name}.json": _document(entry, ledger, store) for entry in OPERATIONS}
    documents |= step_documents(ledger)
    documents[LEDGER] = ledger.document()
    files = {name: canonical(document).encode() for name, document in documents.items()}
    return {**files, **store.files}


def write_folder(folder: Path) -> list[str]:
    """Write all files of the vectors to a folder; return the names of those that changed.

    The ids are those of the folder's own ledger, or of the frozen one where it has none.

    Raises
    ------
    ValueError
        If its ledger cannot be read.
    OSError
        If the folder cannot be written.
    """
    source = vectors_folder()
    ledger = folder / LEDGER if (folder / LEDGER).exists() else source / LEDGER
    files = generate(read_json(ledger) if ledger.exists() else {})
    for name in WRITTEN_BY_HAND:
        files[name] = (source / name).read_bytes()
    (folder / "npy").mkdir(parents=True, exist_ok=True)
    changed = [
        name
        for name, content in sorted(files.items())
        if not (folder / name).exists() or (folder / name).read_bytes() != content
    ]
    for name in changed:
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(files[name])
    return changed


def _document(entry: Operation, ledger: Ledger, store: Store) -> dict[str, Any]:
    cases: dict[int, dict[str, Any]] = {}
    for draft in written(entry.name):
        case = _case(entry, draft, store)
        # The same call may come to mind twice: the first comment stays.
        cases.setdefault(ledger.give(entry.name, case), case)
    used = sorted({flag for case in cases.values() for flag in case["flags"]})
    return {
        **header(entry),
        "flags": {flag: FLAGS[flag] for flag in used},
        "cases": [{"id": number, **case} for number, case in sorted(cases.items())],
    }


def header(entry: Operation) -> dict[str, Any]:
    """Return what a file says of its operation, as the contract has it."""
    return {
        "format": 1,
        "spec_version": SPEC_VERSION,
        "operation": entry.name,
        "clauses": list(entry.clauses),
        "exactness": entry.exactness,
        "arguments": [_argument(entry, name) for name in entry.arguments],
    }


def _argument(entry: Operation, name: str) -> dict[str, Any]:
    plain, _, default = name.partition("=")
    kind = entry.kind_of(plain)
    about = {"dtype": kind.dtype, "shape": kind.shape, "legal": kind.legal}
    return {"name": plain, "kind": kind.name, **({"default": default} if default else {}), **about}


def _case(entry: Operation, draft: Draft, store: Store) -> dict[str, Any]:
    case: dict[str, Any] = {
        "comment": draft.comment,
        "clauses": list(draft.clauses),
        "flags": sorted(draft.flags),
        "result": "valid" if draft.answer else "invalid",
        "arguments": {name: encode(value, store) for name, value in draft.arguments.items()},
    }
    if draft.answer is None:
        errors = list(draft.errors)
        return {**case, "error": errors[0] if len(errors) == 1 else errors}
    case["expected"] = encode(draft.answer.value, store)
    if draft.answer.intermediates:
        case["intermediates"] = {
            name: encode(value, store) for name, value in draft.answer.intermediates.items()
        }
    return case
