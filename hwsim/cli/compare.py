"""``hwsim compare``: one network on several accelerators."""

from __future__ import annotations

import json
from typing import Annotated

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

__all__ = ["compare"]


@app.command()
def compare(
    network: NetworkArgument,
    designs: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Presets or TOML files, the first of which the others are compared with. "
            "A@parallel is the bit-parallel design of the same area as A.",
        ),
    ],
    equal_area: Annotated[
        bool,
        typer.Option(
            "--equal-area",
            help="Give every array the area of the first: as many columns, then rows, as fit.",
        ),
    ] = False,
    array: ArrayOption = None,
    assignments: SetOption = None,
    bits: BitsOption = None,
    compression: CompressionOption = None,
    objective: ObjectiveOption = "cycles",
    json_file: JsonFileOption = None,
    csv_file: CsvOption = None,
    html_file: HtmlOption = None,
) -> None:
    """Count what a network costs on several accelerators, for one image, beside the first.

    --array and --set change every design.

    Example: hwsim compare resnet20 edge-small edge-small@parallel --equal-area
    """
    targets = {"--json": json_file, "--csv": csv_file, "--html": html_file}
    check_files(targets, dash=("--json", "--csv"))
    from hwsim.area import area_of  # noqa: PLC0415  (the help comes without them)
    from hwsim.designs import (  # noqa: PLC0415
        DESIGN_COLUMNS,
        DESIGN_CSV_COLUMNS,
        design_csv_rows,
        design_notes,
        design_rows,
        designs_json,
    )
    from hwsim.equal_area import scaled_to  # noqa: PLC0415
    from hwsim.load import load_workload  # noqa: PLC0415
    from hwsim.report import simulate  # noqa: PLC0415

    with Waiting(f"reading {network}") as waiting:
        machines = [read_accelerator(name, array, assignments) for name in designs]
        workload = load_workload(network, bits=bits, compression=compression)
        if equal_area:
            room = area_of(machines[0]).array
            machines = [machines[0], *(scaled_to(machine, room) for machine in machines[1:])]
        reports = []
        for number, machine in enumerate(machines, 1):
            waiting.step(f"{number} of {len(machines)}: {workload.name} on {machine.name}")
            reports.append(simulate(workload, machine, objective=objective))
        if html_file is not None:
            from hwsim.pages import write_comparison  # noqa: PLC0415  (see `run`)

            waiting.step(f"writing {html_file}")
            write_comparison(html_file, reports, workload)
    printed = deliver(json_file, json.dumps(designs_json(reports), indent=2) + "\n")
    if deliver(csv_file, csv_text(DESIGN_CSV_COLUMNS, design_csv_rows(reports))) or printed:
        return
    print_table(f"{workload.name}, one image", DESIGN_COLUMNS, design_rows(reports))
    print_lines(design_notes(reports))
