"""The command line ``hwsim``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hwsim.accelerator import Accelerator, accelerator_names, load_accelerator
from hwsim.report import Report, simulate
from hwsim.tables import (
    ACCELERATOR_COLUMNS,
    LAYER_COLUMNS,
    TOTAL_COLUMNS,
    accelerator_rows,
    layer_rows,
    speed_up,
    total_rows,
)
from hwsim.workload import Workload, workload_from_run
from msq_ref.formats import check_writable, write_text
from msq_ref.formats.console import console, run_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="hwsim",
    help="What a network costs on a bit-serial accelerator: cycles, memory, energy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def run(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="Folder of a finished run.")],
    accelerator: Annotated[
        str, typer.Option(help="Name of a preset, or a TOML file of the same form.")
    ],
    bits: Annotated[
        int | None, typer.Option(min=1, max=16, help="Every weight this wide, not as trained.")
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write JSON; - prints it and nothing else."),
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a plot.")
    ] = None,
) -> None:
    """Count cycles, memory traffic and energy of a trained network, for one image.

    Example: hwsim run runs/first --accelerator edge-small
    """
    json_path = Path(json_file) if json_file not in (None, "-") else None
    _check_files({"--json": json_path, "--html": html_file})
    machine = load_accelerator(accelerator)
    workload = workload_from_run(network)
    report = simulate(workload if bits is None else workload.at_bits(bits), machine)
    at_8_bits, missing = _reference(workload, machine)
    text = json.dumps(report.to_json(), indent=2)
    if html_file is not None:
        from hwsim.page import write_report  # noqa: PLC0415  (matplotlib is slow to load)

        write_report(html_file, report, at_8_bits, machine)
    if json_path is not None:
        write_text(json_path, text + "\n")
    if json_file == "-":
        typer.echo(text)
    else:
        _print(report, at_8_bits, machine)
        if missing:
            typer.echo(f"No comparison with 8 bits: {missing}")


@app.command()
def accelerators(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """List the presets.

    Example: hwsim accelerators
    """
    presets = [load_accelerator(name) for name in accelerator_names()]
    if as_json:
        typer.echo(json.dumps({"accelerators": [preset.model_dump() for preset in presets]}))
        return
    console().print(_table("Presets", ACCELERATOR_COLUMNS, accelerator_rows(presets)))


def main() -> None:
    """Run the command line and exit: 0 done, 1 it ran and failed, 2 bad usage or input."""
    raise SystemExit(run_app(app, "hwsim"))


def _check_files(targets: dict[str, Path | None]) -> None:
    """Raise ``ValueError`` before any work if a file cannot be written."""
    seen: dict[Path, str] = {}
    for flag, target in targets.items():
        if target is None:
            continue
        if str(target) == "-":
            raise ValueError(f"{flag} = -: expected the name of a file")
        if not target.parent.is_dir():
            raise ValueError(f"{flag} = {target}: no such folder as {target.parent}")
        if target.is_dir():
            raise ValueError(f"{flag} = {target}: it is a folder")
        if target.is_file() or not target.exists():  # not a device or a pipe
            check_writable(flag, target.parent)
        other = seen.setdefault(target.resolve(), flag)
        if other != flag:
            raise ValueError(f"{flag} = {target}: the same file as {other}")


def _reference(workload: Workload, accelerator: Accelerator) -> tuple[Report | None, str]:
    """Return the report at 8 bits; if wider weights do not fit, none and the reason."""
    try:
        return simulate(workload.at_bits(8), accelerator), ""
    except ValueError as error:
        return None, str(error)


def _print(report: Report, at_8_bits: Report | None, accelerator: Accelerator) -> None:
    out = console()
    title = f"{report.network} on {report.accelerator}, one image"
    out.print(_table(title, LAYER_COLUMNS, layer_rows(report)))
    out.print(_table("Totals", TOTAL_COLUMNS, total_rows(report, at_8_bits)))
    for line in (
        f"Speed-up over 8 bits: {speed_up(report, at_8_bits)}",
        f"Energy is an estimate from {accelerator.energy.source}.",
    ):
        out.print(Text(line))


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    """Return a table; names come from files, so nothing is read as markup."""
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
