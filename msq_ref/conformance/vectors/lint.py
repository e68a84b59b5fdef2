"""Whether a folder of vectors is what it says: form, ids, flags, and every expected value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msq_ref.conformance.vectors.canonical import canonical
from msq_ref.conformance.vectors.flags import FLAGS
from msq_ref.conformance.vectors.folder import LEDGER, STEPS, read_arrays, read_json
from msq_ref.conformance.vectors.generate import WRITTEN_BY_HAND, header
from msq_ref.conformance.vectors.ledger import content_hash
from msq_ref.conformance.vectors.lint_cases import lint_case
from msq_ref.conformance.vectors.lint_steps import lint_steps
from msq_ref.contract import OPERATIONS, Operation
from msq_ref.files import write_text

__all__ = ["documents", "format_folder", "lint"]

JSON_FILES = (*(f"{entry.name}.json" for entry in OPERATIONS), *(f"{name}.json" for name in STEPS),
              LEDGER)  # fmt: skip


def documents(folder: Path, files: Iterable[str] = JSON_FILES) -> tuple[dict[str, Any], list[str]]:
    """Read JSON files of a folder; return them by name, and what could not be read."""
    found, faults = {}, []
    for name in files:
        try:
            found[name] = read_json(folder / name)
            if not isinstance(found[name], dict):
                faults.append(f"{folder / name}: expected a JSON object")
                del found[name]
        except ValueError as error:
            faults.append(str(error))
    return found, faults


def canonical_faults(folder: Path, found: Mapping[str, Any]) -> list[str]:
    """Return the names of the files that are not in canonical form."""
    return [
        name
        for name, document in found.items()
        if (folder / name).read_text(encoding="utf-8") != canonical(document)
    ]


def format_folder(folder: Path, *, write: bool) -> list[str]:
    """Bring the JSON files of a folder into canonical form; return the names of those that change.

    Parameters
    ----------
    folder : Path
    write : bool
        False changes nothing.

    Raises
    ------
    ValueError
        If a file cannot be read; nothing is changed then.
    """
    found, faults = documents(folder)
    if faults:
        raise ValueError(faults[0])
    changed = canonical_faults(folder, found)
    for name in changed if write else ():
        write_text(folder / name, canonical(found[name]))
    return changed


def lint(folder: Path, files: Sequence[str] = JSON_FILES) -> list[str]:
    """Return everything that is wrong with a folder of vectors, a line each.

    Parameters
    ----------
    folder : Path
    files : sequence of str
        Only these, and of the rest of the folder nothing.

    Notes
    -----
    Every expected value is recomputed twice: with the definitions, which must agree within the
    operation's exactness class, and in rational arithmetic, which must agree to the bit.
    """
    found, faults = documents(folder, files)
    broken = set()
    for name, document in found.items():
        problems = [f"{name}: {fault}" for fault in _schema_faults(folder, name, document)]
        faults += problems
        broken |= {name} if problems else set()
    sound = {name: document for name, document in found.items() if name not in broken}
    unformatted = canonical_faults(folder, sound)
    faults += [f"{name}: not in canonical form; msq vectors format" for name in unformatted]
    if set(files) == set(JSON_FILES):
        faults += _file_faults(folder, sound)
    faults += _ledger_faults(sound)
    for entry in OPERATIONS:
        name = f"{entry.name}.json"
        if name in sound:
            found_faults = _operation_faults(folder, entry, sound[name])
            faults += [f"{name}: {fault}" for fault in found_faults]
    for step in STEPS:
        name = f"{step}.json"
        if name in sound:
            faults += [f"{name}: {fault}" for fault in lint_steps(sound[name])]
    return faults


def _schema_faults(folder: Path, name: str, document: Any) -> list[str]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (only the lint needs it)

    try:
        schema = read_json(folder / "schema.json")
    except ValueError as error:
        return [str(error)]
    kind = {LEDGER: "ids_file", **{f"{step}.json": "steps_file" for step in STEPS}}
    schema = {**schema, "$ref": f"#/$defs/{kind.get(name, 'operation_file')}"}
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda e: e.json_path)
    return [f"{error.json_path}: {_short(error.message)}" for error in errors[:5]]


def _file_faults(folder: Path, found: Mapping[str, Any]) -> Iterator[str]:
    for name in WRITTEN_BY_HAND:
        if not (folder / name).is_file():
            yield f"{name}: missing"
    used = {name for document in found.values() for name in _arrays_of(folder, document)}
    known = {*JSON_FILES, *WRITTEN_BY_HAND, *used}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known:
            yield f"{name}: no case needs it"


def _arrays_of(folder: Path, document: Any) -> list[str]:
    try:
        return list(read_arrays(folder, document))
    except ValueError:
        return []  # said where the file is looked at


def _ledger_faults(found: Mapping[str, Any]) -> Iterator[str]:
    if LEDGER not in found:
        return
    ledger = found[LEDGER]["files"]
    for name, document in found.items():
        if name == LEDGER:
            continue
        stem = name.removesuffix(".json")
        entry = ledger.get(stem, {"hashes": [], "retired": []})
        numbers = [case["id"] for case in document["cases"]]
        for number in (number for number, times in Counter(numbers).items() if times > 1):
            yield f"{name}: case {number}: the id is there {numbers.count(number)} times"
        for case in document["cases"]:
            if not 1 <= case["id"] <= len(entry["hashes"]):
                yield f"{name}: case {case['id']}: the id is not in {LEDGER}"
            elif entry["hashes"][case["id"] - 1] != content_hash(stem, case):
                yield f"{name}: case {case['id']}: its content is not that of {LEDGER}; "\
                    "changed content needs a new id"  # fmt: skip
        gone = sorted(set(range(1, len(entry["hashes"]) + 1)) - set(numbers))
        if gone != entry["retired"]:
            yield f"{LEDGER}: {stem}: retired is {entry['retired']}, expected {gone}"
        if len(set(entry["hashes"])) != len(entry["hashes"]):
            yield f"{LEDGER}: {stem}: a hash is there twice"


def _operation_faults(folder: Path, entry: Operation, document: Mapping[str, Any]) -> Iterator[str]:
    expected = header(entry)
    for key, value in expected.items():
        if document[key] != value:
            yield f"{key}: not that of the contract"
    used = {flag for case in document["cases"] for flag in case["flags"]}
    declared = document["flags"]
    for flag in sorted(used - set(declared)):
        yield f"flag {flag!r} is used and not declared"
    for flag in sorted(set(declared) - used):
        yield f"flag {flag!r} is declared and not used"
    for flag, meaning in declared.items():
        if FLAGS.get(flag) != meaning:
            yield f"flag {flag!r} is not explained as it is everywhere"
    try:
        arrays = read_arrays(folder, document)
    except ValueError as error:
        yield str(error)
        return
    for case in document["cases"]:
        for fault in lint_case(entry, case, arrays):
            yield f"case {case['id']}: {fault}"


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:80] + " ... " + text[-75:]
