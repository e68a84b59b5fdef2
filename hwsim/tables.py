"""Reports as rows of text, for the terminal and for the page."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from hwsim.accelerator import Accelerator
from hwsim.area import area_of
from hwsim.array import Array, SystolicArray
from hwsim.causes import CAUSES
from hwsim.layer_report import STALLS, VECTOR_STALL
from hwsim.report import Report
from hwsim.tiling import Tiling

if TYPE_CHECKING:
    from hwsim.networks import NetworkSize

__all__ = [
    "ACCELERATOR_COLUMNS",
    "CSV_COLUMNS",
    "LAYER_COLUMNS",
    "NETWORK_COLUMNS",
    "TOTAL_COLUMNS",
    "accelerator_rows",
    "array_text",
    "csv_rows",
    "layer_rows",
    "network_rows",
    "notes",
    "ratio",
    "speed_up",
    "stall_text",
    "total_rows",
    "workload_notes",
]

LAYER_COLUMNS = (
    "layer", "bits", "tile", "MACs", "compute", "stall", "waits for", "cycles", "DRAM B", "SRAM B",
    "nJ", "util.",
)  # fmt: skip
"""A tile is outputs x positions x channels, with the order of the loops; compute, stall and cycles
are cycles; it waits for the cause of most of the stall; utilization is the share of lanes and
cycles in use."""

CSV_COLUMNS = (
    "name", "kind", "macs", "bits", "compute_cycles", "stall_cycles", *STALLS, VECTOR_STALL,
    "cycles", "dram_bytes", "sram_bytes", "energy_pj", "utilization",
    *(field.name for field in fields(Tiling)),
)  # fmt: skip
"""The keys of the JSON, stalls and tiling side by side."""

TOTAL_COLUMNS = ("total", "as it is", "at 8 bits", "8 bits / as it is")
"""Of `total_rows`."""

ACCELERATOR_COLUMNS = (
    "name", "array", "rows x cols x lanes", "MHz", "buffers KB", "DRAM bits/cycle", "array kGE",
)  # fmt: skip
"""Buffers are those of weights, inputs and outputs; kGE are thousands of gate equivalents."""

NETWORK_COLUMNS = "name", "images", "layers", "MACs", "parameters"
"""Of `network_rows`."""


def layer_rows(report: Report) -> list[tuple[str, ...]]:
    """Return a row of `LAYER_COLUMNS` per layer."""
    return [
        (
            layer.name,
            str(layer.bits) if layer.bits else "-",
            "-" if layer.tiling is None else tile_text(layer.tiling),
            f"{layer.macs:,}" if layer.macs else "-",
            f"{layer.compute_cycles:,}",
            f"{layer.stall_cycles:,}",
            _main_cause(layer.stalls),
            f"{layer.cycles:,}",
            f"{layer.dram_bytes:,}",
            f"{layer.sram_bytes:,}",
            f"{layer.energy_pj / 1e3:,.1f}",
            f"{layer.utilization:.1%}",
        )
        for layer in report.layers
    ]


def tile_text(tiling: Tiling) -> str:
    """Return a tiling in a few letters: outputs x positions x channels of a tile, and the order."""
    return f"{tiling.m_size}x{tiling.p_size}x{tiling.c_size}:{tiling.order}"


def total_rows(report: Report, at_8_bits: Report | None) -> list[tuple[str, ...]]:
    """Return rows of `TOTAL_COLUMNS`: a report beside that of the same network at 8 bits.

    Without the latter, where it does not fit the accelerator, its columns hold a dash.
    """
    rows: list[tuple[str, ...]] = []
    for name, key, unit, form in (
        ("MACs", "macs", 1, ",d"),
        ("compute cycles", "compute_cycles", 1, ",d"),
        ("stall cycles", "stall_cycles", 1, ",d"),
        ("cycles", "cycles", 1, ",d"),
        ("latency, us", "latency_s", 1e-6, ",.2f"),
        ("DRAM bytes", "dram_bytes", 1, ",d"),
        ("energy, nJ", "energy_pj", 1e3, ",.1f"),
    ):
        ours = getattr(report.totals, key)
        theirs = None if at_8_bits is None else getattr(at_8_bits.totals, key)
        shown = (_shown(value, unit, form) for value in (ours, theirs))
        rows.append((name, *shown, ratio(theirs, ours)))
    return rows


def speed_up(report: Report, at_8_bits: Report | None) -> str:
    """Return how many times faster a network is than at 8 bits."""
    return ratio(None if at_8_bits is None else at_8_bits.totals.cycles, report.totals.cycles)


def csv_rows(report: Report) -> list[tuple[object, ...]]:
    """Return a row of `CSV_COLUMNS` per layer; a cell is empty where a layer has no such thing."""
    rows = []
    for layer in report.layers:
        tiling = {} if layer.tiling is None else vars(layer.tiling)
        values = {**vars(layer), **layer.stalls, **tiling}
        rows.append(tuple(values.get(name, "") for name in CSV_COLUMNS))
    return rows


def stall_text(report: Report) -> str:
    """Return the shares of all cycles in which the array waits, by cause, the largest first.

    Causes of less than a thousandth are left out.
    """
    cycles = report.totals.cycles
    causes = sorted(report.totals.stalls.items(), key=lambda item: -item[1])
    shares = [f"{count / cycles:.1%} {CAUSES[name]}" for name, count in causes
              if 1000 * count >= cycles]  # fmt: skip
    return ", ".join(shares) or ("none" if not report.totals.stall_cycles else "under 0.1%")


def notes(report: Report, at_8_bits: Report | None) -> list[str]:
    """Return what is to be said below the tables of a report."""
    area, table = report.area, report.design.energy
    return [
        f"Speed-up over 8 bits: {speed_up(report, at_8_bits)}",
        *workload_notes(report),
        f"Stalls, of all cycles: {stall_text(report)}.",
        f"Area is an estimate: {area.array:,.0f} gate equivalents of the array, "
        f"{area.buffers:,.0f} of the buffers.",
        f"Energy is an estimate from {table.source}. DRAM: {table.dram_pj_per_bit:.3g} pJ a bit.",
        "" if table.leaks else "Leakage is not counted: the energy table has none.",
    ]


def workload_notes(report: Report) -> list[str]:
    """Return what is to be said of a network: assumed widths, and what is not modelled."""
    return [
        f"Assumed: {report.assumed}." if report.assumed else "",
        *report.notes,
        *(f"{one}"[:1].upper() + f"{one}"[1:] + "." for one in report.left_out),
    ]


def accelerator_rows(accelerators: list[Accelerator]) -> list[tuple[str, ...]]:
    """Return a row of `ACCELERATOR_COLUMNS` per accelerator."""
    rows: list[tuple[str, ...]] = []
    for a in accelerators:
        buffers = a.buffers.weight_bytes, a.buffers.input_bytes, a.buffers.output_bytes
        kind, sides = array_text(a)
        rows.append(
            (
                a.name,
                kind,
                sides,
                f"{a.frequency_mhz:g}",
                " + ".join(f"{size / 1024:g}" for size in buffers),
                str(a.dram.bits_per_cycle),
                f"{area_of(a).array / 1e3:,.0f}",
            )
        )
    return rows


def array_text(accelerator: Accelerator) -> tuple[str, str]:
    """Return the kind of an accelerator's array in a word or two, and its sides."""
    array = accelerator.array
    if isinstance(array, Array):
        names = {"none": "bit-parallel", "both": "both-serial"}
        kind = names.get(array.serial, f"{array.serial}-serial")
        return kind, f"{array.rows} x {array.cols} x {array.lanes}"
    kind = f"systolic {array.dataflow}" if isinstance(array, SystolicArray) else array.kind
    return kind, f"{array.rows} x {array.cols}"


def network_rows(sizes: list[NetworkSize]) -> list[tuple[str, ...]]:
    """Return a row of `NETWORK_COLUMNS` per network."""
    return [
        (
            size.name,
            "x".join(map(str, size.image)),
            str(size.layers),
            f"{size.macs:,}",
            f"{size.parameters:,}",
        )
        for size in sizes
    ]


def _shown(value: float | None, unit: float, form: str) -> str:
    if value is None:
        return "-"
    return f"{value if unit == 1 else value / unit:{form}}"


def ratio(theirs: float | None, ours: float) -> str:
    """Return a quotient of two figures as text, a dash where there is none."""
    return "-" if theirs is None or ours == 0 else f"{theirs / ours:.2f}x"


def _main_cause(stalls: dict[str, int]) -> str:
    name = max(stalls, key=stalls.__getitem__, default="")
    return CAUSES[name] if name and stalls[name] else "-"
