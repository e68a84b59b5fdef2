"""Write the page of comparisons: ``python docs/make_validation.py``.

The figures are those that ``hwsim validate --json`` prints; with ``--json FILE`` they are read
from a file instead.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from marks import between

from msq_ref.files import write_text

PAGE = Path(__file__).parent / "hwsim-validation.md"
MARKS = {
    "comparisons": ("<!-- comparisons -->\n", "<!-- end comparisons -->"),
    "differences": ("<!-- differences -->\n", "<!-- end differences -->"),
}
COMMAND = [sys.executable, "-c", "from hwsim.cli import main; main()", "validate", "--json"]


def comparisons_table(result: dict[str, Any]) -> str:
    """Return a line per comparison."""
    lines = [
        "| against | figures | rows | equal | total here | total there | error | must be equal |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for one in result["comparisons"]:
        cells = [
            one["against"],
            one["what"],
            f"{one['rows']:,}",
            f"{one['equal']:,}",
            _figure(one["ours"]),
            _figure(one["theirs"]),
            "" if one["error"] is None else f"{one['error']:.2%}",
            "yes" if one["required"] else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def differences_table(result: dict[str, Any]) -> str:
    """Return a line per row that differs, of a comparison the first ten."""
    lines = ["| against | figures | row | here | there | error |", "|---|---|---|---:|---:|---:|"]
    for one in result["comparisons"]:
        for row in one["differences"]:
            known = row["ours"] is not None and row["theirs"]
            error = f"{row['ours'] / row['theirs'] - 1:+.1%}" if known else ""
            cells = one["against"], one["what"], row["row"], _figure(row["ours"])
            lines.append(f"| {' | '.join(cells)} | {_figure(row['theirs'])} | {error} |")
    return "\n".join(lines) + "\n"


def page_with_tables(text: str, result: dict[str, Any]) -> str:
    """Return the text of the page with its tables as they are now."""
    tables = {
        "comparisons": comparisons_table(result), "differences": differences_table(result)
    }  # fmt: skip
    for key, marks in MARKS.items():
        text = between(text, *marks, tables[key])
    return text


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="what the command printed")
    file = parser.parse_args().json
    if file is None:
        # It fails, and says so in its JSON, where a comparison does not hold: the page shows it.
        text = subprocess.run(COMMAND, capture_output=True, text=True, check=False).stdout
    else:
        text = file.read_text(encoding="utf-8")
    write_text(PAGE, page_with_tables(PAGE.read_text(encoding="utf-8"), json.loads(text)))
