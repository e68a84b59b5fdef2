"""Plots of what was measured, for docs/performance.md."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from msq_ref.formats.style import COLOURS, MARKERS, new_figure
from msq_ref.kernels.vector_math import erf, exp

__all__ = ["errors", "growth", "layers", "memory", "quantizer", "roofline"]

Rows = list[dict[str, Any]]

SAMPLES = 400_000


def roofline(rows: Rows) -> Any:  # noqa: ANN401
    """Draw work a second over work a byte where it is counted; other cases over their limits."""
    figure, (left, right) = new_figure(2, width=6.2, height=4.6)
    machine = rows[0]["machine"]["before"]
    x = np.geomspace(0.3, 100, 200)
    for n, (suffix, words) in enumerate((("", "2 threads"), ("_1", "1 thread"))):
        roof = np.minimum(machine[f"flops{suffix}"], x * machine[f"bandwidth{suffix}"]) / 1e9
        left.plot(x, roof, color="black", linestyle=("-", "--")[n], label=f"limit, {words}")
    counted = [row for row in rows if row["flops"]]
    names = [row["case"] for row in counted if row["threads"] != 1]
    for row in counted:
        two = row["threads"] != 1
        n = names.index(row["case"].removesuffix("/1 thread"))
        left.plot(
            row["flops"] / row["nbytes"], row["flops"] / row["ours_s"] / 1e9, linestyle="",
            marker=MARKERS[n % len(MARKERS)], color=COLOURS[n % len(COLOURS)], markersize=9,
            fillstyle="full" if two else "none", label=row["case"] if two else None,
        )  # fmt: skip
    left.set(xscale="log", yscale="log", ylim=(5, 1500), ylabel="Gflop/s",
             xlabel="floating-point operations a byte",
             title="Filled: two threads; hollow: one")  # fmt: skip
    left.legend(fontsize=8, loc="upper left", ncols=2)
    others = [row for row in rows if not row["flops"] and _has_own_limit(row)]
    for place, row in enumerate(others):
        right.barh(place, 1 / row["ratio_to_limit"], color=COLOURS[2], alpha=0.75)
    right.axvline(1, color="black", linestyle="--")
    right.set_yticks(range(len(others)), [row["case"] for row in others], fontsize=8)
    right.invert_yaxis()
    right.set(xlabel="limit / time", title="Other cases: share of their own limit")
    return figure


def _has_own_limit(row: dict[str, Any]) -> bool:
    """Tell whether the limit is that of ours, and not one of a case that stands there already."""
    name = row["case"]
    if name in ("hessian/gradient", "startup/first step", "memory/process"):
        return False
    return not any(word in name for word in ("_step", "fused_quantizer", "PyTorch"))


def quantizer(rows: Rows) -> Any:  # noqa: ANN401
    """Draw the fused quantizer, copies of the same bytes, and the definition."""
    by_case = {row["case"]: row for row in rows}
    first = by_case["fused_quantizer"]
    times = {
        "copy, compiled": first["peer_s"],
        "copy, numpy.copyto": by_case["fused_quantizer/copyto"]["peer_s"],
        "fused quantizer": first["ours_s"],
        "NumPy's definition": by_case["fused_quantizer/numpy"]["peer_s"],
    }
    figure, axis = new_figure(width=7, height=2.4)
    for place, (name, seconds) in enumerate(times.items()):
        axis.barh(place, seconds * 1e3, color=COLOURS[1 if name.startswith("fused") else 0])
        axis.text(seconds * 1e3 * 1.05, place, f"{seconds * 1e3:.3g} ms", va="center")
    axis.set_yticks(range(len(times)), [*times])
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="milliseconds for 10^7 values, two threads", xlim=(1, 2000))
    return figure


def memory(rows: Rows) -> Any:  # noqa: ANN401
    """Draw the peak memory of a step, ours and PyTorch's."""
    figure, axis = new_figure(width=7, height=2)
    chosen = [row for row in rows if row["unit"] == "B"]
    for place, row in enumerate(chosen):
        for shift, key, n in ((-0.2, "ours_s", 1), (0.2, "peer_s", 0)):
            axis.barh(place + shift, row[key] / 2**20, height=0.38, color=COLOURS[n],
                      label=("ours", "PyTorch")[1 - n] if not place else None)  # fmt: skip
            axis.text(row[key] / 2**20 + 5, place + shift, f"{row[key] / 2**20:.0f}", va="center",
                      fontsize=9)  # fmt: skip
    words = {"memory": "arrays of a step", "memory/process": "whole process"}
    axis.set_yticks(range(len(chosen)), [words.get(row["case"], row["case"]) for row in chosen])
    axis.invert_yaxis()
    axis.set(xlabel="MiB at the peak, ResNet-20, batch 128", xlim=(0, 900))
    axis.legend(loc="upper right")
    return figure


def layers(steps: Rows) -> Any:  # noqa: ANN401
    """Draw where the time of a step goes, by kind of layer."""
    figure, axis = new_figure(width=9, height=3.6)
    chosen = [row for row in steps if "where the time goes" in row["details"]]
    kinds: dict[str, int] = {}
    for place, row in enumerate(chosen):
        start, small = 0.0, 0.0
        for line in row["details"]["where the time goes"]:
            name, share = line["part"], max(0.0, line["share"])
            if name.startswith(" "):
                continue  # a single layer of a kind that has a line
            if share < 0.03:
                small += share
                continue
            n = kinds.setdefault(name, len(kinds))
            _part(axis, place, start, share, name, n)
            start += share
        _part(axis, place, start, small, "rest", None)
    axis.set_yticks(range(len(chosen)), [row["case"] for row in chosen])
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.set(xlabel="share of a step, forward and back, two threads", xlim=(0, 1))
    return figure


def _part(axis: Any, place: float, start: float, share: float, name: str, n: int | None) -> None:  # noqa: ANN401
    colour = "#d0d0d0" if n is None else COLOURS[n % 6]
    axis.barh(place, share, left=start, color=colour, alpha=0.75, edgecolor="black")
    if share > 0.025:
        words = "others" if name.startswith("additions") and share < 0.2 else name
        axis.text(start + share / 2, place, words, ha="center", va="center", fontsize=7,
                  rotation=0 if share > 0.09 else 90)  # fmt: skip


def growth(steps: Rows) -> Any:  # noqa: ANN401
    """Draw how the time of a step grows with batch and width."""
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415

    figure, axes = new_figure(2, width=5.2, height=3.8)
    for axis, title in zip(axes, ("time by batch", "time by width"), strict=True):
        for n, row in enumerate(row for row in steps if title in row["details"]):
            lines = row["details"][title]
            sizes = [float(line["size"].split()[-1]) for line in lines]
            axis.plot([size / sizes[0] for size in sizes], [line["to the first"] for line in lines],
                      color=COLOURS[n], marker=MARKERS[n], label=row["case"])  # fmt: skip
        most = axis.get_xlim()[1]
        axis.plot([1, most], [1, most], color="black", linestyle=":", label="in proportion")
        axis.set(xscale="log", yscale="log", ylabel="time, the smallest size = 1",
                 xlabel=f"{title.split()[-1]}, the smallest = 1")  # fmt: skip
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_locator(LogLocator(base=2))
            one.set_major_formatter("{x:g}")
            one.set_minor_locator(NullLocator())
        axis.legend(fontsize=8)
    return figure


def errors() -> Any:  # noqa: ANN401
    """Draw errors of exp and erf, in units in the last place, across the range of float32."""
    figure, axes = new_figure(2, width=5.2, height=3.2)
    cases = (
        (axes[0], "exp", _exp, np.exp, (-87.0, 88.0)),
        (axes[1], "erf", _erf, np.vectorize(math.erf), (-4.0, 4.0)),
    )
    for axis, name, compiled, exact, (low, high) in cases:
        x = np.linspace(low, high, SAMPLES).astype(np.float32)
        y = np.empty_like(x)
        compiled(x, y)
        right = exact(x.astype(np.float64))
        units = np.abs(y - right) / np.spacing(np.abs(right).astype(np.float32))
        worst = units.reshape(400, -1).max(axis=1)
        axis.plot(x.reshape(400, -1)[:, 0], worst, color=COLOURS[0], linewidth=1)
        axis.axhline(2, color=COLOURS[1], linestyle="--", label="bound")
        axis.set(xlabel="x", ylabel="largest error, ulp", title=name, ylim=(0, 2.2))
        axis.legend(loc="center right")
    return figure


@njit(nogil=True)
def _exp(x: Any, y: Any) -> None:  # noqa: ANN401
    for i in range(x.size):
        y[i] = exp(x[i])


@njit(nogil=True)
def _erf(x: Any, y: Any) -> None:  # noqa: ANN401
    for i in range(x.size):
        y[i] = erf(x[i])
