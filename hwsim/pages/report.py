"""The report of a network on an accelerator as one self-contained HTML page."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hwsim.causes import ENERGY_PARTS
from hwsim.occupancy import occupancy
from hwsim.pages.words import (
    bounds,
    cycles_alt,
    energy_alt,
    energy_shares,
    occupancy_alt,
    roofline_alt,
)
from hwsim.plots import (
    plot_cycles,
    plot_energy,
    plot_energy_by_layer,
    plot_occupancy,
    plot_roofline,
)
from hwsim.report import Report
from hwsim.roofline import roofline
from hwsim.tables import LAYER_COLUMNS, TOTAL_COLUMNS, layer_rows, notes, speed_up, total_rows
from hwsim.workload import Workload
from msq_ref.formats.page import Figure, Section, write_page

__all__ = ["write_report"]

_MORE_COLUMNS = "MACs/cycle", "MACs/DRAM B"


def write_report(
    target: Path, report: Report, at_8_bits: Report | None, workload: Workload
) -> None:
    """Write the page, atomically.

    Parameters
    ----------
    target : Path
    report : Report
    at_8_bits : Report or None
        Of the same network with 8-bit weights; None if that does not fit the accelerator.
    workload : Workload
        What `report` reports on.

    Raises
    ------
    ValueError
        If the workload is not that of the report.
    OSError
        If the page cannot be written; one that was there stays whole.
    """
    reports = {"as it is": report}
    if at_8_bits is None:
        comparison = "With 8-bit weights the network does not fit."
    elif at_8_bits.layers == report.layers:
        comparison = "Its weights have 8 bits."
    else:
        reports["at 8 bits"] = at_8_bits
        speed = speed_up(report, at_8_bits)
        comparison = f"{speed} the speed of the same network with 8-bit weights."
    said = [f"{report.design.description}. One image. {comparison}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections = [
            Section("Totals", said, TOTAL_COLUMNS, total_rows(report, at_8_bits)),
            limits(report, workload, folder),
            cycles(reports, folder),
            _energy(reports, folder),
            buffers(report, workload, folder),
            *(
                Section(
                    f"Layers, {label}",
                    [_HOW_LAYERS_READ],
                    (*LAYER_COLUMNS, *_MORE_COLUMNS),
                    _layer_rows(each),
                    table="Cycles, bytes (B) and energy (nJ) of one image",
                )
                for label, each in reports.items()
            ),
            Section("Exact and estimated", _exactness(report)),
        ]
        write_page(target, f"{report.network} on {report.accelerator}", sections)


_HOW_LAYERS_READ = (
    "A tile has outputs x positions x channels, its loops named from the outermost; a layer waits "
    "for the cause of most of its stall; utilization is the share of lanes and cycles in use."
)


def limits(report: Report, workload: Workload, folder: Path) -> Section:
    """Return a section on what bounds a network, with its roofline.

    Parameters
    ----------
    report : Report
    workload : Workload
    folder : Path
        For the picture, until the page is written.
    """
    points = roofline(report, workload)
    picture = _new_picture(folder)
    plot_roofline(report, workload, picture)
    caption = (
        "A point is a layer of the array; a line is the most that the array does at that width of "
        "weights, or that DRAM feeds."
    )
    if any(point.rate > point.limit for point in points):
        caption += " Points above their line are layers in which planes of zeros are skipped."
    figure = Figure(picture, roofline_alt(points), caption)
    return Section("What bounds it", bounds(report, points), figures=[figure])


def cycles(reports: dict[str, Report], folder: Path) -> Section:
    """Return a section on the cycles of each layer, by cause; arguments as in `limits`."""
    picture = _new_picture(folder)
    plot_cycles(reports, picture)
    caption = "Each layer's cycles for one image: computing, and waiting by cause."
    return Section(
        "Where the cycles go", figures=[Figure(picture, cycles_alt(reports), caption)]
    )


def buffers(report: Report, workload: Workload, folder: Path) -> Section:
    """Return a section on what the buffers hold over time; arguments as in `limits`."""
    found = occupancy(report, workload)
    picture = _new_picture(folder)
    plot_occupancy(found, picture)
    doubled = "half a buffer; the other half is filled or emptied meanwhile"
    room = doubled if report.design.buffers.double_buffered else "a whole buffer"
    step = "One step a tile." if found.exact else "The most held in each of many stretches of time."
    said = (
        "What the tile at work holds: its weights, its inputs, and its outputs or all partial sums "
        f"that are live. Its room is {room}."
    )
    caption = f"{step} Every second layer has a grey ground."
    figure = Figure(picture, occupancy_alt(found), caption)
    return Section("What the buffers hold", [said], figures=[figure])


def _energy(reports: dict[str, Report], folder: Path) -> Section:
    report = reports["as it is"]
    total = _new_picture(folder)
    plot_energy(reports, total)
    by_layer = _new_picture(folder)
    plot_energy_by_layer(reports, by_layer)
    rows = [
        [layer.name, *(f"{getattr(layer.energy, part) / 1e3:,.1f}" for part in ENERGY_PARTS)]
        for layer in report.layers
    ]
    alt = energy_alt(reports)
    return Section(
        "Where the energy goes",
        [f"An estimate: {energy_shares(report)}."],
        ["layer", *ENERGY_PARTS.values()],
        rows,
        [
            Figure(total, alt, "Energy of one image, all layers."),
            Figure(by_layer, f"By layer. {alt}", "Energy of one image, by layer."),
        ],
        "Energy by layer, as it is, in nJ",
    )


def _new_picture(folder: Path) -> Path:
    """Return a name for a picture that none in the folder has."""
    return folder / f"{len(list(folder.iterdir()))}.svg"


def _layer_rows(report: Report) -> list[tuple[str, ...]]:
    rows = []
    for row, layer in zip(layer_rows(report), report.layers, strict=True):
        more = ["-", "-"]
        if layer.macs:
            more = [f"{layer.macs / part:,.1f}" for part in (layer.cycles, layer.dram_bytes)]
        rows.append((*row, *more))
    return rows


def _exactness(report: Report) -> list[str]:
    vector = "" if report.design.vector else (
        " It has no vector unit: pooling, additions and requantization are not counted."
    )  # fmt: skip
    return [
        "Cycles, bytes and operations are exact for the machine described in docs/hwsim.md."
        + vector,
        *(note for note in notes(report, at_8_bits=None)[1:] if note),
    ]
