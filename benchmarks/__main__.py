"""``python -m benchmarks [NAME ...] [--json FILE]``: print ratio tables, medians of many turns."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.measure import Row
from msq_ref.formats import check_writable, known_name, write_text
from msq_ref.formats.console import console, run_app

BENCHMARKS = {"fused_quantizer": 2, "startup": 1}
"""Name of each module here, and how many interleaved groups it runs."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each candidate.")] = 15,
    as_json: Annotated[Path | None, typer.Option("--json", help="File for the rows.")] = None,
) -> None:
    """Compare with peers and with the machine's limits; all benchmarks if none is named.

    Example: python -m benchmarks fused_quantizer --json rows.json
    """
    chosen = [known_name("NAME", name, BENCHMARKS) for name in names or BENCHMARKS]
    if as_json is not None:
        check_writable("--json", as_json.parent)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a peer's idle threads must not spin
    rows: list[Row] = []
    for name in chosen:
        rows += _run(name, rounds)
    _print(rows)
    if as_json is not None:
        as_json.parent.mkdir(parents=True, exist_ok=True)
        write_text(as_json, json.dumps([entry.as_dict() for entry in rows], indent=2) + "\n")


def _run(name: str, rounds: int) -> list[Row]:
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=(rounds + 1) * BENCHMARKS[name])
        module = importlib.import_module(f"benchmarks.{name}")
        rows: list[Row] = module.run(rounds, lambda: bar.advance(task))
    return rows


def _print(rows: list[Row]) -> None:
    table = Table("case", "ours", "peer", "peer's", "ratio", "spread", "x limit")
    for entry in rows:
        table.add_row(
            entry.case, f"{entry.ours_s * 1e3:.2f} ms", entry.peer, f"{entry.peer_s * 1e3:.2f} ms",
            f"{entry.ratio:.3f}", f"{entry.spread:.3f}", f"{entry.ratio_to_limit:.2f}",
        )  # fmt: skip
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(run_app(app, "benchmarks"))
