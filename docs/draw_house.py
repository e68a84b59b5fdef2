"""Drawings of docs/design.md: the floors, and the way of one weight through the code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from make_prose import floors, house_list
from one_weight import ACCELERATOR, AT, LAYER, WeightWay, follow
from sketch import BLUE, GREEN, GREY, ORANGE, PINK, SKY, Sketch

from msq_ref.formats.style import save_figure

__all__ = ["Box", "boxes", "draw_house", "draw_way", "main"]

REFERENCE, HWSIM = "msq_ref.reference", "hwsim"
WIDTH, HEIGHT, COLUMN, ROW = 5.6, 2.5, 6.7, 4.1
"""Of a box, and from one box to the next."""


@dataclass(frozen=True)
class Box:
    """A function, where it stands in the drawing, and what it gave for the weight."""

    row: int
    column: int
    path: str
    """Dotted name of the function."""
    lines: tuple[str, ...]
    colour: str

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.path.rpartition(".")[2]


ROWS = {
    0: "a step of training is a loop; orange is the force on the low bits, the rest the loss",
    3: "every few epochs: a round of pruning",
    4: "after training: lowering to integers",
    5: "inference: one window of one image, plane by plane",
    6: f"hardware: the layer on the array of {ACCELERATOR}",
}
"""What each row is about."""

ARROWS = (
    ((0, 0), (0, 1)), ((0, 1), (0, 2)), ((0, 2), (0, 3)), ((0, 3), (1, 3)), ((0, 2), (1, 2)),
    ((1, 2), (1, 1)), ((1, 3), (2, 3)), ((2, 3), (2, 2)), ((2, 2), (2, 1)), ((1, 1), (2, 1)),
    ((2, 1), (2, 0)), ((3, 0), (3, 1)), ((3, 1), (3, 2)), ((3, 2), (3, 3)),
    ((4, 0), (4, 1)), ((4, 1), (4, 2)), ((4, 2), (4, 3)), ((5, 0), (5, 1)), ((5, 1), (5, 2)),
    ((5, 2), (5, 3)), ((6, 0), (6, 1)), ((6, 1), (6, 2)), ((6, 2), (6, 3)),
)  # fmt: skip
"""From box to box, each by (row, column)."""


def boxes(way: WeightWay) -> tuple[Box, ...]:
    """Return all boxes with the numbers of a weight."""
    n = way["bits_now"]
    before, after = way["prune_step"]
    trace, tiling = way["hutchinson_layers"], way["best_tiling"]
    sign = "+" if way["lsb_l1_grad"] > 0 else ""
    cycles, output = way["simulate_layer"]
    m, s, z, bias = way["lower"]
    k = way["first k"]
    bits = "".join(str(bit) for bit in reversed(way["bit_planes"]))
    value, pixel = way["activation_codes"]
    top = 2**n - 1

    def of_reference(row: int, column: int, name: str, *lines: str, colour: str = SKY) -> Box:
        return Box(row, column, f"{REFERENCE}.{name}", lines, colour)

    return (
        Box(0, 0, "msq_ref.models.load", (f"{LAYER}.weight{list(AT)}", f"w = {way['load']:.4f}"),
            GREY),
        of_reference(0, 1, "normalize", "tanh(w) / (2 max) + 1/2", f"u = {way['normalize']:.4f}"),
        of_reference(0, 2, "roundclamp", f"rint({2**before} u), {before} bits",
                     f"c = {way['roundclamp']} = {way['roundclamp']:0{before}b}"),
        of_reference(0, 3, "dequantize", f"c / {2**before - 1}", f"q = {way['dequantize']:.4f}"),
        of_reference(1, 3, "effective", "scale (2 q - 1)", f"W = {way['effective']:.4f}"),
        of_reference(1, 2, "lsb", f"c - {2**k} (code of {before - k} bits)", f"B = {way['lsb']}",
                     colour=ORANGE),
        of_reference(1, 1, "lsb_l1_grad", "sign(B), times lambda",
                     f"dR/du = {sign}{way['lsb_l1_grad']}", colour=ORANGE),
        of_reference(2, 3, "cross_entropy", "the network's logits",
                     f"L = {way['cross_entropy']:.4f}"),
        of_reference(2, 2, "conv2d_backward", "through all layers",
                     f"dL/dW = {way['conv2d_backward']:.5f}"),
        of_reference(2, 1, "normalize_backward", "both gradients of u",
                     f"dL/dw = {way['normalize_backward']:.5f}"),
        of_reference(2, 0, "sgd_step", f"w = {way['sgd_step']:.5f}",
                     f"{way['steps']} steps: {way['trained']:.4f}"),
        Box(3, 0, "msq_ref.hessian.hutchinson_layers",
            ("v' H v, mean", f"Tr(H) = {trace.trace:.3g} +- {trace.standard_error:.2g}"), PINK),
        of_reference(3, 1, "sensitivity", "Tr(H) |W_n - W|",
                     f"Omega = {way['sensitivity']:.3g}", colour=PINK),
        of_reference(3, 2, "assign_k", f"mean Omega = {way['mean']:.3g}",
                     f"k = {way['assign_k']}", colour=PINK),
        of_reference(3, 3, "prune_step", f"beta = {way['lsb_nonzero_rate']:.2f} < alpha",
                     f"n: {before} to {after} bits", colour=PINK),
        Box(4, 0, "msq_ref.reference.roundclamp",
            (f"of the trained w, {n} bits", f"c = {way['code']}"), SKY),
        of_reference(4, 1, "integer_weights", f"2 c - {top}",
                     f"v = {way['integer_weights']}", colour=GREEN),
        of_reference(4, 2, "bit_planes", "plane 0 is the last digit", f"c = {bits}",
                     colour=GREEN),
        Box(4, 3, "msq_ref.integer.lower", (f"m = {m}, s = {s}", f"B = {bias}, z = {z}"), GREEN),
        of_reference(5, 0, "activation_codes", f"pixel {value:.4g}", f"x = {pixel}",
                     colour=GREEN),
        of_reference(5, 1, "bitserial_linear", f"9 products, {n} planes",
                     f"sum c x = {way['bitserial_linear']}", colour=GREEN),
        of_reference(5, 2, "integer_conv2d", f"2 sum c x - {top} sum x",
                     f"acc = {way['integer_conv2d']}", colour=GREEN),
        of_reference(5, 3, "requantize", "(acc + B) m >> s, + z",
                     f"next code = {way['requantize']}", colour=GREEN),
        Box(6, 0, f"{HWSIM}.tiling.best_tiling",
            ("by hwsim.search.search", f"{tiling.order}, m {tiling.m_size}, p {tiling.p_size}, "
             f"c {tiling.c_size}"), BLUE),
        Box(6, 1, f"{HWSIM}.analytic.closed_form",
            ("formulas", f"{way['closed_form']:,} cycles"), BLUE),
        Box(6, 2, f"{HWSIM}.engine.simulate_layer",
            (f"{cycles:,} cycles, one by one", f"acc = {output}"), BLUE),
        Box(6, 3, f"{HWSIM}.energy.energy_of",
            ("counts times a table", f"{way['energy_of'] / 1e3:.3g} nJ, estimated"), BLUE),
    )  # fmt: skip


def draw_way(way: WeightWay) -> Sketch:
    """Draw the way of one weight, as rows of boxes; training is a loop."""
    s = Sketch(4 * COLUMN, 7 * ROW + 0.6, scale=0.36)
    for row, words in ROWS.items():
        s.text(0.4, row * ROW + 0.75, words, ha="left", fontsize=11, style="italic")
    for box in boxes(way):
        x, y = _corner(box.row, box.column)
        s.box(x, y, WIDTH, HEIGHT, box.colour, alpha=0.55)
        s.text(x + WIDTH / 2, y + 0.5, box.name, family="monospace", weight="bold", fontsize=11)
        for place, line in enumerate(box.lines):
            s.text(x + WIDTH / 2, y + 1.22 + 0.72 * place, line, fontsize=10.5)
    for start, end in ARROWS:
        s.arrow(*_ends(start, end))
    s.arrow(*_ends((2, 0), (0, 0)))
    s.text(3.4, ROW + 2.3, "next\nstep", fontsize=11, ha="left")
    return s


def _corner(row: int, column: int) -> tuple[float, float]:
    return 0.4 + column * COLUMN, row * ROW + 1.25


def _ends(
    start: tuple[int, int], end: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where an arrow leaves a box and meets the next one, a little apart from both."""
    (x, y), (to_x, to_y) = _corner(*start), _corner(*end)
    middle = x + WIDTH / 2
    if start[0] < end[0]:
        return (middle, y + HEIGHT), (middle, to_y)
    if start[0] > end[0]:
        return (middle, y), (middle, to_y + HEIGHT)
    level = y + HEIGHT / 2
    return ((x + WIDTH, level), (to_x, level)) if x < to_x else ((x, level), (to_x + WIDTH, level))


def draw_house() -> Sketch:
    """Draw the floors of msq_ref, and hwsim beside them."""
    house = floors()
    s = Sketch(28, 2 * len(house) + 1, scale=0.34)
    allowed = {name.rpartition(".")[2] for name in house_list("FOR_HWSIM")}
    for floor, packages in house.items():
        y = 2 * (len(house) - 1 - floor) + 1
        s.text(0.3, y + 0.75, str(floor), fontsize=12, weight="bold")
        half = -(-len(packages) // 2) if len(packages) > 5 else len(packages)
        lines = [packages[:half], packages[half:]] if half < len(packages) else [packages]
        for at, line in enumerate(lines):
            width = 18.6 / len(line)
            for place, name in enumerate(line):
                height = 1.5 / len(lines)
                free = name in allowed
                s.box(1 + place * width, y + at * height, width - 0.2, height - 0.08,
                      GREEN if free else SKY)  # fmt: skip
                s.text(1 + place * width + (width - 0.2) / 2, y + (at + 0.47) * height, name,
                       fontsize=10.5 if len(lines) == 1 else 9.5,
                       weight="bold" if free else "normal")  # fmt: skip
    bottom = 2 * len(house) + 0.5
    s.box(22.4, 1, 5.2, bottom - 1, ORANGE)
    s.text(25, bottom / 2, "hwsim\n\nmay import what\nis green and bold", fontsize=11)
    s.text(10.3, 0.5, "msq_ref: an import goes down, or stays on its floor", fontsize=11)
    s.arrow((19.5, 1.75), (22.3, 1.75))
    s.text(20.95, 1.35, "the demo", fontsize=9.5)
    for floor, packages in house.items():
        if allowed.intersection(packages):
            level = 2 * (len(house) - 1 - floor) + 1.75
            s.arrow((22.3, level), (19.6, level))
    return s


def main(folder: Path) -> None:
    """Write both drawings into a folder."""
    save_figure(draw_house().figure, folder / "house.svg")
    save_figure(draw_way(follow()).figure, folder / "weight-way.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
