"""Boxes, cells and arrows: what the drawings of the kernels are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msq_ref.formats.style import COLOURS, new_figure

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "PINK", "RED", "SKY", "Sketch"]

BLUE, RED, GREEN, PINK, ORANGE, SKY, _ = COLOURS
GREY = "#d0d0d0"

Point = tuple[float, float]


class Sketch:
    """A drawing of a width and a height; y points down, a unit is a cell."""

    def __init__(self, width: float, height: float, scale: float = 0.42) -> None:
        self.figure, self.axis = new_figure(width=width * scale, height=height * scale)
        self.axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        self.axis.set_axis_off()

    def text(self, x: float, y: float, words: str, **more: Any) -> None:  # noqa: ANN401
        """Write words, centred; more: matplotlib's own arguments."""
        self.axis.text(x, y, words, **{"ha": "center", "va": "center", "fontsize": 10, **more})

    def box(
        self, x: float, y: float, width: float, height: float, colour: str = GREY,
        words: str = "", **more: Any,  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Draw a box from its upper left corner, with words in it."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415

        style = {"facecolor": colour, "edgecolor": "black", "linewidth": 0.8, "alpha": 0.75, **more}
        self.axis.add_patch(Rectangle((x, y), width, height, **style))
        if words:
            self.text(x + width / 2, y + height / 2, words)

    def cells(
        self, x: float, y: float, rows: int, columns: int,
        colour: Callable[[int, int], str] | str = "white",
        words: Callable[[int, int], str] | None = None,
    ) -> None:  # fmt: skip
        """Draw a grid of unit cells; colours and words by row and column."""
        for r in range(rows):
            for s in range(columns):
                shade = colour if isinstance(colour, str) else colour(r, s)
                self.box(x + s, y + r, 1, 1, shade, words(r, s) if words else "")

    def arrow(self, start: Point, end: Point, **more: Any) -> None:  # noqa: ANN401
        """Draw an arrow."""
        style = {"arrowstyle": "->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0, **more}
        self.axis.annotate("", end, start, arrowprops=style)
