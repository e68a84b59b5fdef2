"""What the demo shows: one table, the checks, pictures and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hwsim
from msq_ref.cli.folder import RunFolder
from msq_ref.formats.console import console
from msq_ref.formats.printing import print_table

__all__ = ["Finished", "print_demo", "write_pictures", "write_report"]

TITLES = {
    "float": "float",
    "dorefa8": "DoReFa, 8 bits",
    "dorefa4": "DoReFa, 4 bits",
    "dorefa2": "DoReFa, 2 bits",
    "msq": "MSQ",
}

HEADER = (
    "method", "average bits", "compression", "accuracy", "integer accuracy", "cycles", "energy",
    "speed-up over 8 bits",
)  # fmt: skip

PICTURES = {
    "training": ("Bits while training", "MSQ drops bits of a layer once its low bits are mostly "
                 "zero; dotted: from here on the bits are frozen and the network recovers."),
    "bins": ("Weights on their bins", "The widest layer of MSQ: in RoundClamp every edge of the "
             "coarse code is the centre of a fine bin, in DoReFa it is not [S2.5]."),
    "frontier": ("Accuracy against compression", "Test accuracy of the finished networks."),
    "cycles": ("Where the cycles go", "One image, layer by layer, beside the same network at "
               "8 bits."),
}  # fmt: skip


@dataclass(frozen=True)
class Finished:
    """A run of the demo with its cost; `costs` and `costs_8bit` are None in float."""

    folder: RunFolder
    figures: dict[str, Any]
    costs: hwsim.Report | None = None
    costs_8bit: hwsim.Report | None = None


def print_demo(out: Path, summary: Mapping[str, Any], finished: Mapping[str, Finished]) -> None:
    """Print the table, the checks, and where the rest is."""
    print_table(f"digits-cnn on digits, seed {summary['seed']}", HEADER, _rows(finished))
    screen = console()
    screen.print(_note(finished), highlight=False)
    for name, held in summary["checks"].items():
        screen.print(f"  {'held  ' if held else 'FAILED'}  {name.replace('_', ' ')}")
    screen.print(f"Pictures and the whole report: {out / 'report.html'}", soft_wrap=True)


def write_pictures(out: Path, finished: Mapping[str, Finished]) -> None:
    """Write the plots, as PNG to look at and as SVG for the page."""
    from hwsim.plots import draw_cycles, plot_cycles  # noqa: PLC0415  (matplotlib)
    from msq_ref.cli.job import load_trained  # noqa: PLC0415
    from msq_ref.cli.plots import (  # noqa: PLC0415
        draw_bits,
        draw_frontier,
        plot_bins,
        plot_training,
        read_log,
    )
    from msq_ref.formats.style import new_figure, save_figure  # noqa: PLC0415

    def targets(name: str) -> tuple[Path, Path]:
        return out / f"{name}.png", out / f"{name}.svg"

    msq = finished["msq"]
    log = read_log(msq.folder)
    plot_training(log, *targets("training"))
    weights = load_trained(msq.folder).method.weights.values()
    widest = max(weights, key=lambda weight: weight.size)
    plot_bins(widest.domain.unit(widest.latent, widest.backend), 4, 2, *targets("bins"))
    points: dict[str, list[tuple[float, float]]] = {}
    for run in finished.values():
        label = {"float": "float", "dorefa": "DoReFa, uniform", "msq": "MSQ"}[run.figures["method"]]
        points.setdefault(label, []).append((run.figures["compression"], run.figures["accuracy"]))
    path = list(zip(log["compression"], log["accuracy"], strict=True))
    assert msq.costs is not None
    assert msq.costs_8bit is not None
    costs = {"MSQ": msq.costs, "8 bits": msq.costs_8bit}
    figure, axis = new_figure()
    draw_frontier(axis, points, path)
    save_figure(figure, *targets("frontier"))
    for target in targets("cycles"):
        plot_cycles(costs, target)
    figure, axes = new_figure(3, width=5.2)
    draw_bits(axes[0], log)
    draw_frontier(axes[1], points, path)
    draw_cycles(axes[2], costs)
    axes[2].set_title("Where the cycles go", pad=40)  # above the legend
    save_figure(figure, *targets("overview"))


def write_report(out: Path, summary: Mapping[str, Any], finished: Mapping[str, Finished]) -> None:
    """Write ``report.html``: everything in one page."""
    from msq_ref.formats.page import Figure, Section, write_page  # noqa: PLC0415

    msq = finished["msq"]
    assert msq.costs is not None
    alts = _alts(finished)
    sections = [
        Section("Methods", [_note(finished)], HEADER, _rows(finished)),
        Section("Checks", (), ("check", "result"), [
            (name.replace("_", " "), "held" if held else "FAILED")
            for name, held in summary["checks"].items()
        ]),
        *(
            Section(title, figures=[Figure(out / f"{name}.svg", alts[name], caption)])
            for name, (title, caption) in PICTURES.items()
        ),
        Section(
            f"MSQ on {msq.costs.accelerator}", (),
            ("layer", "bits", "MACs", "cycles", "stalls", "DRAM bytes", "energy", "utilization"),
            [
                (
                    layer.name, str(layer.bits), f"{layer.macs:,}", f"{layer.cycles:,}",
                    f"{layer.stall_cycles:,}", f"{layer.dram_bytes:,}", _energy(layer.energy_pj),
                    f"{layer.utilization:.0%}",
                )
                for layer in msq.costs.layers
            ],
        ),
        Section("Integers against float", ["Codes of every step on the test images, from the same "
            "input codes; a difference is explained if the float value lies within the stated "
            "bound of a rounding edge [S9.6]."], ("step", "outputs", "differing", "unexplained"), [
            (step["name"], *(f"{step[k]:,}" for k in ("outputs", "differing", "unexplained")))
            for step in msq.figures["integer_steps"]
        ]),
    ]  # fmt: skip
    write_page(out / "report.html", f"MSQ demo, seed {summary['seed']}", sections)


def _alts(finished: Mapping[str, Finished]) -> dict[str, str]:
    """Return what each picture shows, in words."""
    from hwsim.pages.words import cycles_alt  # noqa: PLC0415

    msq = finished["msq"]
    assert msq.costs is not None
    assert msq.costs_8bit is not None
    points = [
        f"{TITLES[name]}: {run.figures['accuracy']:.1%} at {run.figures['compression']:.2f}x"
        for name, run in finished.items()
    ]
    bits, smaller = msq.figures["average_bits"], msq.figures["compression"]
    return {
        "training": f"MSQ ends at {bits:.2f} bits a weight on average, {smaller:.2f}x smaller.",
        "bins": f"Weights between 0 and 1, twice. {PICTURES['bins'][1]}",
        "frontier": f"Accuracy and compression of {len(points)} networks. {'; '.join(points)}.",
        "cycles": cycles_alt({"MSQ": msq.costs, "8 bits": msq.costs_8bit}),
    }


def _rows(finished: Mapping[str, Finished]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in finished.items():
        f = run.figures
        row = [
            TITLES[name], f"{f['average_bits']:.2f}", f"{f['compression']:.2f}x",
            f"{f['accuracy']:.4f}",
        ]  # fmt: skip
        if run.costs is None or run.costs_8bit is None:
            row += ["-"] * 4
        else:
            row += [
                f"{f['integer_accuracy']:.4f}", f"{run.costs.totals.cycles:,}",
                _energy(run.costs.totals.energy_pj),
                f"{run.costs_8bit.totals.cycles / run.costs.totals.cycles:.2f}x",
            ]  # fmt: skip
        rows.append(tuple(row))
    return rows


def _energy(picojoules: float) -> str:
    return f"{picojoules / 1e3:,.0f} nJ"


def _note(finished: Mapping[str, Finished]) -> str:
    two_bits, images = finished["dorefa2"].figures, finished["msq"].figures["test_images"]
    return (
        f"Accuracy on {images} test images that training never saw. These digits are easy: uniform "
        f"2-bit DoReFa keeps {two_bits['accuracy']:.1%} at {two_bits['compression']:.0f}x, so the "
        "methods cannot be told apart here; what the demo shows is that the whole way works. "
        "Cycles and energy are for one image: cycles are exact for the modelled array, energy is "
        "an estimate."
    )
