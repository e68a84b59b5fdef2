"""Pictures of reports: where the cycles go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.report import Report
from msq_ref.formats.style import COLOURS, new_figure, save_figure

__all__ = ["draw_cycles", "plot_cycles"]

MANY = 12
"""With more layers than this, labels are turned and shortened."""


def plot_cycles(reports: Mapping[str, Report], *targets: Path) -> None:
    """Draw compute and stall cycles of every layer, for several reports side by side.

    Parameters
    ----------
    reports : mapping of label to Report
        Of the same layers, such as a network and the same one at 8 bits.
    targets : Path
        Files; the suffix decides the format.

    Raises
    ------
    ValueError
        If there is no report, or their layers differ.
    """
    bars = sum(len(report.layers) for report in reports.values())
    figure, axis = new_figure(width=min(16.0, max(6.4, 2 + 0.4 * bars)))
    draw_cycles(axis, reports)
    save_figure(figure, *targets)


def draw_cycles(axis: Any, reports: Mapping[str, Report]) -> None:  # noqa: ANN401
    """Draw what `plot_cycles` draws into axes of a figure of one's own; same errors."""
    names = {label: [layer.name for layer in report.layers] for label, report in reports.items()}
    if not names or any(layers != next(iter(names.values())) for layers in names.values()):
        raise ValueError(f"reports = {names}: expected at least one, all of the same layers")
    layers = next(iter(names.values()))
    many = len(layers) > MANY
    share = 0.8 / len(reports)
    for index, (label, report) in enumerate(reports.items()):
        at = np.arange(len(layers)) + (index - (len(reports) - 1) / 2) * share
        compute = np.array([layer.compute_cycles for layer in report.layers])
        stall = np.array([layer.stall_cycles for layer in report.layers])
        colour = COLOURS[index % len(COLOURS)]
        style = {"width": 0.9 * share, "edgecolor": colour}
        axis.bar(at, compute, color=colour, label=f"{label}: compute", **style)
        axis.bar(
            at, stall, bottom=compute, color="white", hatch="////",
            label=f"{label}: waiting for DRAM", **style,
        )  # fmt: skip
        for place, layer in zip(at, report.layers, strict=True):
            axis.annotate(
                f"{layer.bits}" if many else f"{layer.bits} bit", (place, layer.cycles),
                xytext=(0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=8,
            )  # fmt: skip
    axis.set_xticks(np.arange(len(layers)), layers, rotation=90 if many else 0)
    axis.set_axisbelow(True)
    axis.grid(visible=False, axis="x")
    axis.margins(x=0.01)
    highest = max(layer.cycles for report in reports.values() for layer in report.layers)
    # Room for the legend, which then hides no bar.
    axis.set_ylim(0, (1.5 if many else 1.35) * highest)
    accelerators = " and ".join(dict.fromkeys(report.accelerator for report in reports.values()))
    axis.set(ylabel="cycles per image", title=f"Where the cycles go on {accelerators}")
    if many:
        axis.set_xlabel("layer; bits of a weight above its bars")
    axis.legend(loc="upper center", ncols=len(reports), fontsize=9)
