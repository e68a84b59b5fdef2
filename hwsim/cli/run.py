"""``hwsim run``: one network on one accelerator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.cli.inputs import read_accelerator
from hwsim.cli.options import (
    ArrayOption,
    BitsOption,
    CompressionOption,
    CsvOption,
    HtmlOption,
    JsonFileOption,
    NetworkArgument,
    ObjectiveOption,
    SetOption,
)
from hwsim.cli.program import app
from hwsim.cli.progress import Waiting
from hwsim.cli.targets import check_files, csv_text, deliver
from msq_ref.formats.printing import print_lines, print_table

if TYPE_CHECKING:
    from hwsim.accelerator import Accelerator
    from hwsim.report import Report
    from hwsim.workload import Workload

__all__ = ["run"]


@app.command()
def run(
    network: NetworkArgument,
    accelerator: Annotated[
        str, typer.Option(help="Name of a preset, or a TOML file of the same form.")
    ] = "edge-small",
    array: ArrayOption = None,
    assignments: SetOption = None,
    bits: BitsOption = None,
    compression: CompressionOption = None,
    objective: ObjectiveOption = "cycles",
    json_file: JsonFileOption = None,
    csv_file: CsvOption = None,
    html_file: HtmlOption = None,
) -> None:
    """Count cycles, memory traffic and energy of a network, for one image.

    Example: hwsim run resnet20 --bits 4

    Example: hwsim run resnet20 --accelerator edge-large --array 32x16
    """
    targets = {"--json": json_file, "--csv": csv_file, "--html": html_file}
    check_files(targets, dash=("--json", "--csv"))
    from hwsim.load import load_workload, with_widths  # noqa: PLC0415  (the help comes without)
    from hwsim.report import simulate  # noqa: PLC0415
    from hwsim.tables import CSV_COLUMNS, csv_rows  # noqa: PLC0415

    with Waiting(f"reading {network}") as waiting:
        machine = read_accelerator(accelerator, array, assignments)
        plain = load_workload(network)
        workload = with_widths(plain, bits, compression)
        waiting.step(f"counting {workload.name} on {machine.name}")
        report = simulate(workload, machine, objective=objective)
        at_8_bits, missing = _reference(plain, machine, objective)
        if html_file is not None:
            from hwsim.pages import write_report  # noqa: PLC0415  (matplotlib is slow to load)

            waiting.step(f"writing {html_file}")
            write_report(html_file, report, at_8_bits, workload)
    printed = deliver(json_file, json.dumps(report.to_json(), indent=2) + "\n")
    if deliver(csv_file, csv_text(CSV_COLUMNS, csv_rows(report))) or printed:
        return
    _print(report, at_8_bits)
    print_lines([f"No comparison with 8 bits: {missing}" if missing else ""])


def _reference(
    workload: Workload, accelerator: Accelerator, objective: str
) -> tuple[Report | None, str]:
    """Return the report at 8 bits; if wider weights do not fit, none and the reason."""
    from hwsim.report import simulate  # noqa: PLC0415  (see `run`)

    try:
        return simulate(workload.at_bits(8), accelerator, objective=objective), ""
    except ValueError as error:
        return None, str(error)


def _print(report: Report, at_8_bits: Report | None) -> None:
    from hwsim import tables  # noqa: PLC0415  (see `run`)

    title = f"{report.network} on {report.accelerator}, one image"
    print_table(title, tables.LAYER_COLUMNS, tables.layer_rows(report))
    print_table("Totals", tables.TOTAL_COLUMNS, tables.total_rows(report, at_8_bits))
    print_lines(tables.notes(report, at_8_bits))
