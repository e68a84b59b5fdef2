"""Drawings of the integer kernels for docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sketch import BLUE, GREEN, ORANGE, SKY, Sketch

from msq_ref.formats.style import COLOURS, new_figure
from msq_ref.kernels.paths import PATHS, Extent, choose_path

__all__ = ["INTEGERS", "fastest_paths"]


def bytes_product() -> Sketch:
    """Draw one instruction of the byte product, and its tile."""
    s = Sketch(30, 8)
    s.text(4, 0.6, "activations, u8, of a row")
    s.cells(1, 1.2, 1, 6, lambda r, c: SKY if c < 4 else "white", lambda r, c: f"x{c}")
    s.text(4, 3.4, "weights, s8, of 16 columns")
    for column in range(2):
        s.cells(1, 4 + column, 1, 4, ORANGE, lambda r, c: f"w{c}")
        s.text(7, 4.5 + column, f"column {column}")
    s.text(3, 6.4, "...")
    s.arrow((9.3, 3.2), (12.4, 3.2))
    s.text(10.8, 2.4, "vpdpbusd")
    s.box(12.6, 2.4, 6.4, 1.6, GREEN, "int32: + 4 products")
    s.text(15.8, 4.6, "16 of these an instruction")
    s.text(25, 0.6, "tile: 8 rows x 2 x 16 columns")
    for row in range(8):
        for half in range(2):
            s.box(21.4 + 3.7 * half, 1.2 + 0.7 * row, 3.6, 0.65, GREEN)
    s.text(25, 7.4, "16 registers through the whole length")
    return s


def planes_product() -> Sketch:
    """Draw bit planes: AND, count, shift."""
    s = Sketch(30, 8.4)
    s.text(4.5, 0.6, "planes of activations")
    s.text(4.5, 4.1, "planes of weights")
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, 2, (2, 8)), rng.integers(0, 2, (2, 8))
    s.cells(0.5, 1.2, 2, 8, lambda r, c: SKY if left[r, c] else "white",
            lambda r, c: str(left[r, c]))  # fmt: skip
    s.cells(0.5, 4.7, 2, 8, lambda r, c: ORANGE if right[r, c] else "white",
            lambda r, c: str(right[r, c]))  # fmt: skip
    s.text(9.2, 1.7, "bit 0", ha="left")
    s.text(9.2, 2.7, "bit 1", ha="left")
    s.text(9.2, 5.2, "bit 0", ha="left")
    s.text(9.2, 6.2, "bit 1", ha="left")
    s.arrow((11.3, 4), (14, 4))
    s.text(12.7, 3.3, "AND")
    for n, (i, j) in enumerate(((1, 1), (0, 1), (1, 0), (0, 0))):
        ones = int((left[i] & right[j]).sum())
        s.box(14.2, 1.2 + 1.5 * n, 7.4, 1.2, GREEN, f"ones({i}, {j}) = {ones},  shift {i + j}")
    total = sum(int((left[i] & right[j]).sum()) << (i + j) for i in range(2) for j in range(2))
    s.arrow((21.8, 4), (24, 4))
    s.box(24.2, 3.2, 5.4, 1.6, BLUE, f"sum = {total}")
    s.text(15, 7.8, "a word holds 64 values, a vector 8 words; pairs with the same i + j share "
           "a shift")  # fmt: skip
    return s


def fastest_paths(length: int = 1152, outputs: int = 256) -> Any:  # noqa: ANN401
    """Draw which path the rule chooses for weight bits and activation bits, on this processor."""
    figure, axis = new_figure(width=5.2, height=4.4)
    widths = range(1, 9)
    for bits in widths:
        for in_bits in widths:
            path = choose_path(Extent(length, outputs, bits, in_bits, in_signed=False))
            axis.add_patch(_square(in_bits, bits, COLOURS[PATHS.index(path)]))
            axis.text(in_bits, bits, path, ha="center", va="center", fontsize=6.5)
    axis.set(xlim=(0.5, 8.5), ylim=(0.5, 8.5), aspect="equal", xlabel="activation bits",
             ylabel="weight bits", title=f"chosen path, {length} by {outputs}")  # fmt: skip
    axis.grid(visible=False)
    return figure


def _square(x: float, y: float, colour: str) -> Any:  # noqa: ANN401
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", alpha=0.6)


INTEGERS: dict[str, Callable[[], Sketch]] = {"bytes": bytes_product, "planes": planes_product}
"""Drawings by name."""
