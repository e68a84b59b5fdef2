"""A report as one self-contained HTML page."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path

from hwsim.accelerator import Accelerator
from hwsim.energy import Energy
from hwsim.plots import plot_cycles
from hwsim.report import Report
from hwsim.tables import LAYER_COLUMNS, TOTAL_COLUMNS, layer_rows, notes, speed_up, total_rows
from msq_ref.formats.page import Section, write_page

__all__ = ["write_report"]


def write_report(
    target: Path, report: Report, at_8_bits: Report | None, accelerator: Accelerator
) -> None:
    """Write the page, atomically: totals, a plot of the cycles, the layers, and the energy.

    Parameters
    ----------
    target : Path
    report : Report
    at_8_bits : Report or None
        Of the same network with 8-bit weights; None if that does not fit the accelerator.
    accelerator : Accelerator
        On which both ran.
    """
    reports = {"as it is": report}
    comparison = "With 8-bit weights the network does not fit."
    if at_8_bits is not None:
        reports["at 8 bits"] = at_8_bits
        speed = speed_up(report, at_8_bits)
        comparison = f"{speed} the speed of the same network with 8-bit weights."
    with tempfile.TemporaryDirectory() as folder:
        plot = Path(folder) / "cycles.svg"
        plot_cycles(reports, plot)
        sections = [
            Section(
                "Totals", [f"{accelerator.description}. One image. {comparison}"], TOTAL_COLUMNS,
                total_rows(report, at_8_bits),
            ),
            Section("Where the cycles go", picture=plot),
            *(
                Section(f"Layers, {label}", (), LAYER_COLUMNS, layer_rows(each))
                for label, each in reports.items()
            ),
            _energy(report, accelerator),
        ]  # fmt: skip
        write_page(target, f"{report.network} on {report.accelerator}", sections)


def _energy(report: Report, accelerator: Accelerator) -> Section:
    parts = [field.name for field in fields(Energy)]
    rows = [
        [layer.name, *(f"{getattr(layer.energy, part) / 1e3:,.1f}" for part in parts)]
        for layer in report.layers
    ]
    said = [
        "Cycles, bytes and operations are exact for the machine described in docs/hwsim.md."
        + ("" if accelerator.vector else " It has no vector unit: pooling, additions and "
           "requantization are not counted."),
        *(note for note in notes(report, at_8_bits=None)[1:] if note),
    ]
    header = ["layer", *(part.replace("_", " ") for part in parts)]
    return Section("Where the energy goes, nJ", said, header, rows)
