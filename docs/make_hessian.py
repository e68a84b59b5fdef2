"""Draw and tabulate ``docs/hessian.json``: ``python docs/make_hessian.py``.

Writes ``docs/images/differences.png`` and the tables of ``docs/hessian.md`` between their markers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from marks import between

from msq_ref.files import write_text
from msq_ref.formats.style import COLOURS, MARKERS, new_figure, save_figure

HERE = Path(__file__).parent


def main() -> None:
    """Write the picture and the tables."""
    measured = json.loads((HERE / "hessian.json").read_text(encoding="utf-8"))
    draw(measured, HERE / "images" / "differences.png")
    page = HERE / "hessian.md"
    write_text(page, page_with_tables(page.read_text(encoding="utf-8"), measured))


def draw(measured: dict[str, Any], target: Path) -> None:
    """Draw the error of finite differences over the step, in both precisions."""
    figure, axes = new_figure(2, width=5.2)
    for axis, dtype in zip(axes, ("float64", "float32"), strict=True):
        for index, (name, errors) in enumerate(measured["differences"].items()):
            axis.plot(measured["steps"], errors[dtype], color=COLOURS[index], marker=MARKERS[index],
                      markersize=5, linewidth=1.5, label=name)  # fmt: skip
            axis.axhline(errors[f"exact {dtype}"], color=COLOURS[index], linestyle=":",
                         linewidth=1.2)  # fmt: skip
        axis.set(xscale="log", yscale="log", ylim=(1e-13, 1e4), xlabel="step e", title=dtype)
        axis.invert_xaxis()
    axes[0].set_ylabel("relative error of the difference")
    axes[0].legend(
        loc="lower left",
        fontsize=8,
    )
    axes[1].text(0.03, 0.05, "dotted: the exact product in this precision",
                 transform=axes[1].transAxes, fontsize=9)  # fmt: skip
    save_figure(figure, target)


def tables(measured: dict[str, Any]) -> dict[str, str]:
    """Return the Markdown tables of `hessian.json` by their markers."""
    best = ["| network | float64: best error | at step | at 1e-3 | float32: best error | at step |",
            "|---|---|---|---|---|---|"]  # fmt: skip
    steps = measured["steps"]
    for name, errors in measured["differences"].items():
        at = {kind: int(np.argmin(errors[kind])) for kind in ("float64", "float32")}
        near = int(np.argmin(np.abs(np.log10(steps) + 3)))
        best.append(
            f"| {name} | {errors['float64'][at['float64']]:.1e} | {steps[at['float64']]:.0e} | "
            f"{errors['float64'][near]:.1e} | {errors['float32'][at['float32']]:.1e} | "
            f"{steps[at['float32']]:.0e} |"
        )
    held = [
        "| network | rule | samples, mean | held the trace | with Student's t alone |",
        "|---|---|---|---|---|",
    ]
    for row in measured["coverage"]:
        held.append(
            f"| {row['network']} | {row['rule']} | {row['samples']:.0f} | "
            f"{_range(row['lowest'], row['highest'])} | "
            f"{_range(row['student_lowest'], row['student_highest'])} |"
        )
    equal = ["| layer | weights | in the 8 largest eigenvalues | products | Hutchinson | Hutch++ |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in measured["accuracy"]:
        equal.append(
            f"| {row['layer']} | {row['weights']} | {row['top8']:.0%} | {row['products']} | "
            f"{row['hutchinson']:.2%} | {row['hutchpp']:.2%} |"
        )
    times = ["| case | ours | peer | peer's | ratio | spread | gradients |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in measured["cost"]:
        times.append(
            f"| {row['case']} | {row['ours_s'] * 1e3:.0f} ms | {row['peer']} | "
            f"{row['peer_s'] * 1e3:.0f} ms | {row['ratio']:.2f} | {row['spread']:.2f} | "
            f"{row['ratio_to_limit']:.2f} |"
        )
    named = {"differences": best, "coverage": held, "accuracy": equal, "cost": times}
    return {name: "\n".join(lines) + "\n" for name, lines in named.items()}


def _range(low: float, high: float) -> str:
    return f"{low:.1%}" if low == high else f"{low:.1%} to {high:.1%}"


def page_with_tables(text: str, measured: dict[str, Any]) -> str:
    """Return the text of the page with its tables as they are now."""
    for name, table in tables(measured).items():
        text = between(text, f"<!-- {name} -->\n", "<!-- end -->", table)
    return text


if __name__ == "__main__":
    main()
