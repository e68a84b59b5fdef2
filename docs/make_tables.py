"""Write the tables of the spec from the contract: ``python docs/make_tables.py``."""

from __future__ import annotations

from pathlib import Path

from marks import between

from msq_ref.contract import KINDS, OPERATIONS
from msq_ref.files import write_text

SPEC = Path(__file__).parent / "spec.md"
FIRST, LAST = "<!-- operations -->\n", "<!-- end -->"


def tables() -> str:
    """Return the table of operations and that of the kinds of arguments."""
    lines = [
        "| operation | arguments (kind) | returns | clauses | exactness |",
        "|---|---|---|---|---|",
    ]
    for entry in OPERATIONS:
        arguments = ", ".join(
            f"`{argument}` ({kind})"
            for argument, kind in zip(entry.arguments, entry.kinds, strict=True)
        )
        lines.append(
            f"| `{entry.name}` | {arguments} | {_cell(entry.returns)} | "
            f"{', '.join(entry.clauses)} | {_cell(entry.exactness)} |"
        )
    lines += ["", "| kind | type | shape | legal |", "|---|---|---|---|"]
    for kind in KINDS.values():
        cells = kind.name, kind.dtype, kind.shape or "-", kind.legal
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def spec_with_tables(text: str) -> str:
    """Return the text of the spec with its tables as they are now."""
    return between(text, FIRST, LAST, tables())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_text(SPEC, spec_with_tables(SPEC.read_text(encoding="utf-8")))
