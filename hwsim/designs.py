"""One network on several accelerators, as rows of a table; the first is the measure of all."""

from __future__ import annotations

from typing import Any

from hwsim.report import Report
from hwsim.tables import array_text, ratio, stall_text, workload_notes

__all__ = [
    "DESIGN_COLUMNS",
    "DESIGN_CSV_COLUMNS",
    "design_csv_rows",
    "design_notes",
    "design_rows",
    "designs_json",
]

DESIGN_COLUMNS = (
    "design", "array", "kGE", "cycles", "us", "speed", "uJ", "energy", "DRAM MB", "stalls",
)  # fmt: skip
"""kGE are thousands of gate equivalents of the array; speed and energy are beside the first's."""

RATIOS = {
    "speed_up": "latency_s", "energy_ratio": "energy_pj", "dram_ratio": "dram_bytes",
}  # fmt: skip
"""Totals beside those of the first; the speed-up is the first's latency over this one's."""

DESIGN_CSV_COLUMNS = (
    "accelerator", "array", "sides", "array_gate_equivalents", "buffers_gate_equivalents", "cycles",
    "compute_cycles", "stall_cycles", "latency_s", "energy_pj", "dram_bytes", *RATIOS,
    "area_ratio", "stalls",
)  # fmt: skip
"""Of the CSV file: plain numbers, units in the names."""


def design_rows(reports: list[Report]) -> list[tuple[str, ...]]:
    """Return a row of `DESIGN_COLUMNS` per report."""
    first = reports[0].totals
    return [
        (
            report.accelerator,
            " ".join(array_text(report.design)).replace(" x ", "x"),
            f"{report.area.array / 1e3:,.0f}",
            f"{report.totals.cycles:,}",
            f"{report.totals.latency_s * 1e6:,.1f}",
            ratio(first.latency_s, report.totals.latency_s),
            f"{report.totals.energy_pj / 1e6:,.1f}",
            ratio(report.totals.energy_pj, first.energy_pj),
            f"{report.totals.dram_bytes / 1e6:,.2f}",
            stall_text(report),
        )
        for report in reports
    ]


def design_csv_rows(reports: list[Report]) -> list[tuple[object, ...]]:
    """Return a row of `DESIGN_CSV_COLUMNS` per report."""
    rows = []
    for report in reports:
        kind, sides = array_text(report.design)
        values = {
            "accelerator": report.accelerator,
            "array": kind,
            "sides": sides,
            "array_gate_equivalents": report.area.array,
            "buffers_gate_equivalents": report.area.buffers,
            **vars(report.totals),
            **_ratios(report, reports[0]),
            "stalls": stall_text(report),
        }
        rows.append(tuple(values[name] for name in DESIGN_CSV_COLUMNS))
    return rows


def designs_json(reports: list[Report]) -> dict[str, Any]:
    """Return plain values, ready for JSON: every report, with its ratios to the first."""
    return {
        "network": reports[0].network,
        "designs": [
            {**report.to_json(), "ratios": _ratios(report, reports[0])} for report in reports
        ],
    }


def design_notes(reports: list[Report]) -> list[str]:
    """Return what is to be said below the table."""
    sources = dict.fromkeys(report.design.energy.source for report in reports)
    leaks = all(report.design.energy.leaks for report in reports)
    return [
        f"speed and energy: beside {reports[0].accelerator}, faster and more energy above 1.",
        "stalls: share of all cycles in which the array waits, by cause.",
        *workload_notes(reports[0]),
        "Area is an estimate, of the array without its buffers.",
        *(f"Energy is an estimate from {source}." for source in sources),
        "" if leaks else "Leakage is not counted where the energy table has none.",
    ]


def _ratios(report: Report, first: Report) -> dict[str, float | None]:
    ratios: dict[str, float | None] = {}
    for name, key in RATIOS.items():
        ours, theirs = (getattr(one.totals, key) for one in (report, first))
        above, below = (theirs, ours) if name == "speed_up" else (ours, theirs)
        ratios[name] = above / below if below else None
    ratios["area_ratio"] = report.area.array / first.area.array
    return ratios
