"""Stacked bars that lie: a group a layer, a bar a report, legible for as many as there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from hwsim.plots.looks import Look
from msq_ref.formats.style import GREY, PAGE_WIDTH, SMALL, new_figure, save_figure, show_units

__all__ = ["MOST_BARS", "Bar", "Group", "draw_bars", "largest", "plot_bars", "shortened"]

MOST_BARS = 80
"""Of a picture; of more groups the smallest are left out, which is said."""

_LONGEST = 21
_LEGEND_COLUMNS = 3
_LEGEND: dict[str, Any] = {
    "ncols": _LEGEND_COLUMNS, "fontsize": SMALL, "frameon": False, "handlelength": 1.4,
    "columnspacing": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A stack: amounts by part, and what stands behind its end."""

    amounts: Mapping[str, float]
    note: str = ""

    @property
    def total(self) -> float:
        """Sum of its parts."""
        return sum(self.amounts.values())


@dataclass(frozen=True)
class Group:
    """Bars that belong together, from above: one for each report."""

    label: str
    bars: Sequence[Bar]


def largest(groups: Sequence[Group], most: int) -> tuple[list[Group], str]:
    """Return the largest groups in their order, and in words what is left out.

    What is less than a thousandth of the largest would not be seen: it is left out too.
    """
    sizes = np.array([max(bar.total for bar in group.bars) for group in groups])
    seen = np.flatnonzero(1000 * sizes >= sizes.max()).tolist()
    kept = set(sorted(seen, key=lambda at: -sizes[at])[:most])
    if len(kept) == len(groups):
        return list(groups), ""
    shares = []
    for index in range(len(groups[0].bars)):
        totals = [group.bars[index].total for group in groups]
        left = sum(total for at, total in enumerate(totals) if at not in kept)
        shares.append(f"{left / (sum(totals) or 1):.1%}")
    count = len(groups) - len(kept)
    share = " and ".join(shares) if set(shares) != {"0.0%"} else "under 0.1%"
    words = f"not drawn: {count} smaller layers, {share} of all"
    return [group for at, group in enumerate(groups) if at in kept], words


def shortened(name: str) -> str:
    """Return a name that fits beside a bar: its first parts by their letters, if it has to be."""
    parts = name.split(".")
    for at, part in enumerate(parts[:-1]):
        if len(".".join(parts)) <= _LONGEST:
            break
        parts[at] = part if part.isdigit() else part[:1]
    name = ".".join(parts)
    return name if len(name) <= _LONGEST else f"{name[:7]}…{name[8 - _LONGEST:]}"


def plot_bars(
    groups: Sequence[Group], looks: Mapping[str, Look], label: str, unit: str, *targets: Any  # noqa: ANN401
) -> None:
    """Draw bars into files, as high as they need to be; see `draw_bars`."""
    each = max(len(group.bars) for group in groups)
    shown, left = largest(groups, MOST_BARS // each)
    lines = ceil(_used(shown, looks) / _LEGEND_COLUMNS)
    height = len(shown) * (0.09 + 0.165 * each) + 0.19 * (lines + bool(left)) + 0.75
    figure, axis = new_figure(width=PAGE_WIDTH, height=height)
    label = f"{label}\n{left}" if left else label
    draw_bars(axis, shown, looks, label, unit, legend=False)
    figure.legend(loc="outside upper left", **_LEGEND)
    save_figure(figure, *targets)


def draw_bars(
    axis: Any, groups: Sequence[Group], looks: Mapping[str, Look], label: str, unit: str,  # noqa: ANN401
    *, legend: bool = True,
) -> None:  # fmt: skip
    """Draw groups of bars from top to bottom, parts stacked in the order of their looks.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    groups : sequence of Group
        With equally many bars.
    looks : mapping of str to Look
        By part; what no bar has is not in the legend.
    label, unit : str
        Of the amounts: ``"cycles per image"`` without a unit, ``"energy"`` in J.
    legend : bool
        Whether the axes have one above them.
    """
    each = len(groups[0].bars)
    thick = 0.84 / each
    highest = max(bar.total for group in groups for bar in group.bars) or 1
    for name, look in looks.items():
        places, lengths, starts = [], [], []
        for row, group in enumerate(groups):
            for index, bar in enumerate(group.bars):
                if bar.amounts.get(name, 0) > 0:
                    names = list(looks)[: list(looks).index(name)]
                    places.append(row + (index - (each - 1) / 2) * thick)
                    lengths.append(bar.amounts[name])
                    starts.append(sum(bar.amounts.get(below, 0) for below in names))
        if lengths:
            axis.barh(
                places, lengths, 0.9 * thick, left=starts, color=look.colour, hatch=look.hatch,
                edgecolor="white", linewidth=0, label=look.words,
            )  # fmt: skip
    for row, group in enumerate(groups):
        for index, bar in enumerate(group.bars):
            axis.annotate(
                bar.note, (bar.total, row + (index - (each - 1) / 2) * thick), xytext=(3, 0),
                textcoords="offset points", ha="left", va="center", fontsize=SMALL, color=GREY,
            )  # fmt: skip
    axis.set_yticks(range(len(groups)), [shortened(group.label) for group in groups])
    axis.tick_params(axis="y", length=0, labelsize=SMALL)
    axis.tick_params(axis="x", labelsize=SMALL)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    # Room for the notes: a letter is about 0.07 inches wide, the bars have some 3 inches.
    letters = max(len(bar.note) for group in groups for bar in group.bars)
    axis.set_xlim(0, highest * (1.03 + 0.028 * letters))
    axis.locator_params(axis="x", nbins=4)
    show_units(axis.xaxis, unit)
    axis.set_axisbelow(True)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel(label, loc="right")
    if legend:
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3, **_LEGEND)


def _used(groups: Sequence[Group], looks: Mapping[str, Look]) -> int:
    bars = [bar for group in groups for bar in group.bars]
    return sum(any(bar.amounts.get(name, 0) > 0 for bar in bars) for name in looks)
