"""Measure accuracy against compression over seeds: ``python docs/measure_frontier.py FOLDER``.

Trains what ``docs/results.md`` lists, over seeds 0 to 4 (about 8 minutes), writes
``docs/frontier.json`` and the table of ``docs/results.md`` between its markers. Runs that are
finished in FOLDER are taken as they are.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from marks import between

from msq_ref.cli.folder import prepare_folder
from msq_ref.cli.job import make_job, run_job
from msq_ref.cli.progress import epochs_bar
from msq_ref.files import write_text
from msq_ref.training.config import parse_config

SEEDS = range(5)
HERE = Path(__file__).parent

RUNS: dict[str, dict[str, Any]] = {
    "float": {"method": "float"},
    "DoReFa 8 bits": {"method": "dorefa", "dorefa": {"bits": 8}},
    "DoReFa 4 bits": {"method": "dorefa", "dorefa": {"bits": 4}},
    "DoReFa 2 bits": {"method": "dorefa", "dorefa": {"bits": 2}},
    "MSQ signed, to 8x": {"msq": {"target": 8}},
    "MSQ signed, to 10x (default)": {},
    "MSQ signed, to 12x, n_min 2": {"msq": {"target": 12, "n_min": 2}},
    "MSQ offset, to 8x": {"msq": {"domain": "offset", "target": 8}},
    "MSQ offset, to 10x": {"msq": {"domain": "offset"}},
    "MSQ offset, to 12x, n_min 2": {"msq": {"domain": "offset", "target": 12, "n_min": 2}},
}


def main(folder: Path) -> None:
    """Train everything and write the results."""
    measured = {}
    for number, (name, values) in enumerate(RUNS.items()):
        measured[name] = [_run(name, folder / f"{number}-{seed}", values, seed) for seed in SEEDS]
    write_text(HERE / "frontier.json", json.dumps(measured, indent=1) + "\n")
    page = HERE / "results.md"
    text = page.read_text(encoding="utf-8")
    write_text(page, between(text, "<!-- frontier -->\n", "<!-- end -->", table(measured)))


def _run(name: str, path: Path, values: dict[str, Any], seed: int) -> dict[str, Any]:
    config = parse_config({**values, "seed": seed}, name)
    folder = prepare_folder(path, config, resume=True)
    if not folder.report.exists():
        with epochs_bar(f"{name}, seed {seed}", config.training.epochs) as progress:
            run_job(make_job(config), folder, progress, resume=True)
    report = folder.read_report()
    kept = ("accuracy", "validation_accuracy", "integer_accuracy", "compression", "bits")
    return {key: report[key] for key in kept if key in report}


def table(measured: dict[str, list[dict[str, Any]]]) -> str:
    """Return the Markdown table of `frontier.json`."""
    lines = [
        "| method | compression (least to most) | test accuracy, mean | by seed | integer, mean |",
        "|---|---|---|---|---|",
    ]
    for name, runs in measured.items():
        compressions = [run["compression"] for run in runs]
        accuracies = [run["accuracy"] for run in runs]
        integers = [run["integer_accuracy"] for run in runs if "integer_accuracy" in run]
        low, high = f"{min(compressions):.2f}", f"{max(compressions):.2f}"
        lines.append(
            f"| {name} | {low}x | " if low == high else f"| {name} | {low}x to {high}x | "
        )
        lines[-1] += f"{statistics.mean(accuracies):.4f} | "
        lines[-1] += " ".join(f"{accuracy:.3f}" for accuracy in accuracies)
        lines[-1] += f" | {statistics.mean(integers):.4f} |" if integers else " | - |"
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
