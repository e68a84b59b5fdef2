"""The points of a sweep, and those that no other one beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.sweep.front import pareto_front
from msq_ref.formats.style import (
    COLOURS,
    GREY,
    PAGE_WIDTH,
    SMALL,
    new_figure,
    save_figure,
    show_units,
)

__all__ = ["NUMBERED", "Quantity", "front_of", "numbers", "plot_pareto", "quantity"]

MANY = 500
"""More points than this are drawn as an image inside the picture."""

NUMBERED = 20
"""A front of at most so many points bears numbers."""

Floats = NDArray[np.float64]


class Quantity(NamedTuple):
    """What a column is in words, and by what its figures become a unit."""

    words: str
    factor: float
    unit: str


def quantity(column: str) -> Quantity:
    """Return what a column is: by the unit that ends its name."""
    for ending, factor, unit in (("_pj", 1e-12, "J"), ("_s", 1.0, "s"), ("_bytes", 1.0, "B")):
        if column.endswith(ending):
            words = column.removesuffix(ending).replace("dram", "DRAM").replace("_", " ")
            return Quantity(words, factor, unit)
    return Quantity(column.replace("_", " "), 1.0, "")


def numbers(columns: Mapping[str, Sequence[object]], name: str) -> Floats:
    """Return a column as numbers, NaN where a point did not run or has none.

    Raises
    ------
    ValueError
        If there is no such column, or it is not as long as the others.
    """
    for needed in (name, "status"):
        if needed not in columns:
            raise ValueError(f"columns has no {needed!r}: it has {', '.join(columns)}")
    if len({len(column) for column in columns.values()}) > 1:
        lengths = {key: len(column) for key, column in columns.items()}
        raise ValueError(f"columns of lengths {lengths}: expected all alike")
    found = np.full(len(columns[name]), np.nan)
    for at, (value, status) in enumerate(zip(columns[name], columns["status"], strict=True)):
        if status == "ok" and isinstance(value, int | float | np.number):
            found[at] = value
    return found


def front_of(columns: Mapping[str, Sequence[object]], *names: str) -> NDArray[np.int64]:
    """Return the points that no other one beats in these columns, less being better.

    In the order of the first column, of the second one where that is the same, and so on.

    Raises
    ------
    ValueError
        As `numbers`.
    """
    values = np.column_stack([numbers(columns, name) for name in names])
    (front,) = np.nonzero(pareto_front(values))
    return front[np.lexsort(values[front].T[::-1])]


def plot_pareto(
    columns: Mapping[str, Sequence[object]],
    x: str,
    y: str,
    *targets: Path,
    also: Sequence[str] = (),
) -> None:
    """Draw the points of a sweep that ran, and their front.

    Parameters
    ----------
    columns : mapping of str to sequence
        With ``"status"``: ``"ok"`` for a point that ran.
    x, y : str
        Columns of which less is better; the ends of their names are their units.
    targets : Path
        Files; the suffix decides the format.
    also : sequence of str
        Further columns of which less is better: the front is then no line.

    Raises
    ------
    ValueError
        As `numbers`; if no point ran.
    """
    across, up = quantity(x), quantity(y)
    values = np.column_stack([across.factor * numbers(columns, x), up.factor * numbers(columns, y)])
    front = values[front_of(columns, x, y, *also)]
    if not len(front):
        raise ValueError(f"columns: no point has status ok, {x} and {y}")
    known = values[~np.isnan(values).any(axis=1)]
    figure, axis = new_figure(width=PAGE_WIDTH, height=4.0)
    axis.scatter(
        known[:, 0], known[:, 1], s=16, color=COLOURS[0], alpha=0.4, linewidth=0,
        rasterized=len(known) > MANY, label=f"{len(known):,} points",
    )  # fmt: skip
    axis.plot(
        front[:, 0], front[:, 1], color=COLOURS[1], marker="D", markersize=5.5, linewidth=1.5,
        drawstyle="steps-post", linestyle="none" if also else "-", label=f"front: {len(front):,}",
    )  # fmt: skip
    if len(front) <= NUMBERED:
        same: dict[tuple[float, ...], list[str]] = {}
        for number, point in enumerate(front.tolist(), 1):
            same.setdefault(tuple(point), []).append(str(number))
        for place, names in same.items():
            axis.annotate(
                ", ".join(names), place, xytext=(-4, -3), textcoords="offset points",
                ha="right", va="top", fontsize=SMALL, color=GREY,
            )  # fmt: skip
    _scale(axis, "x", known[:, 0])
    _scale(axis, "y", known[:, 1])
    show_units(axis.xaxis, across.unit)
    show_units(axis.yaxis, up.unit)
    axis.set_xlabel(across.words)
    axis.set_ylabel(up.words)
    axis.tick_params(labelsize=SMALL)
    axis.margins(0.08)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3, fontsize=SMALL,
                frameon=False)  # fmt: skip
    save_figure(figure, *targets)


def _scale(axis: Any, name: str, values: Floats) -> None:  # noqa: ANN401
    """Choose a logarithmic scale where the largest is ten times the smallest."""
    if values.min() > 0 and values.max() >= 10 * values.min():
        axis.set(**{f"{name}scale": "log"})
