"""Drawings of the convolutions' kernels for docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable

from sketch import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, Sketch

__all__ = ["CONVOLUTIONS"]


def tiles() -> Sketch:
    """Draw a tile of positions by outputs, held in registers."""
    s = Sketch(30, 10.6)
    s.text(5, 0.6, "input, NHWC (a cell: all channels)")
    s.cells(0, 1.2, 3, 10, lambda r, c: SKY if r == 1 and 1 <= c < 9 else "white")
    s.text(5, 4.9, "8 positions of a row;\none channel of each, spread")
    s.text(15, 0.6, "weights of a tap and a channel")
    for row, words in enumerate(("tap 0, channel 0", "tap 0, channel 1", "...")):
        s.box(11.5, 1.2 + row, 7, 1, ORANGE if row == 0 else "white", words)
    s.text(15, 4.9, "16 outputs: one block\nof 64 bytes, loaded once")
    s.text(25, 0.6, "tile: 8 positions x 16 outputs")
    for row in range(8):
        s.box(21.5, 1.2 + row, 7, 1, GREEN, f"position {row}" if row in (0, 7) else "")
    s.arrow((10.2, 2.7), (11.3, 1.7))
    s.arrow((18.7, 1.7), (21.3, 3))
    s.text(10, 8.2, "for each tap and channel:\n1 load, 8 multiply-adds of 16 values each;\n"
           "the tile is written once, when all taps are through")  # fmt: skip
    s.text(25, 9.9, "8 registers, no memory in between")
    return s


def winograd() -> Sketch:
    """Draw four results of a 3 x 3 filter by 16 products."""
    s = Sketch(30, 8.4)
    s.text(2, 0.6, "patch of x, 4 x 4")
    s.cells(0, 1.2, 4, 4, lambda r, c: SKY if 1 <= r <= 2 and 1 <= c <= 2 else "white")
    s.arrow((4.3, 3.2), (8.7, 3.2))
    s.text(6.5, 2.5, "B' x B")
    s.text(6.5, 3.9, "additions")
    s.text(11, 0.6, "16 places")
    s.cells(9, 1.2, 4, 4, ORANGE)
    s.arrow((13.3, 3.2), (18.7, 3.2))
    s.text(16, 2.2, "each times its\n(channels, outputs)")
    s.text(16, 4.2, "matrix of G w G':\n16 products")
    s.text(21, 0.6, "summed over channels")
    s.cells(19, 1.2, 4, 4, GREEN)
    s.arrow((23.3, 3.2), (26.7, 3.2))
    s.text(25, 2.5, "A' m A")
    s.text(25, 3.9, "additions")
    s.text(28, 1.5, "y, 2 x 2")
    s.cells(27, 2.2, 2, 2, BLUE)
    s.text(15, 7.2, "direct: 4 results x 9 taps = 36 products a channel; here 16. Patches overlap "
           "by two rows and columns.\nSome rows of patches at a time: all three squares stay in "
           "the second-level cache.")  # fmt: skip
    return s


def phases() -> Sketch:
    """Draw the input gradient of stride 2 by the remainders of row and column."""
    s = Sketch(30, 9.6)
    colours = {(0, 0): BLUE, (0, 1): ORANGE, (1, 0): GREEN, (1, 1): PINK}
    s.text(3, 0.6, "dL/dx, colour: phase")
    s.cells(0, 1.2, 6, 6, lambda r, c: colours[r % 2, c % 2])
    s.text(10.5, 0.6, "3 x 3 taps, padding 1")
    # A row r of dL/dx sees the taps i with (r + padding - i) divisible by the stride.
    s.cells(9, 1.2, 3, 3, lambda i, j: colours[(i + 1) % 2, (j + 1) % 2],
            lambda i, j: f"{i}{j}")  # fmt: skip
    s.text(10.5, 5.6, "each tap belongs\nto one phase")
    for n, (phase, colour) in enumerate(colours.items()):
        taps = [f"{i}{j}" for i in range(3) for j in range(3)
                if ((i + 1) % 2, (j + 1) % 2) == phase]  # fmt: skip
        y = 1.3 + 1.4 * n
        s.box(15, y, 1, 1, colour)
        rows, columns = ("odd" if remainder else "even" for remainder in phase)
        words = f"rows {rows}, columns {columns}: taps {', '.join(taps)}"
        s.text(16.5, y + 0.5, words, ha="left")
    s.text(15, 8.6, "four small correlations of dL/dy at stride 1, 9 taps in all: none meets "
           "the zeros that a dilated dL/dy would hold")  # fmt: skip
    return s


def depthwise() -> Sketch:
    """Draw a row of a depthwise convolution in registers."""
    s = Sketch(30, 8.6)
    s.text(6, 0.6, "a row of x: one block of 16 channels each", ha="left")
    s.cells(6, 1.2, 1, 10, SKY, lambda r, c: f"x{c}")
    s.cells(7, 5.2, 1, 8, GREEN, lambda r, c: f"y{c}")
    for q in range(8):
        for j in range(3):
            style = {"linewidth": 1.6 if q == 3 else 0.5, "color": RED if q == 3 else "black"}
            s.arrow((q + j + 6.5, 2.3), (q + 7.5, 5.1), **style)
    s.text(23.5, 0.6, "taps, in the first-level cache")
    s.cells(22, 1.2, 3, 3, ORANGE, lambda i, j: f"w{i}{j}")
    s.text(15, 7.5, "each block of x is loaded once a row of taps and meets all outputs it belongs "
           "to (red: those of y3);\nwhat lies outside the image is left out, inside nothing "
           "branches")  # fmt: skip
    return s


def products() -> Sketch:
    """Draw how matrix products are cut."""
    s = Sketch(30, 9.2)
    shades = (BLUE, SKY, GREEN, ORANGE)

    def stacked(x: float, y: float, height: float, width: float, word: str) -> None:
        for n, shade in enumerate(shades):
            s.box(x, y + n * height / 4, width, height / 4, shade)
        s.text(x + width / 2, y - 0.5, word)

    s.text(4.5, 0.5, "many rows (1x1 convolutions)")
    stacked(0.5, 2.2, 5, 1.6, "x")
    s.box(3, 2.2, 2, 1.6, GREY, "w")
    stacked(6, 2.2, 5, 2, "y")
    s.text(14.5, 0.5, "many columns")
    s.box(10.5, 2.2, 1.6, 2, GREY, "x")
    for n, shade in enumerate(shades):
        s.box(12.7 + n, 2.2, 1, 1.6, shade)
        s.box(12.7 + n, 4.6, 1, 2, shade)
    s.text(17.3, 3, "w")
    s.text(17.3, 5.6, "y")
    s.text(24.5, 0.5, "gradient of a weight: x' dL/dy")
    stacked(20, 2.2, 5, 1.6, "x")
    stacked(22.4, 2.2, 5, 2, "dL/dy")
    for n, shade in enumerate(shades):
        s.box(25.6, 2.2 + 1.25 * n, 2, 1, shade)
        s.text(28.2, 2.7 + 1.25 * n, "+" if n else "", fontsize=13)
    s.text(26.6, 1.7, "a sum of each")
    s.text(15, 8.3, "a colour: a part, one BLAS call on one thread; parts are cut by shape, and "
           "sums added from top to bottom")  # fmt: skip
    return s


CONVOLUTIONS: dict[str, Callable[[], Sketch]] = {
    "tiles": tiles, "winograd": winograd, "phases": phases, "depthwise": depthwise,
    "products": products,
}  # fmt: skip
"""Drawings by name."""
