"""Reports as rows of text, for the terminal and for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwsim.accelerator import Accelerator
from hwsim.report import Report

if TYPE_CHECKING:
    from hwsim.networks import NetworkSize

__all__ = [
    "ACCELERATOR_COLUMNS",
    "LAYER_COLUMNS",
    "NETWORK_COLUMNS",
    "TOTAL_COLUMNS",
    "accelerator_rows",
    "layer_rows",
    "network_rows",
    "speed_up",
    "total_rows",
]

LAYER_COLUMNS = (
    "layer", "bits", "MACs", "compute", "stall", "cycles", "DRAM B", "SRAM B", "nJ", "util.",
)  # fmt: skip
"""Compute, stall and cycles are cycles; utilization is the share of lanes and cycles in use."""

TOTAL_COLUMNS = ("total", "as it is", "at 8 bits", "8 bits / as it is")

ACCELERATOR_COLUMNS = ("name", "rows x cols x lanes", "MHz", "buffers KB", "DRAM bits/cycle")
"""Buffers are those of weights, inputs and outputs."""

NETWORK_COLUMNS = "name", "images", "layers", "MACs", "parameters"


def layer_rows(report: Report) -> list[tuple[str, ...]]:
    """Return a row of `LAYER_COLUMNS` per layer."""
    return [
        (
            layer.name,
            str(layer.bits),
            f"{layer.macs:,}",
            f"{layer.compute_cycles:,}",
            f"{layer.stall_cycles:,}",
            f"{layer.cycles:,}",
            f"{layer.dram_bytes:,}",
            f"{layer.sram_bytes:,}",
            f"{layer.energy_pj / 1e3:,.1f}",
            f"{layer.utilization:.1%}",
        )
        for layer in report.layers
    ]


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
        rows.append((name, *shown, _ratio(theirs, ours)))
    return rows


def speed_up(report: Report, at_8_bits: Report | None) -> str:
    """Return how many times faster a network is than at 8 bits."""
    return _ratio(None if at_8_bits is None else at_8_bits.totals.cycles, report.totals.cycles)


def accelerator_rows(accelerators: list[Accelerator]) -> list[tuple[str, ...]]:
    """Return a row of `ACCELERATOR_COLUMNS` per accelerator."""
    rows: list[tuple[str, ...]] = []
    for a in accelerators:
        buffers = a.buffers.weight_bytes, a.buffers.input_bytes, a.buffers.output_bytes
        rows.append(
            (
                a.name,
                f"{a.array.rows} x {a.array.cols} x {a.array.lanes}",
                f"{a.frequency_mhz:g}",
                " + ".join(f"{size / 1024:g}" for size in buffers),
                str(a.dram.bits_per_cycle),
            )
        )
    return rows


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


def _ratio(theirs: float | None, ours: float) -> str:
    return "-" if theirs is None or ours == 0 else f"{theirs / ours:.2f}x"
