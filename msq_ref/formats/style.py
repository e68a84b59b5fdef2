"""One look for every plot: colour-blind safe, legible at half size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msq_ref.files import atomic_path

__all__ = [
    "COLOURS",
    "GREY",
    "HATCHES",
    "MARKERS",
    "PAGE_WIDTH",
    "SMALL",
    "new_figure",
    "save_figure",
    "show_units",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, in the order of use."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""So that colour never stands alone."""

HATCHES = ("", "////", "...", "xxx", "\\\\\\\\", "---", "+++", "oo")
"""The same for areas, drawn in white; the first has none."""

GREY = "#595959"
"""For what is no datum: limits, notes, what was left out. On white 7 to 1."""

PAGE_WIDTH = 4.6
"""Inches of a figure on a page: a point of text is a pixel on a telephone 360 pixels wide."""

SMALL = 9.5
"""Points of the smallest text."""

_SETTINGS: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "svg.hashsalt": "msq-ref",  # the same picture gives the same bytes
}


_UNDATED: dict[str, dict[str, None]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""What keeps the time of writing out of a file."""


def new_figure(columns: int = 1, rows: int = 1, *, width: float = 6.4, height: float = 4.0) -> Any:  # noqa: ANN401
    """Return a figure and its axes (an array if there are several), in inches."""
    from matplotlib import rc_context  # noqa: PLC0415  (plots are not everybody's)
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        return figure, figure.subplots(rows, columns)


def show_units(axis: Any, unit: str = "") -> None:  # noqa: ANN401
    """Label the ticks of one axis (``axes.xaxis``) with prefixes of a unit: 20 k, 5 µs, 3 mJ.

    A logarithmic axis of few decades has ticks at 1, 2 and 5; call this once its data are drawn.
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    first, last = axis.get_data_interval()
    if axis.get_scale() == "log" and 0 < last < 100 * first:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(EngFormatter(unit))
    axis.set_minor_formatter(NullFormatter())


def save_figure(figure: Any, *targets: Path) -> None:  # noqa: ANN401
    """Write a figure, atomically, in the format of each target's suffix.

    A figure that is drawn anew gives the same bytes. (One that is saved twice may not: its layout
    starts from where it was.)

    Raises
    ------
    OSError
        If a file cannot be written; one that was there stays whole.
    ValueError
        If a suffix is no format that matplotlib knows.
    """
    from matplotlib import rc_context  # noqa: PLC0415

    for target in targets:
        metadata = _UNDATED.get(target.suffix, {})
        with rc_context(_SETTINGS), atomic_path(target) as temporary:
            figure.savefig(temporary, metadata=metadata, dpi=130)
