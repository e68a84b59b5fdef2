"""Where the cycles go: work, and waiting by its cause."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwsim.layer_report import LayerReport
from hwsim.plots.bars import MOST_BARS, Bar, Group, draw_bars, largest, plot_bars
from hwsim.plots.looks import CYCLES, in_bits
from hwsim.report import Report

__all__ = ["draw_cycles", "plot_cycles", "plot_total_cycles", "same_layers"]


def plot_cycles(reports: Mapping[str, Report], *targets: Path) -> None:
    """Draw the cycles of every layer by cause, for several reports below each other.

    Of many layers the smallest are left out, which is said.

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
    plot_bars(_groups(reports), CYCLES, _label(reports), "", *targets)


def draw_cycles(axis: Any, reports: Mapping[str, Report]) -> None:  # noqa: ANN401
    """Draw what `plot_cycles` draws into axes of a figure of one's own; same errors."""
    groups, left = largest(_groups(reports), MOST_BARS // len(reports))
    draw_bars(axis, groups, CYCLES, f"{_label(reports)}\n{left}".rstrip(), "")


def plot_total_cycles(reports: Mapping[str, Report], *targets: Path) -> None:
    """Draw the cycles of whole networks by cause, a bar a report; they may have any layers."""
    groups = [
        Group(label, [Bar({"compute_cycles": one.totals.compute_cycles, **one.totals.stalls})])
        for label, one in reports.items()
    ]
    plot_bars(groups, CYCLES, "cycles per image", "", *targets)


def same_layers(reports: Mapping[str, Report]) -> list[str]:
    """Return the names of the layers of all reports.

    Raises
    ------
    ValueError
        If there is no report, or their layers differ.
    """
    names = {label: [layer.name for layer in report.layers] for label, report in reports.items()}
    if not names or any(layers != next(iter(names.values())) for layers in names.values()):
        raise ValueError(f"reports = {names}: expected at least one, all of the same layers")
    return next(iter(names.values()))


def _groups(reports: Mapping[str, Report]) -> list[Group]:
    def bar(label: str, layer: LayerReport) -> Bar:
        words = [label] if len(reports) > 1 else []
        if layer.bits and in_bits([layer.bits]) not in label:
            words.append(in_bits([layer.bits]))
        amounts = {"compute_cycles": layer.compute_cycles, **layer.stalls}
        return Bar(amounts, ", ".join(words))

    return [
        Group(name, [bar(label, report.layers[at]) for label, report in reports.items()])
        for at, name in enumerate(same_layers(reports))
    ]


def _label(reports: Mapping[str, Report]) -> str:
    names = dict.fromkeys(report.accelerator for report in reports.values())
    return f"cycles per image on {' and '.join(names)}"
