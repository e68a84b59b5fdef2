"""Write the table and draw the pictures of the page: ``python docs/make_performance.py``.

Figures are those of benchmarks.json, ``python -m benchmarks --json docs/benchmarks.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import draw_measured
from draw_convolutions import CONVOLUTIONS
from draw_integers import INTEGERS, fastest_paths
from draw_passes import PASSES, normalization_passes
from marks import between

from msq_ref.files import write_text
from msq_ref.formats.style import save_figure

HERE = Path(__file__).parent
PAGE, ROWS = HERE / "performance.md", HERE / "benchmarks.json"
FIRST, LAST = "<!-- benchmarks -->\n", "<!-- end -->"


def table(rows: list[dict[str, Any]]) -> str:
    """Return a line for every case that has a target or a peer."""
    lines = [
        "| case | threads | ours | peer | ratio | target | met | of the FMA peak | of bandwidth |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"`{row['case']}`", str(row["threads"]), _amount(row["ours_s"], row["unit"]),
            f"{_amount(row['peer_s'], row['unit'])} {row['peer']}" if row["peer"] else "-",
            f"{row['ratio']:.2f}" if row["peer"] else "-",
            "-" if row["target"] is None else _target(row),
            {True: "yes", False: "no", None: "-"}[row["met"]],
            _share(row["of_peak"]), _share(row["of_bandwidth"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    noisy = sorted({row["case"] for row in rows if row["noise"]})
    if noisy:
        lines += ["", f"The machine was too noisy to judge: {', '.join(noisy)}."]
    return "\n".join(lines) + "\n"


def page_with_table(text: str) -> str:
    """Return the text of the page with its table as it is now."""
    rows = json.loads(ROWS.read_text(encoding="utf-8"))
    return between(text, FIRST, LAST, table(rows))


def draw(folder: Path) -> None:
    """Write all pictures of the page into a folder, as ``kernel-NAME.svg``."""
    rows = json.loads(ROWS.read_text(encoding="utf-8"))
    figures = {name: make().figure for name, make in (CONVOLUTIONS | PASSES | INTEGERS).items()}
    figures |= {
        "normalization": normalization_passes(),
        "paths": fastest_paths(),
        "errors": draw_measured.errors(),
        "roofline": draw_measured.roofline(rows),
        "quantizer": draw_measured.quantizer(rows),
        "memory": draw_measured.memory(rows),
        "layers": draw_measured.layers(rows),
        "growth": draw_measured.growth(rows),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / f"kernel-{name}.svg")


def _amount(value: float, unit: str) -> str:
    return f"{value * 1e3:.4g} ms" if unit == "s" else f"{value / 2**20:.0f} MiB"


def _target(row: dict[str, Any]) -> str:
    what = {"ratio": "", "ratio_to_limit": " of the limit", "ours_s": " s"}[row["target_of"]]
    return f"{row['target']:.3g}{what}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


if __name__ == "__main__":
    write_text(PAGE, page_with_table(PAGE.read_text(encoding="utf-8")))
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "images")
