"""What a run of the benchmarks prints, writes and draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Limits, noise
from benchmarks.measure import Row
from benchmarks.targets import TARGETS, judge
from msq_ref.formats.style import COLOURS, new_figure, save_figure

__all__ = ["Result", "as_plain", "plot", "show"]


@dataclass(frozen=True)
class Result:
    """The rows of one benchmark, and the machine's limits before and after it."""

    rows: Sequence[Row]
    before: Limits
    after: Limits

    @property
    def noise(self) -> str:
        """Why nothing can be judged; empty if it can. Bytes are the same on a busy machine."""
        timed = any(row.unit == "s" for row in self.rows)
        return noise(self.before, self.after) if timed else ""

    def shares(self, row: Row) -> dict[str, float | None]:
        """Return the shares of both limits that ours attains; None where work is not counted."""
        one = row.threads == 1
        flops = self.before.flops_1 if one else self.before.flops
        bandwidth = self.before.bandwidth_1 if one else self.before.bandwidth
        return {
            "of_peak": row.flops / flops / row.ours_s if row.flops else None,
            "of_bandwidth": row.nbytes / bandwidth / row.ours_s if row.nbytes else None,
        }


def as_plain(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return all rows as plain values for JSON."""
    return [
        {
            **row.as_dict(), **judge(row), **result.shares(row), "noise": result.noise,
            "machine": {"before": vars(result.before), "after": vars(result.after)},
        }
        for result in results
        for row in result.rows
    ]  # fmt: skip


def show(results: Sequence[Result], console: Console) -> None:
    """Print one table of everything, and what was found out beside it."""
    table = Table(
        "case", "ours", "peer", "peer's", "ratio", "x limit", "peak", "memory", "target",
        box=SIMPLE, padding=(0, 1, 0, 0),
    )  # fmt: skip
    table.columns[0].no_wrap = True
    for result in results:
        for row in result.rows:
            shares = result.shares(row)
            table.add_row(
                row.case, _amount(row.ours_s, row.ours_spread_s, row.unit),
                row.peer, _amount(row.peer_s, row.peer_spread_s, row.unit),
                f"{row.ratio:.3f} ± {row.spread / 2:.3f}", f"{row.ratio_to_limit:.2f}",
                _share(shares["of_peak"]), _share(shares["of_bandwidth"]),
                _verdict(row, result.noise),
            )  # fmt: skip
    console.print(table)
    for result in results:
        for row in result.rows:
            for title, lines in row.details.items():
                console.print(_details(f"{row.case}: {title}", lines))
        if result.noise:
            console.print(
                f"{result.rows[0].case}: the machine was too noisy to judge ({result.noise})"
            )
    if results:
        last = results[-1].after
        console.print(
            f"Limits: {last.flops / 1e9:.0f} Gflop/s (one thread {last.flops_1 / 1e9:.0f}), "
            f"{last.bandwidth / 1e9:.1f} GB/s ({last.bandwidth_1 / 1e9:.1f}). "
            "Medians ± half the interquartile range; ratios turn by turn."
        )


def plot(results: Sequence[Result], target: Path) -> None:
    """Draw the ratios that have a target, with their spread and the target."""
    chosen = [
        (row, TARGETS[row.case], result.noise)
        for result in results
        for row in result.rows
        if row.case in TARGETS
    ]
    figure, axis = new_figure(width=8, height=1.5 + 0.4 * max(1, len(chosen)))
    for place, (row, aim, noisy) in enumerate(chosen):
        value = getattr(row, aim.of)
        half = (row.ours_spread_s if aim.of == "ours_s" else row.spread) / 2
        colour = COLOURS[6 if noisy else 2 if value <= aim.most else 1]
        axis.barh(place, value / aim.most, xerr=half / aim.most, color=colour, height=0.6)
        axis.text(0.02, place, f"{value:.2f} of {aim.most:.2f}", va="center", color="white")
    axis.axvline(1, color="black", linestyle="--")
    axis.set_yticks(range(len(chosen)), [row.case for row, _, _ in chosen])
    axis.invert_yaxis()
    axis.set(xlabel="measured / target; at most 1 is met (black bars: too noisy to judge)")
    save_figure(figure, target)


def _amount(value: float, spread: float, unit: str) -> str:
    factor, name, digits = (1e-6, "MB", 0) if unit == "B" else (1e3, "ms", 2)
    return f"{value * factor:.{digits}f} ± {spread / 2 * factor:.{digits}f} {name}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _verdict(row: Row, noisy: str) -> str:
    verdict = judge(row)
    if verdict["target"] is None:
        return ""
    units = {"ratio_to_limit": " x limit", "ours_s": " s"}
    aim = f"{verdict['target']:.3g}{units.get(verdict['target_of'], '')}"
    return f"{aim}: {'too noisy' if noisy else 'met' if verdict['met'] else 'missed'}"


def _details(title: str, lines: Sequence[dict[str, Any]]) -> Table:
    table = Table(*(lines[0] if lines else ()), title=title, title_justify="left", box=SIMPLE)
    for line in lines:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in line.values()))
    return table
