"""Draw the RTL's array and a schedule it ran: ``python docs/make_rtl.py [FOLDER]``.

The schedule is traced from the simulated Verilog, so Verilator and a C++ compiler are needed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from hwsim import Layer
from hwsim.rtl import Shape, trace_rtl
from hwsim.rtl.cases import fill
from msq_ref.formats.style import COLOURS, new_figure, save_figure

LAYER = Layer.linear("fc", 5, 3, 3, domain="offset")
SHAPE = Shape(2, 1, 2)


def main(folder: Path) -> None:
    """Write both pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_array(folder / "rtl-array.png")
    case = fill(LAYER, np.random.default_rng(0), in_signed=False, drain=1)
    draw_schedule(trace_rtl(case, SHAPE), folder / "rtl-schedule.png")


def draw_array(target: Path) -> None:
    """Draw what is connected to what, for two rows and two columns."""
    figure, axis = new_figure(width=8.4, height=4.6)
    axis.set(xlim=(0, 10.4), ylim=(0.2, 6.3))
    axis.set_axis_off()
    _box(axis, (0.1, 4.9), (2.5, 1.2), "controller\n5 loops and the drain", 2)
    _box(axis, (0.1, 1.0), (2.5, 2.6), "weight memory\n\na bit plane:\n[row][lane]", 5)
    _box(axis, (4.1, 4.9), (4.7, 1.2), "activation memory\n[column][lane], held for n planes", 4)
    for col, left in enumerate((4.1, 6.7)):
        for row, bottom in enumerate((2.5, 1.0)):
            _box(axis, (left, bottom), (2.1, 1.1),
                 f"element {row},{col}\nAND, add lanes,\nshift, accumulate", 0)  # fmt: skip
            _arrow(axis, (2.6 if col == 0 else left - 0.5, bottom + 0.55), (left, bottom + 0.55))
        _box(axis, (left, 3.9), (2.1, 0.6), f"sum of column {col}", 1)
        _arrow(axis, (left + 1.05, 4.9), (left + 1.05, 4.5))
        _arrow(axis, (left + 1.05, 3.9), (left + 1.05, 3.6))
        _arrow(axis, (left + 1.05, 1.0), (left + 1.05, 0.5))
    _arrow(axis, (1.35, 4.9), (1.35, 3.6), "ask, a cycle ahead")
    _arrow(axis, (2.6, 5.5), (4.1, 5.5), "ask")
    axis.text(9.0, 0.7, "outputs,\nonce a pass", va="center")
    axis.text(9.0, 4.2, "offset\ndomain", va="center", color=COLOURS[1])
    save_figure(figure, target)


def draw_schedule(lines: list[dict[str, int]], target: Path) -> None:
    """Draw a trace: what the memories are asked for, and what the array does a cycle later."""
    figure, axis = new_figure(width=11, height=3.6)
    rows = ("activations asked", "weights asked", "array", "outputs leave")
    for index, line in enumerate(lines):
        x = line["cycle"]
        step = f"{line['ask_term']}.{line['ask_plane']}"
        if line["ask_activations"]:
            _cell(axis, x, 3, str(line["ask_term"]), 4)
        if line["ask_weights"]:
            _cell(axis, x, 2, step, 5)
        if line["busy"]:
            before = lines[index - 1]
            works = before["ask_weights"]
            text = f"{before['ask_term']}.{before['ask_plane']}" if works else "drain"
            _cell(axis, x, 1, text, 0 if works else 1)
        if line["result"]:
            end = min(line["result_output"] + SHAPE.rows, LAYER.M) - 1
            first = line["result_output"]
            _cell(axis, x, 0, str(first) if first == end else f"{first}, {end}", 2)
    axis.set(
        xlim=(-0.6, lines[-1]["cycle"] + 0.6), ylim=(-0.5, 3.6), xlabel="cycle (0: start)",
        xticks=[line["cycle"] for line in lines], yticks=range(4), yticklabels=rows[::-1],
    )  # fmt: skip
    axis.grid(visible=False)
    axis.set_title(
        f"K = {LAYER.K}, M = {LAYER.M}, P = {LAYER.P}, n = {LAYER.bits} on "
        f"{SHAPE.rows} x {SHAPE.cols} x {SHAPE.lanes}: first term of the step . plane"
    )
    save_figure(figure, target)


def _box(
    axis: Any, place: tuple[float, float], size: tuple[float, float], text: str, colour: int  # noqa: ANN401
) -> None:
    axis.add_patch(
        Rectangle(place, *size, facecolor=COLOURS[colour] + "30", edgecolor=COLOURS[colour])
    )
    axis.text(place[0] + size[0] / 2, place[1] + size[1] / 2, text, ha="center", va="center",
              fontsize=10)  # fmt: skip


def _arrow(
    axis: Any, start: tuple[float, float], end: tuple[float, float], text: str = ""  # noqa: ANN401
) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "0.3"})
    axis.text((start[0] + end[0]) / 2 + 0.1, (start[1] + end[1]) / 2 + 0.15, text, fontsize=9)


def _cell(axis: Any, x: int, y: int, text: str, colour: int) -> None:  # noqa: ANN401
    axis.barh(y, 0.94, left=x - 0.47, height=0.7, color=COLOURS[colour] + "50",
              edgecolor=COLOURS[colour])  # fmt: skip
    axis.text(x, y, text, ha="center", va="center", fontsize=9)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
