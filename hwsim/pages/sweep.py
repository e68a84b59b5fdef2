"""A sweep as one self-contained HTML page: its points, and the front of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.plots.pareto import NUMBERED, front_of, plot_pareto, quantity
from msq_ref.formats.page import Figure, Section, write_page

__all__ = ["MOST_ROWS", "write_sweep_page"]

MOST_ROWS = 500
"""Of the front's table."""

_MOST_REASONS = 20

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def write_sweep_page(
    target: Path,
    title: str,
    columns: Mapping[str, Sequence[object]],
    *,
    x: str = "latency_s",
    y: str = "energy_pj",
    also: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> None:
    """Write the page, atomically: how the points went, a plot, and the front as a table.

    Parameters
    ----------
    target : Path
    title : str
    columns : mapping of str to sequence
        Equally long, a point a place: ``"point"``, then the settings that vary, ``"status"``
        (``"ok"`` or what happened), ``"reason"``, then what was counted.
    x, y : str
        Columns of which less is better; those of the plot.
    also : sequence of str
        Further ones.
    notes : sequence of str
        What else is to be known.

    Raises
    ------
    ValueError
        If a column is missing, or the columns are not equally long.
    OSError
        If the page cannot be written; one that was there stays whole.
    """
    front = front_of(columns, x, y, *also)
    ran = len(front) > 0
    counts = Counter(str(status) for status in columns["status"])
    said = [f"{sum(counts.values()):,} points, {counts['ok']:,} of which ran."]
    with tempfile.TemporaryDirectory() as folder:
        figures = []
        if ran:
            picture = Path(folder) / "front.svg"
            plot_pareto(columns, x, y, picture, also=also)
            caption = _caption(len(front), bool(also))
            figures = [Figure(picture, _alt(columns, front, x, y), caption)]
        else:
            said.append("No point ran: there is no front.")
        shown = _shown(columns, front)
        sections = [
            Section(
                "Front", said, ["no.", *map(_heading, shown)],
                [[str(number), *(_cell(name, columns[name][at]) for name in shown)]
                 for number, at in enumerate(front[:MOST_ROWS], 1)],
                figures,
                f"Points that no other one beats in {_listed([x, y, *also])}"
                + (f": the first {MOST_ROWS}" if len(front) > MOST_ROWS else ""),
            ),
            Section(
                "Points", [], ["status", "points"],
                [[status, f"{count:,}"] for status, count in counts.most_common()],
            ),
            *_reasons(columns),
            *([Section("Notes", [note for note in notes if note])] if any(notes) else []),
        ]  # fmt: skip
        write_page(target, title, sections)


def _shown(columns: Mapping[str, Sequence[object]], front: NDArray[np.int64]) -> list[str]:
    """Return the columns of the front's table: none whose figures are all nothing."""
    names = [name for name in columns if name not in ("status", "reason")]
    settings = set(names[: list(columns).index("status")])
    return [name for name in names if name in settings or any(columns[name][at] for at in front)]


def _heading(name: str) -> str:
    """Return a column's words and unit; settings keep their keys, times and energies have units."""
    kind = quantity(name)
    if "." in name or not kind.unit:
        return name if "." in name else kind.words
    return kind.words if kind.unit in ("s", "J") else f"{kind.words} {kind.unit}"


def _cell(name: str, value: object) -> str:
    """Return a figure with the prefix of its unit that reads best, or a setting as it is."""
    if value is None or value == "":
        return "-"
    kind = quantity(name)
    if isinstance(value, float) and (name.endswith("_share") or name == "utilization"):
        return f"{value:.1%}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if kind.unit in ("s", "J"):
            size = float(value) * kind.factor
            factor, prefix = next((p for p in _PREFIXES if abs(size) >= p[0]), _PREFIXES[-1])
            return f"{size / factor:,.4g} {prefix}{kind.unit}"
        if isinstance(value, int):
            return f"{value:,}" if kind.unit or name.endswith("cycles") else str(value)
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)


def _listed(columns: Sequence[str]) -> str:
    *first, last = (quantity(column).words for column in columns)
    return f"{', '.join(first)} and {last}"


def _caption(front: int, also: bool) -> str:
    return (
        f"A dot is a point that ran; {'a diamond is one' if also else 'the line joins those'} that "
        "no other one beats"
        + (", numbered as in the table." if front <= NUMBERED else ".")
    )  # fmt: skip


def _alt(columns: Mapping[str, Sequence[object]], front: NDArray[np.int64], x: str, y: str) -> str:
    across, up = quantity(x).words, quantity(y).words
    first, last = (
        f"{_cell(x, columns[x][at])} and {_cell(y, columns[y][at])}" for at in (front[0], front[-1])
    )
    return f"{up} over {across}. The front has {len(front):,} points, from {first} to {last}."


def _reasons(columns: Mapping[str, Sequence[object]]) -> list[Section]:
    """Return a section with the commonest reasons why points did not run, if there are any."""
    if "reason" not in columns:
        return []
    counts = Counter(str(reason) for reason in columns["reason"] if reason)
    if not counts:
        return []
    rows = [[reason, f"{count:,}"] for reason, count in counts.most_common(_MOST_REASONS)]
    left = f": the commonest {_MOST_REASONS}" if len(counts) > _MOST_REASONS else ""
    return [
        Section("Why points did not run", (), ["reason", "points"], rows, table=f"Reasons{left}")
    ]
