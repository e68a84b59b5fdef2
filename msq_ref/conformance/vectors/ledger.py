"""Which id belongs to which content, for ever: ids are given once and never again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["Ledger", "content_hash"]

DIGITS = 16
"""Hexadecimal digits that are kept of a digest."""


def content_hash(name: str, case: Mapping[str, Any]) -> str:
    """Return the digest of what a case asks and expects; its prose and flags may be improved.

    Parameters
    ----------
    name : str
        Of its file, an operation as a rule.
    case : mapping
        As it is in the file.
    """
    meaning = {key: value for key, value in case.items() if key not in _PROSE}
    text = json.dumps([name, meaning], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


_PROSE = ("id", "comment", "clauses", "flags", "intermediates", "description")


class Ledger:
    """The ids that were ever given, file by file: id i is that of the i-th hash, from 1.

    Parameters
    ----------
    document : mapping
        Of ``ids.json``; ``{}`` for none yet.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.hashes: dict[str, list[str]] = {
            name: list(entry["hashes"]) for name, entry in document.get("files", {}).items()
        }
        self._used: dict[str, set[int]] = {name: set() for name in self.hashes}

    def give(self, name: str, case: Mapping[str, Any]) -> int:
        """Return the id of a case: the one it always had, or the next that never was."""
        hashes = self.hashes.setdefault(name, [])
        digest = content_hash(name, case)
        if digest not in hashes:
            hashes.append(digest)
        number = hashes.index(digest) + 1
        self._used.setdefault(name, set()).add(number)
        return number

    def document(self) -> dict[str, Any]:
        """Return what ``ids.json`` holds; ids that were not given anew are retired."""
        return {
            "format": 1,
            "description": "Every id that was ever given: id i of a file is that of hash i, "
            "counted from 1. A line is only ever added; what is no longer used is retired.",
            "files": {
                name: {
                    "hashes": hashes,
                    "retired": [
                        number
                        for number in range(1, len(hashes) + 1)
                        if number not in self._used.get(name, ())
                    ],
                }
                for name, hashes in sorted(self.hashes.items())
            },
        }
