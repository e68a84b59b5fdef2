"""What the buffers hold over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.plots.looks import BUFFERS
from msq_ref.formats.style import GREY, PAGE_WIDTH, SMALL, new_figure, save_figure, show_units

if TYPE_CHECKING:
    from hwsim.occupancy import Occupancy

__all__ = ["plot_occupancy"]


_FAR = 8
"""A room so many times what is held at most is not drawn, only said."""


def plot_occupancy(found: Occupancy, *targets: Path) -> None:
    """Draw each buffer by itself, from the first cycle to the last, below what it can hold.

    Every second layer has a grey ground.

    Parameters
    ----------
    found : Occupancy
    targets : Path
        Files; the suffix decides the format.
    """
    figure, axes = new_figure(1, 3, width=PAGE_WIDTH, height=1.35)
    end = int(found.edges[-1])
    starts = [*(start for _, start in found.layers), end]
    for index, (axis, look) in enumerate(zip(axes, BUFFERS, strict=True)):
        held, room = found.held[:, index], found.rooms[index]
        for first, stop in zip(starts[1::2], starts[2::2], strict=False):
            axis.axvspan(first, stop, color="0.93", linewidth=0)
        axis.stairs(held, found.edges, fill=True, color=look.colour, linewidth=0)
        axis.axhline(room, color=GREY, linestyle="--", linewidth=1.2)
        highest = max(int(held.max()), 1)
        near = highest >= room / _FAR
        axis.set_title(look.words, loc="left", fontsize=11)
        axis.set_title(
            f"{'- - ' if near else ''}room of a tile: {room:,} B", loc="right", fontsize=SMALL,
            color=GREY,
        )  # fmt: skip
        axis.set(xlim=(0, end), ylim=(0, 1.15 * (room if near else highest)))
        axis.locator_params(axis="y", nbins=4)
        show_units(axis.yaxis, "B")
        show_units(axis.xaxis)
        axis.tick_params(labelsize=SMALL)
        axis.locator_params(axis="x", nbins=5)
        axis.grid(visible=False, axis="x")
        if index < len(BUFFERS) - 1:
            axis.tick_params(axis="x", labelbottom=False)
    axes[-1].set_xlabel("cycles since the start")
    save_figure(figure, *targets)
