"""Draw the pictures of the spec and of the design: ``python docs/make_images.py [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

import draw_house
import numpy as np
from threadpoolctl import threadpool_limits

from msq_ref import kernels, reference
from msq_ref.cli.job import make_job
from msq_ref.cli.plots import plot_bins
from msq_ref.formats.style import COLOURS, MARKERS, new_figure, save_figure
from msq_ref.methods.domains import DOMAINS
from msq_ref.training.config import parse_config
from msq_ref.training.loop import Trainer, accuracy

WEIGHTS = 4000
EPOCHS = 20


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    w = np.random.default_rng(0).normal(0, 0.2, WEIGHTS)
    draw_domains(w, folder / "domains.png")
    plot_bins(reference.normalize(w), 3, 1, folder / "bins.png")
    draw_dropping({name: dropping(name) for name in DOMAINS}, folder / "dropping.png")
    draw_house.main(folder)


def draw_domains(w: np.ndarray, target: Path) -> None:
    """Draw how a bell-shaped layer falls on the codes of 1 to 3 bits, in both domains [S1.4]."""
    figure, axes = new_figure(3, 2, width=4.2, height=2.7)
    for line, domain in zip(axes, DOMAINS.values(), strict=True):
        u = domain.unit(w, reference)
        scale = domain.initial_scale(w)
        latent = domain.weights(u, w, scale, reference)
        edge = np.abs(latent).max()
        for axis, bits in zip(line, (1, 2, 3), strict=True):
            axis.set(yticks=[], xlim=(-1.15 * edge, 1.15 * edge))
            if bits <= domain.sign_bits:
                axis.text(0.5, 0.5, "no such width:\na sign needs a magnitude",
                          transform=axis.transAxes, ha="center", va="center")  # fmt: skip
                axis.set_axis_off()
                continue
            code_bits = bits - domain.sign_bits
            q = reference.dequantize(reference.roundclamp(u, code_bits), code_bits, u.dtype)
            values, counts = np.unique(
                domain.weights(q, w, scale, reference), return_counts=True
            )
            shares = counts / counts.sum()
            axis.hist(latent, bins=60, color="0.8", weights=np.full(w.size, 6 / w.size))
            axis.vlines(values, 0, shares, color=COLOURS[0], linewidth=5)
            axis.set_ylim(0, 1.1)
            axis.set_title(f"{domain.name}, {bits} bits: {shares.max():.0%} the same")
    for axis in axes[1]:
        axis.set_xlabel("weight (grey: real, blue: share at each code)")
    save_figure(figure, target)


def dropping(domain: str) -> dict[int, tuple[float, float]]:
    """Train the digits network at 8 bits, then drop all layers to n bits without more training.

    Returns
    -------
    dict of n to (validation accuracy, share of the widest layer's commonest weight)
    """
    # Bits frozen from the start: no rounds of pruning, no regularizer.
    settings = {"training": {"epochs": EPOCHS}, "msq": {"domain": domain, "prune_until": 0}}
    job = make_job(parse_config(settings, "make_images"))
    train, validation = job.data.train, job.data.validation
    found = {}
    with threadpool_limits(limits=1):
        trainer = Trainer(job.network, job.method, job.config.training, kernels, seed=0)
        trainer.run(train, lambda: 0.0, lambda state: None)
        for n in range(8, DOMAINS[domain].sign_bits, -1):
            for weight in job.method.weights.values():
                weight.bits = n
            job.method.quantize()
            widest = max(job.method.weights.values(), key=lambda weight: weight.size)
            _, counts = np.unique(widest.layer.weight, return_counts=True)
            found[n] = (
                accuracy(job.network, validation.images, validation.labels),
                float(counts.max() / widest.size),
            )
    return found


def draw_dropping(found: dict[str, dict[int, tuple[float, float]]], target: Path) -> None:
    """Draw what `dropping` found for each domain."""
    figure, axes = new_figure(2)
    for index, (name, values) in enumerate(found.items()):
        for axis, which in zip(axes, (0, 1), strict=True):
            axis.plot(
                list(values), [value[which] for value in values.values()], color=COLOURS[index],
                marker=MARKERS[index], label=name,
            )  # fmt: skip
    axes[0].set(title="Trained at 8 bits, dropped to n at once", ylabel="validation accuracy")
    axes[1].set(title="How much of the widest layer is one value", ylabel="share of weights")
    for axis in axes:
        axis.set(xlabel="bits n of a weight (sign included)", ylim=(0, 1.02), xlim=(8.2, 0.8))
        axis.legend()
    save_figure(figure, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
