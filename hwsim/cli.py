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
    NETWORK_COLUMNS,
    TOTAL_COLUMNS,
    accelerator_rows,
    layer_rows,
    network_rows,
    speed_up,
    total_rows,
)
from hwsim.topology import topology_workload
from hwsim.workload import Workload, workload_from_run
from msq_ref.formats import check_writable, known_name, write_text
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
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Folder of a finished run, name of a network (hwsim networks), or a topology "
            "in SCALE-Sim's format (.csv).",
        ),
    ],
    accelerator: Annotated[
        str, typer.Option(help="Name of a preset, or a TOML file of the same form.")
    ],
    bits: Annotated[
        int | None,
        typer.Option(
            min=1, max=16, help="Every weight this wide, not as trained, or not 8 without a run."
        ),
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write JSON; - prints it and nothing else."),
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a plot.")
    ] = None,
) -> None:
    """Count cycles, memory traffic and energy of a network, for one image.

    Example: hwsim run runs/first --accelerator edge-small
    """
    json_path = Path(json_file) if json_file not in (None, "-") else None
    _check_files({"--json": json_path, "--html": html_file})
    machine = load_accelerator(accelerator)
    workload = _workload(network)
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


@app.command()
def networks(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """List the networks that `run` knows by name, with their sizes.

    Example: hwsim networks
    """
    from hwsim.networks import network_sizes  # noqa: PLC0415  (the help comes without them)

    sizes = network_sizes()
    if as_json:
        typer.echo(json.dumps({"networks": [vars(size) for size in sizes]}))
        return
    console().print(_table("Networks, one image", NETWORK_COLUMNS, network_rows(sizes)))


@app.command()
def validate(
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:FILES",
            help="A table of your own, in place of those that come along: "
            "scalesim:REPORT.csv,TOPOLOGY.csv,ROWSxCOLS,DATAFLOW (os, ws or is), "
            "bitsim:FILE.csv or bitfusion:FILE.csv.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Compare with the figures of published simulators and papers, row for row.

    Exit code 0 only if every row that must be equal is, and there is one.

    Example: hwsim validate --table bitsim:mine.csv
    """
    from hwsim.validate import (  # noqa: PLC0415  (the help comes without it)
        COLUMNS,
        built_in,
        compare_table,
        comparison_rows,
    )

    found = [one for text in table for one in compare_table(text)] if table else [*built_in()]
    holds = all(one.holds for one in found)
    if as_json:
        comparisons = [one.to_json() for one in found]
        typer.echo(json.dumps({"holds": holds, "comparisons": comparisons}, indent=2))
    else:
        out = console()
        out.print(_table("Comparisons", COLUMNS, comparison_rows(found)))
        for one in found:
            if one.first_difference is not None:
                text = f"{one.against}, {one.what}: first difference: {one.first_difference}"
                out.print(Text(text))
    if not holds:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line and exit: 0 done, 1 it ran and failed, 2 bad usage or input."""
    raise SystemExit(run_app(app, "hwsim"))


def _workload(network: str) -> Workload:
    """Return what a word of the command line names: a network, a topology or a run."""
    from hwsim.networks import network_names, network_workload  # noqa: PLC0415  (see `networks`)

    if network in network_names():
        return network_workload(network)
    path = Path(network)
    if path.suffix.lower() == ".csv":
        return topology_workload(path)
    if path.name == network and not path.exists():
        try:
            known_name("NETWORK", network, network_names())
        except ValueError as error:
            raise ValueError(f"{error}; and there is no such folder") from None
    return workload_from_run(path)


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
