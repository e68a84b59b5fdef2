"""The roofline: each layer between the array's peak and the DRAM channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwsim.plots.looks import in_bits
from hwsim.report import Report
from hwsim.roofline import Point, roofline
from hwsim.workload import Workload
from msq_ref.formats.style import (
    COLOURS,
    GREY,
    MARKERS,
    PAGE_WIDTH,
    SMALL,
    new_figure,
    save_figure,
    show_units,
)

__all__ = ["plot_roofline"]

_FEW = 6
"""Points so few that each bears its name."""


def plot_roofline(report: Report, workload: Workload, *targets: Path) -> None:
    """Draw each layer as a point, below the peaks at its bits and the bandwidth of DRAM.

    Raises
    ------
    ValueError
        As `roofline`.
    """
    points = roofline(report, workload)
    peaks = sorted({point.peak for point in points}, reverse=True)
    figure, axis = new_figure(width=PAGE_WIDTH, height=4.0 + 0.18 * (len(peaks) + 1) / 2)
    low, high = _span([point.intensity for point in points])
    bandwidth = points[0].bandwidth
    low = min(low, 0.5 * min(peaks) / bandwidth)
    high = max(high, 2 * max(peaks) / bandwidth)
    slope = [low, min(high, max(peaks) / bandwidth)]
    axis.plot(
        slope, [bandwidth * x for x in slope], color=GREY, linestyle="--",
        label=f"DRAM: {bandwidth:g} B a cycle",
    )  # fmt: skip
    for index, peak in enumerate(peaks):
        colour, marker = COLOURS[index % 7], MARKERS[(index + index // 7) % 7]
        ours = [point for point in points if point.peak == peak]
        axis.plot([peak / bandwidth, high], [peak, peak], color=colour, linewidth=1.5)
        axis.plot(
            [point.intensity for point in ours], [point.rate for point in ours], marker,
            color=colour, markersize=7, markeredgecolor="white", markeredgewidth=0.6,
            label=f"{in_bits(sorted({point.bits for point in ours}))}: peak {_figure(peak)}",
        )  # fmt: skip
    axis.set(xscale="log", yscale="log", xlim=(low, high))
    axis.set_ylim(min(point.rate for point in points) / 2, 1.6 * max(peaks))
    axis.set_xlabel("MACs per byte of DRAM traffic")
    axis.set_ylabel("MACs per cycle")
    if len(points) <= _FEW:
        _name(axis, points, (low * high) ** 0.5)
    for ticks in (axis.xaxis, axis.yaxis):
        show_units(ticks)
    axis.tick_params(labelsize=SMALL)
    axis.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3, fontsize=SMALL,
        handlelength=1.6, columnspacing=1.0, frameon=False,
    )  # fmt: skip
    save_figure(figure, *targets)


def _figure(value: float) -> str:
    """Return a rate without an exponent, to four digits if it is small."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _name(axis: Any, points: Sequence[Point], middle: float) -> None:  # noqa: ANN401
    for point in points:
        left = point.intensity > middle
        axis.annotate(
            point.name, (point.intensity, point.rate), xytext=(-6, 3) if left else (6, -3),
            textcoords="offset points", ha="right" if left else "left",
            va="bottom" if left else "top", fontsize=SMALL,
        )  # fmt: skip


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 1.5, max(values) * 1.5
