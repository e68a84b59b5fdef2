"""``python -m benchmarks [NAME ...] [--json FILE] [--plot FILE]``: ratios, medians of turns."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.measure import Row
from msq_ref.formats import check_writable, known_name, write_text
from msq_ref.formats.console import console, run_app

BENCHMARKS = {
    "bitserial_gemm": 6,
    "fused_quantizer": 2,
    "hessian": 1,
    "hwsim_engine": 1,
    "hwsim_resnet50": 1,
    "int8_gemm": 2,
    "integer_paths": 16,
    "memory": 1,
    "mobilenetv3_step": 2,
    "resnet20_step": 2,
    "small_cnn_step": 2,
    "startup": 1,
    "vit_step": 2,
}
"""Name of each module here, and how many interleaved groups it runs."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each candidate.")] = 15,
    as_json: Annotated[Path | None, typer.Option("--json", help="File for the rows.")] = None,
    picture: Annotated[Path | None, typer.Option("--plot", help="File for a picture.")] = None,
) -> None:
    """Compare with peers and with the machine's limits; all benchmarks if none is named.

    A target that is missed is no failure. Example: python -m benchmarks startup --json rows.json
    """
    chosen = [known_name("NAME", name, BENCHMARKS) for name in names or BENCHMARKS]
    for option, file in (("--json", as_json), ("--plot", picture)):
        if file is not None:
            check_writable(option, file.parent)
    # A peer's idle threads must not spin; both are read when the peer is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    from benchmarks.machine import measure_limits
    from benchmarks.report import Result, as_plain, plot, show

    measure_limits()  # compiles, and warms the processor up
    results, before = [], measure_limits()
    for name in chosen:
        rows = _run(name, rounds)
        after = measure_limits()
        results.append(Result(rows, before, after))
        before = after
    show(results, console())
    if as_json is not None:
        as_json.parent.mkdir(parents=True, exist_ok=True)
        write_text(as_json, json.dumps(as_plain(results), indent=2) + "\n")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        plot(results, picture)


def _run(name: str, rounds: int) -> list[Row]:
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=(rounds + 1) * BENCHMARKS[name])
        module = importlib.import_module(f"benchmarks.{name}")
        rows: list[Row] = module.run(rounds, lambda: bar.advance(task))
    return rows


if __name__ == "__main__":
    raise SystemExit(run_app(app, "benchmarks"))
