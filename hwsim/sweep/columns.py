"""The columns of a sweep's results, and what each holds."""

from __future__ import annotations

from hwsim.layer_report import STALLS, VECTOR_STALL
from hwsim.report import Report
from hwsim.sweep.config import Value
from hwsim.sweep.points import Points

__all__ = [
    "BAD_SETTINGS",
    "FITS",
    "MEASURES",
    "MISFIT",
    "Cell",
    "Row",
    "columns_of",
    "measures_of",
    "typed",
]

Cell = bool | int | float | str | None
"""A value; None where a point did not run."""

Row = tuple[Cell, ...]
"""A point: a value for each column."""

FITS, MISFIT, BAD_SETTINGS = "ok", "does not fit", "invalid"
"""What became of a point: it ran; no tile of a layer fits, or a layer is too wide; its settings
are no accelerator together, though each is by itself."""

_SHARES = {
    cause: cause.removesuffix("_cycles") + "_share" for cause in (*STALLS, VECTOR_STALL)
}  # fmt: skip

MEASURES: dict[str, type] = {
    "cycles": int,
    "compute_cycles": int,
    "stall_cycles": int,
    "latency_s": float,
    "energy_pj": float,
    "dram_bytes": int,
    "utilization": float,
    "array_gate_equivalents": float,
    "buffers_gate_equivalents": float,
    "total_gate_equivalents": float,
    **dict.fromkeys(_SHARES.values(), float),
}
"""What is known of a point that ran. ``utilization`` is the share of the array's lanes in all
cycles, those of the vector unit included; ``stall_*_share`` are shares of all cycles."""


def columns_of(points: Points) -> dict[str, type]:
    """Return the type of every column by its name, in their order."""
    return {
        "point": int,
        **{axis.key: axis.kind for axis in points.axes},
        "status": str,
        "reason": str,
        **MEASURES,
    }


def typed(value: Value, kind: type) -> Value:
    """Return a value of an axis in the type of its column, whose values may be of several."""
    if kind is str and isinstance(value, bool):
        return str(value).lower()
    return value if type(value) is kind else kind(value)


def measures_of(report: Report) -> Row:
    """Return the figures of `MEASURES` of a report."""
    totals, area = report.totals, report.area
    cycles = totals.cycles
    busy = sum(line.utilization * line.cycles for line in report.layers if line.tiling is not None)
    shares = [totals.stalls.get(cause, 0) / cycles if cycles else 0.0 for cause in _SHARES]
    return (
        cycles, totals.compute_cycles, totals.stall_cycles, totals.latency_s, totals.energy_pj,
        totals.dram_bytes, busy / cycles if cycles else 0.0, area.array, area.buffers, area.total,
        *shares,
    )  # fmt: skip
