"""``hwsim sweep``: one network on many designs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.cli.options import HtmlOption, JsonOption
from hwsim.cli.program import app
from hwsim.cli.progress import CountBar
from hwsim.cli.targets import check_files
from msq_ref.formats.printing import print_lines, print_table

if TYPE_CHECKING:
    from hwsim.sweep.summary import Columns

__all__ = ["sweep"]

SHOWN = 25
"""Designs of the front that the table has."""


@app.command()
def sweep(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Settings of the sweep, TOML.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Results, .csv or .parquet (a folder of parts); by default the config's name with "
            ".csv, in this folder. If it holds a part of this sweep, that is gone on with.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; by default one for each core."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run on the workers of this Dask scheduler, such as tcp://10.0.0.1:8786.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Run more than a million designs, if that is meant.")
    ] = False,
    as_json: JsonOption = False,
    html_file: HtmlOption = None,
) -> None:
    """Count what a network costs on many designs, and show those that no other one beats.

    The same command goes on where a sweep was stopped.

    Example: hwsim sweep --config sweep.toml
    """
    target = Path(f"{config.stem}.csv") if out is None else out
    if jobs is not None and scheduler is not None:
        raise ValueError(f"--jobs = {jobs}: expected without --scheduler, whose workers run it all")
    check_files({"--html": html_file})
    from hwsim.sweep import read_results, read_sweep, run_sweep  # noqa: PLC0415  (slow to load)

    settings = read_sweep(config)
    with CountBar(f"{settings.network}: designs") as bar:
        ran = run_sweep(
            config, target, jobs=jobs, scheduler=scheduler, progress=bar.show, yes=yes
        )
    columns = read_results(target)
    if html_file is not None:
        _write_page(html_file, settings.network, target, columns)
    if as_json:
        from hwsim.sweep.summary import summary_json  # noqa: PLC0415  (see above)

        typer.echo(json.dumps(summary_json(settings.network, target, columns, ran), indent=2))
        return
    _print(settings.network, target, columns, ran)


def _write_page(file: Path, network: str, target: Path, columns: Columns) -> None:
    from hwsim.pages import write_sweep_page  # noqa: PLC0415  (matplotlib is slow to load)
    from hwsim.sweep.summary import objectives, plain_columns  # noqa: PLC0415  (see `sweep`)

    x, y, *also = objectives(columns)
    said = [f"All points are in {target.name}.", "Energy and area are estimates."]
    write_sweep_page(
        file, f"Designs for {network}", plain_columns(columns), x=x, y=y, also=also, notes=said
    )


def _print(network: str, target: Path, columns: Columns, ran: int) -> None:
    from hwsim.sweep.summary import front_rows, front_table, notes  # noqa: PLC0415  (see `sweep`)

    rows = front_rows(columns)
    heads, cells = front_table(columns, rows[:SHOWN])
    print_table(f"{network}, one image: designs that no other one beats", heads, cells)
    more = f"{len(rows) - SHOWN:,} slower ones are on the front too: --json has all."
    print_lines([more if len(rows) > SHOWN else "", *notes(columns)])
    finished = "the sweep is finished already" if not ran else f"{ran:,} designs ran now"
    print_lines([f"{target}: {finished}."])
