"""Drawings of the kernels that are passes over memory, for docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sketch import BLUE, GREEN, GREY, ORANGE, PINK, SKY, Sketch

from msq_ref.formats.style import COLOURS, new_figure

__all__ = ["PASSES", "normalization_passes"]

# Reads and writes of one value of an image, pass by pass.
TRAFFIC = {
    "batch norm + activation, forward": {
        "apart": {"statistics": (1, 0), "scale": (1, 1), "activation": (1, 1)},
        "joined": {"statistics": (1, 0), "scale and activation": (1, 1)},
    },
    "batch norm + activation, back": {
        "apart": {"activation": (2, 1), "sums": (2, 0), "gradient": (2, 1)},
        "joined": {"activation and sums": (2, 0), "activation and gradient": (2, 1)},
    },
    "squeeze-and-excitation, back": {
        "apart": {"product": (2, 1), "spread mean": (0, 1), "sum": (2, 1)},
        "joined": {"sums": (2, 0), "gradient": (1, 1)},
    },
}


def normalization_passes() -> Any:  # noqa: ANN401
    """Draw reads and writes of a value, pass by pass: a bar of each way."""
    figure, axis = new_figure(width=9, height=3.4)
    place, ticks = 0.0, []
    for title, ways in TRAFFIC.items():
        for way, passes in ways.items():
            start = 0
            for n, (name, (reads, writes)) in enumerate(passes.items()):
                width = reads + writes
                axis.barh(place, width, left=start, color=COLOURS[n], alpha=0.75, edgecolor="black")
                axis.text(start + width / 2, place, name, ha="center", va="center", fontsize=8)
                start += width
            axis.text(start + 0.1, place, f"{start}", va="center")
            ticks.append((place, f"{title}, {way}"))
            place += 1
        place += 0.5
    axis.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.set(xlabel="reads and writes of memory for each value of an image", xlim=(0, 9))
    return figure


def parts() -> Sketch:
    """Draw parts on two threads; sums in order."""
    s = Sketch(30, 8.2)
    s.text(0.3, 1.7, "thread 1", ha="left")
    s.text(0.3, 3.2, "thread 2", ha="left")
    lanes = {1.2: ((0, 3.5), (2, 5), (4, 3), (5, 4.5)), 2.7: ((1, 6), (3, 4), (6, 3), (7, 3))}
    for y, taken in lanes.items():
        x = 4.0
        for part, length in taken:
            s.box(x, y, length - 0.2, 1, SKY if y < 2 else ORANGE, f"part {part}")
            x += length
    s.text(26, 2.5, "whoever is free\ntakes the next part")
    s.text(0.3, 5.7, "partial sums", ha="left")
    for n in range(8):
        s.box(4.5 + 2.2 * n, 5.2, 1.4, 1, GREEN, str(n))
        s.text(4.5 + 2.2 * n + 1.8, 5.7, "+" if n < 7 else "")
    s.text(26, 5.7, "always in this order")
    s.text(15, 7.5, "parts are cut by shape, never by the number of threads: 1, 2 and 4 threads "
           "give the same bits")  # fmt: skip
    return s


def weights() -> Sketch:
    """Draw the step's work on the weights."""
    s = Sketch(30, 8.6)
    s.box(0.3, 1.2, 3.4, 1.2, GREY, "latent w")
    s.box(6, 1.2, 6, 1.2, SKY, "first pass: max |w|")
    s.arrow((3.8, 1.8), (5.9, 1.8))
    s.arrow((9, 2.5), (9, 3.5))
    s.arrow((2, 2.5), (5.9, 4.2))
    s.box(6, 3.6, 10, 1.4, SKY, "second pass: u = |w| / max, code, low bits")
    for n, (words, colour) in enumerate((
        ("effective weights", GREEN), ("gradient of the regularizer", ORANGE),
        ("sum of low bits, count of nonzero ones", PINK),
    )):  # fmt: skip
        s.box(18.5, 2.3 + 1.4 * n, 11.2, 1.1, colour, words)
        s.arrow((16.1, 4.3), (18.4, 2.85 + 1.4 * n))
    s.text(15, 7.6, "NumPy's definition makes an array for every letter of the equations; here "
           "each weight is read twice,\nand what is summed is summed in chunks whose totals are "
           "added in order")  # fmt: skip
    return s


def attention() -> Sketch:
    """Draw how scores of a part of the batch stay in the cache."""
    s = Sketch(30, 8.8)
    for n in range(4):
        s.box(0.4, 1.2 + 1.3 * n, 4.6, 1.1, SKY if n == 1 else "white", f"images of part {n}")
    s.text(2.7, 0.6, "batch")
    for n, name in enumerate("qkv"):
        s.box(7, 1.2 + 1.5 * n, 2, 1.1, BLUE, name)
        s.arrow((5.1, 3), (6.9, 1.75 + 1.5 * n))
    s.box(12, 1.2, 4, 2, ORANGE, "scores\nq k'")
    s.arrow((9.1, 1.8), (11.9, 2.3))
    s.arrow((9.1, 3.2), (11.9, 2.7))
    s.box(18.5, 1.2, 4, 2, ORANGE, "softmax\nin place")
    s.arrow((16.1, 2.2), (18.4, 2.2))
    s.box(25, 1.4, 3.6, 1.6, GREEN, "p v")
    s.arrow((22.6, 2.2), (24.9, 2.2))
    s.arrow((9.1, 4.8), (26.8, 3.1))
    for x, words in ((14, "BLAS"), (20.5, "one compiled pass"), (26.8, "BLAS")):
        s.text(x, 0.6, words)
    s.text(15, 7.8, "all heads of some images at a time: at most 2^17 scores, which a cache holds "
           "from the first product to the last")  # fmt: skip
    return s


PASSES: dict[str, Callable[[], Sketch]] = {
    "parts": parts, "weights": weights, "attention": attention,
}  # fmt: skip
"""Drawings by name."""
