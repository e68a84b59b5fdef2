"""Check the backends that ship and write ``docs/scoreboard.md``.

``python docs/make_scoreboard.py [quick|full|deep]`` takes two minutes at quick, the default.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from msq_ref.contract import OPERATIONS
from msq_ref.files import write_text

BACKENDS = (
    "msq_ref.reference", "msq_ref.kernels", "msq_ref.backends.torch", "msq_ref.backends.jax",
    "msq_ref.backends.c",
)  # fmt: skip
HERE = Path(__file__).parent


def measure(backend: str, level: str) -> dict[str, Any]:
    """Return the JSON of ``msq conform`` in a process of its own."""
    command = [Path(sys.executable).with_name("msq"), "conform", backend, "--level", level,
               "--json", "-"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return dict(json.loads(done.stdout))


def page(measured: dict[str, dict[str, Any]], level: str) -> str:
    """Return the scoreboard in Markdown."""
    names = [backend.split(".")[-1] for backend in BACKENDS]
    lines = [
        "# Scoreboard of the backends that ship",
        "",
        f"`msq conform BACKEND --level {level}`, made by `python docs/make_scoreboard.py {level}`. "
        "A cell has the cases that passed of those that ran, and the worst distance from the "
        "definition in units in the last place where it is not 0. Seconds are those of one run, "
        "on a machine with other work to do.",
        "",
        f"| operation | exactness | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]
    reports = [{e["operation"]: e for e in measured[name]["operations"]} for name in BACKENDS]
    exactness = {entry.name: entry.exactness for entry in OPERATIONS}
    for name, first in reports[0].items():
        cells = [_cell(report[name]) for report in reports]
        kind = exactness.get(name, first["exactness"]).partition(":")[0]
        lines.append(f"| `{name}` | {kind} | {' | '.join(cells)} |")
    totals = [measured[name] for name in BACKENDS]
    lines += [
        _row("**cases**", (f"{t['passed']:,} of {t['cases']:,}" for t in totals)),
        _row("skipped, as declared", (str(t["skipped"]) for t in totals)),
        _row("seconds", (f"{t['seconds']:.1f}" for t in totals)),
        _row("compilation, seconds", (f"{t['compilation_seconds']:.1f}" for t in totals)),
    ]
    return "\n".join(lines) + "\n"


def _row(title: str, cells: Any) -> str:  # noqa: ANN401
    return f"| {title} | | {' | '.join(cells)} |"


def _cell(entry: dict[str, Any]) -> str:
    if entry["status"] == "not implemented":
        return "not implemented"
    text = f"{entry['passed']:,} of {entry['cases']:,}"
    worst = entry["worst_ulp"]
    return f"{text}, {worst:g} ulp" if worst else text


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "quick"
    found = {backend: measure(backend, chosen) for backend in BACKENDS}
    write_text(HERE / "scoreboard.md", page(found, chosen))
