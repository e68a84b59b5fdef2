"""The one form in which a file of vectors is written, and strict reading."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

__all__ = ["canonical", "parse"]

WIDTH = 100
"""Columns of a line, where something can be broken."""

ORDER = (
    "format", "spec_version", "operation", "id", "name", "description", "comment", "domain",
    "clauses", "clause", "formula", "exactness", "flags", "result", "kind", "default", "arguments",
    "given", "expected", "error", "intermediates", "definitions", "stages", "steps", "cases",
    "files", "hashes", "retired", "dtype", "shape", "data", "npy", "sha256", "legal", "numerator",
    "denominator", "value",
)  # fmt: skip
"""Keys come in this order, then others by name; in ``arguments``, in that of the operation."""


def parse(text: str, source: Path | str) -> Any:
    """Read JSON that has no repeated keys and no decimal fractions.

    Raises
    ------
    ValueError
        Naming the source; also for floats, which are strings here.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source}: not a file of vectors ({error})") from None


def canonical(document: dict[str, Any]) -> str:
    """Return the text of a document: keys in order, cases by id, lines of at most 100 columns."""
    listed = document.get("arguments")
    entries = listed if isinstance(listed, list) else []
    names = [str(entry.get("name")) for entry in entries if isinstance(entry, dict)]
    rank = {key: (0, index, "") for index, key in enumerate(ORDER)}
    own = {key: (0, index, "") for index, key in enumerate(names)}
    return _text(_sorted(document, rank, own), 0) + "\n"


def _sorted(value: Any, rank: dict[str, Any], own: dict[str, Any], inside: str = "") -> Any:
    if isinstance(value, list):
        items = [_sorted(item, rank, own) for item in value]
        if inside == "cases" and all(
            isinstance(item, dict) and isinstance(item.get("id"), int) for item in items
        ):
            items.sort(key=lambda item: item["id"])
        if inside == "flags" and all(isinstance(item, str) for item in items):
            items.sort()
        return items
    if isinstance(value, dict):
        order = own if inside == "arguments" else rank
        keys = sorted(value, key=lambda key: order.get(key, (1, 0, key)))
        return {key: _sorted(value[key], rank, own, key) for key in keys}
    return value


def _text(value: Any, indent: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, list):
        if len(flat) + indent + 20 <= WIDTH:  # 20: room for the key
            return flat
        if not any(isinstance(item, dict | list) for item in value):
            words = [json.dumps(item, ensure_ascii=False) for item in value]
            if not any(" " in word for word in words):
                return f"[\n{_filled(words, inner)}\n{' ' * indent}]"
        items = [inner + _text(item, indent + 2) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{' ' * indent}]"
    if len(flat) + indent + 20 <= WIDTH and indent >= 4:  # small objects: one line
        return flat
    pairs = [f"{inner}{json.dumps(key)}: {_text(item, indent + 2)}" for key, item in value.items()]
    return "{\n" + ",\n".join(pairs) + f"\n{' ' * indent}}}"


def _filled(words: list[str], inner: str) -> str:
    return textwrap.fill(
        ", ".join(words), WIDTH, initial_indent=inner, subsequent_indent=inner,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return document


def _no_float(text: str) -> Any:
    raise ValueError(f"{text}: a float must be a string in hexadecimal")
