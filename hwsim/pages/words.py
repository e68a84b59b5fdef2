"""What the pictures of a page show, in words: for who cannot see them, and to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwsim.causes import ENERGY_PARTS
from hwsim.energy import energy_by_part
from hwsim.report import Report
from hwsim.roofline import Point
from hwsim.tables import stall_text

if TYPE_CHECKING:
    from hwsim.occupancy import Occupancy

__all__ = [
    "bounds",
    "cycles_alt",
    "energy_alt",
    "energy_shares",
    "occupancy_alt",
    "roofline_alt",
]

_BUFFERS = "weight", "input", "output"


def bounds(report: Report, points: Sequence[Point]) -> list[str]:
    """Return paragraphs on what a network waits for, and which limit its layers have."""
    totals = report.totals
    longest = max(report.layers, key=lambda layer: layer.cycles)
    dram = sum(point.bound == "DRAM" for point in points)
    return [
        f"It computes in {totals.compute_cycles / totals.cycles:.1%} of {totals.cycles:,} cycles. "
        f"Stalls, of all cycles: {stall_text(report)}.",
        f"The longest layer is {longest.name}: {longest.cycles / totals.cycles:.1%} of all cycles.",
        f"By the roofline {_limited(dram, len(points))}.",
    ]


def roofline_alt(points: Sequence[Point]) -> str:
    """Return what a roofline shows."""
    rates, intensities = ([getattr(p, key) for p in points] for key in ("rate", "intensity"))
    closest = max(points, key=lambda point: point.rate / point.limit)
    return (
        f"Roofline of {len(points)} layers: {_range(intensities)} MACs a byte, {_range(rates)} "
        f"MACs a cycle. Closest to its limit is {closest.name}, at "
        f"{closest.rate / closest.limit:.0%}."
    )


def cycles_alt(reports: Mapping[str, Report]) -> str:
    """Return what a picture of cycles shows."""
    parts = []
    for label, report in reports.items():
        longest = max(report.layers, key=lambda layer: layer.cycles)
        share = report.totals.stall_cycles / report.totals.cycles
        parts.append(
            f"{label}: {report.totals.cycles:,} cycles, {share:.1%} of them waiting, most in "
            f"{longest.name}"
        )
    return f"Cycles by cause. {'; '.join(parts)}."


def energy_alt(reports: Mapping[str, Report]) -> str:
    """Return what a picture of energies shows."""
    parts = [
        f"{label}: {report.totals.energy_pj / 1e3:,.1f} nJ, {energy_shares(report, 2)}"
        for label, report in reports.items()
    ]
    return f"Energy by part. {'; '.join(parts)}."


def energy_shares(report: Report, most: int | None = None) -> str:
    """Return the shares of the parts of the energy, the largest first; at most so many.

    Parts of less than a thousandth are left out.
    """
    sums = energy_by_part(layer.energy for layer in report.layers)
    total = report.totals.energy_pj
    seen = [name for name in sums if 1000 * sums[name] >= total]
    largest = sorted(seen, key=lambda name: -sums[name])[:most]
    return ", ".join(f"{sums[name] / total:.1%} {ENERGY_PARTS[name]}" for name in largest)


def occupancy_alt(found: Occupancy) -> str:
    """Return what a picture of the buffers shows."""
    most = [
        f"{name} buffer at most {held:,} of {room:,} bytes"
        for name, held, room in zip(_BUFFERS, found.held.max(axis=0), found.rooms, strict=True)
    ]
    return f"Bytes held over time, in {found.tiles:,} tiles: {', '.join(most)}."


def _limited(dram: int, layers: int) -> str:
    if dram in (0, layers):
        return f"{'DRAM' if dram else 'the array'} limits every layer"
    return f"DRAM limits {dram} layers and the array {layers - dram}"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):,.3g} to {max(values):,.3g}"
