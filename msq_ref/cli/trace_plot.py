"""Picture of a trace: Omega of each layer with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msq_ref.formats.style import COLOURS, MARKERS, new_figure, save_figure

__all__ = ["plot_omega"]


def plot_omega(rows: Sequence[Mapping[str, Any]], *targets: Path) -> None:
    """Draw Omega per layer with its 95% interval, and the mean that decides k [S5.5], [S5.6].

    Parameters
    ----------
    rows : sequence of mappings
        With ``layer``, ``omega``, ``omega_low`` and ``omega_high``, in the network's order.
    targets : Path
        Files, in the format of each suffix.
    """
    figure, axis = new_figure(width=max(6.4, 1.6 + 0.28 * len(rows)))
    places, omegas = range(len(rows)), [row["omega"] for row in rows]
    reach = [
        [row["omega"] - row["omega_low"] for row in rows],
        [row["omega_high"] - row["omega"] for row in rows],
    ]
    mean = sum(omegas) / len(omegas)
    axis.axhline(mean, color=COLOURS[1], linestyle="--", linewidth=1.5, label="mean: k is 2 below")
    axis.axhline(0, color="0.4", linewidth=1)
    axis.errorbar(
        places, omegas, yerr=reach, color=COLOURS[0], marker=MARKERS[0], linestyle="none",
        capsize=3, linewidth=1.5, label="estimate and 95% interval",
    )  # fmt: skip
    names = [str(row["layer"]) for row in rows]
    upright = len(rows) > 12 or sum(map(len, names)) > 60
    axis.set_xticks(places, names, rotation=90 if upright else 0)
    axis.set(ylabel="Omega = Tr(H) |W_n - W|", title="Sensitivity of each layer")
    axis.grid(visible=False, axis="x")
    axis.legend(loc="best")
    save_figure(figure, *targets)
