"""What a sweep found: its Pareto front, and what became of the points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.sweep.columns import BAD_SETTINGS, FITS, MEASURES, MISFIT
from hwsim.sweep.front import pareto_front

__all__ = [
    "front_rows",
    "front_table",
    "notes",
    "objectives",
    "plain_columns",
    "summary_json",
]

Columns = Mapping[str, NDArray[Any]]

AREA = "total_gate_equivalents"

_SHOWN = {"latency_s": ("us", 1e6), "energy_pj": ("uJ", 1e-6), AREA: ("kGE", 1e-3)}
"""Heading and unit of a figure in the table."""


def objectives(columns: Columns) -> tuple[str, ...]:
    """Return the figures of which less is better: latency, energy, and the area if it differs."""
    area = columns[AREA][columns["status"] == FITS]
    return ("latency_s", "energy_pj", *([AREA] if len(np.unique(area)) > 1 else []))


def front_rows(columns: Columns) -> list[int]:
    """Return where the designs of the Pareto front are, the fastest first."""
    table = np.stack([columns[name].astype(np.float64) for name in objectives(columns)], axis=1)
    found = np.flatnonzero(pareto_front(table))
    order = np.lexsort([*table[found].T[::-1]])
    return [int(row) for row in found[order]]


def notes(columns: Columns) -> list[str]:
    """Return what is to be said of the points: how many ran, and why some did not."""
    counts = counts_of(columns)
    lines = [f"{counts['points']:,} designs, {counts[FITS]:,} of them run the network."]
    for status in (MISFIT, BAD_SETTINGS):
        if counts[status]:
            first = int(np.argmax(columns["status"] == status))
            point, reason = columns["point"][first], columns["reason"][first]
            lines.append(f"{status}: {counts[status]:,}, the first is point {point}: {reason}")
    what = {"latency_s": "latency", "energy_pj": "energy", AREA: "area of array and buffers"}
    front = ", ".join(what[name] for name in objectives(columns))
    return [*lines, f"No other one beats a design on the front in {front}; energy and area are "
            "estimates."]  # fmt: skip


def counts_of(columns: Columns) -> dict[str, int]:
    """Return how many points there are, and what became of them."""
    status = columns["status"]
    counts = {name: int(np.count_nonzero(status == name)) for name in (FITS, MISFIT, BAD_SETTINGS)}
    return {"points": len(status), **counts}


def summary_json(network: str, target: Path, columns: Columns, ran: int) -> dict[str, Any]:
    """Return plain values, ready for JSON: counts, and every column of the front."""
    counts = counts_of(columns)
    rows = front_rows(columns)
    return {
        "network": network,
        "results": str(target),
        "points": counts["points"],
        "ran": ran,
        "ok": counts[FITS],
        "does_not_fit": counts[MISFIT],
        "invalid": counts[BAD_SETTINGS],
        "objectives": list(objectives(columns)),
        "front": [
            {name: _plain(name, values[row]) for name, values in columns.items()} for row in rows
        ],
    }


def plain_columns(columns: Columns) -> dict[str, list[Any]]:
    """Return lists of plain values: whole figures whole, None for what is not known."""
    return {name: [_plain(name, value) for value in values] for name, values in columns.items()}


def front_table(columns: Columns, rows: list[int]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return headings and cells of the front: what varies, and the objectives."""
    measures = objectives(columns)
    names = list(columns)[1 : list(columns).index("status")]
    varied = [name for name in names if len(set(columns[name].tolist())) > 1]
    heads = ["point", *varied, *(_SHOWN[name][0] for name in measures), "utilization"]
    cells = [
        (
            str(columns["point"][row]),
            *(_text(columns[name][row]) for name in varied),
            *(f"{columns[name][row] * _SHOWN[name][1]:,.1f}" for name in measures),
            f"{columns['utilization'][row]:.1%}",
        )
        for row in rows
    ]
    return heads, cells


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401
    """Return a value as Python has it: whole figures whole, None for what is not known."""
    plain = value.item() if isinstance(value, np.generic) else value
    if name not in MEASURES:
        return plain
    return None if np.isnan(plain) else MEASURES[name](plain)


def _text(value: Any) -> str:  # noqa: ANN401
    return f"{value:g}" if isinstance(value, float) else str(value)
