"""A comparison of accelerators as one self-contained HTML page."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hwsim.designs import DESIGN_COLUMNS, design_notes, design_rows
from hwsim.pages.report import buffers, cycles, limits
from hwsim.pages.words import cycles_alt, energy_alt
from hwsim.plots import plot_energy, plot_total_cycles
from hwsim.report import Report
from hwsim.workload import Workload
from msq_ref.formats.page import Figure, Section, write_page

__all__ = ["write_comparison"]


def write_comparison(target: Path, reports: Sequence[Report], workload: Workload) -> None:
    """Write the page, atomically: the designs beside the first, then each by itself.

    Parameters
    ----------
    target : Path
    reports : sequence of Report
        Of the same network on several accelerators; the first is the measure of all.
    workload : Workload
        What they report on.

    Raises
    ------
    ValueError
        If there is no report, or the workload is not theirs.
    OSError
        If the page cannot be written; one that was there stays whole.
    """
    if not reports:
        raise ValueError("reports = []: expected at least one")
    named = dict(zip(_labels(reports), reports, strict=True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        total_cycles, energy = folder / "cycles.svg", folder / "energy.svg"
        plot_total_cycles(named, total_cycles)
        plot_energy(named, energy)
        sections = [
            Section(
                "Designs", ["One image."], DESIGN_COLUMNS, design_rows(list(reports)),
                [
                    Figure(total_cycles, cycles_alt(named), "Cycles of one image, by cause. Clocks "
                           "may differ: the table has times."),
                    Figure(energy, energy_alt(named), "Energy of one image, by part: an estimate."),
                ],
                f"Beside {reports[0].accelerator}",
            ),
            *(_design(label, report, workload, folder) for label, report in named.items()),
            Section("How to read it", [note for note in design_notes(list(reports)) if note]),
        ]  # fmt: skip
        write_page(target, f"{reports[0].network} on {len(reports)} accelerators", sections)


def _design(label: str, report: Report, workload: Workload, folder: Path) -> Section:
    """Return a section of a design by itself: its limits, its layers and its buffers."""
    bound, held = limits(report, workload, folder), buffers(report, workload, folder)
    spent = cycles({label: report}, folder)
    return Section(
        label, [f"{report.design.description}.", *bound.text, *held.text],
        figures=[*bound.figures, *spent.figures, *held.figures],
    )  # fmt: skip


def _labels(reports: Sequence[Report]) -> list[str]:
    """Return the names of the accelerators, numbered where several have the same."""
    names = [report.accelerator for report in reports]
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if names.count(name) == 1 else f"{name}, {seen[name]}")
    return labels
