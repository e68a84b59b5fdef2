"""Pictures of runs: bits over training, weights on their bins, accuracy against compression."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.cli.folder import RunFolder
from msq_ref.formats.style import COLOURS, MARKERS, new_figure, save_figure
from msq_ref.reference import dorefa, roundclamp

__all__ = ["draw_bits", "draw_frontier", "plot_bins", "plot_run", "plot_training", "read_log"]


def read_log(folder: RunFolder) -> dict[str, list[float]]:
    """Return the columns of a run's log."""
    with folder.log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def plot_run(folder: RunFolder) -> None:
    """Write the picture of a run into its folder."""
    plot_training(read_log(folder), folder.path / "training.png")


def plot_training(log: Mapping[str, Sequence[float]], *targets: Path) -> None:
    """Draw bits per layer, and accuracy with compression, over the epochs."""
    layers = _layers(log)
    figure, (left, right) = new_figure(2, height=max(4.0, 0.16 * len(layers)))
    if len(layers) > len(MARKERS):
        _draw_bits_map(figure, left, log, layers)
    else:
        draw_bits(left, log)
    epochs = [epoch + 1 for epoch in log["epoch"]]
    right.plot(epochs, log["accuracy"], color=COLOURS[0], label="validation accuracy")
    right.set(xlabel="epoch", ylabel="validation accuracy", title="Accuracy and compression")
    other = right.twinx()
    other.grid(visible=False)
    other.spines["right"].set_visible(True)
    other.plot(epochs, log["compression"], color=COLOURS[1], linestyle="--", label="compression")
    other.set_ylabel("compression (32 bits / average bits)")
    lines = [*right.get_lines(), *other.get_lines()]
    right.legend(lines, [line.get_label() for line in lines], loc="lower right")
    save_figure(figure, *targets)


def draw_bits(axis: Any, log: Mapping[str, Sequence[float]]) -> None:  # noqa: ANN401
    """Draw the width of every layer over the epochs, and where the bits were frozen."""
    epochs = [epoch + 1 for epoch in log["epoch"]]
    layers = _layers(log)
    for index, layer in enumerate(layers):
        # A hair apart, so that layers of equal width stay visible.
        bits = [n + 0.06 * (index - (len(layers) - 1) / 2) for n in log[f"bits.{layer}"]]
        axis.plot(
            epochs, bits, drawstyle="steps-post", color=COLOURS[index % len(COLOURS)], label=layer,
            marker=MARKERS[index % len(MARKERS)], markevery=max(1, len(epochs) // 8),
        )  # fmt: skip
    frozen = [epoch for epoch, value in zip(epochs, log["lambda"], strict=True) if value == 0]
    if frozen and frozen[0] > 1:
        axis.axvline(frozen[0], color="0.4", linestyle=":", linewidth=1.5)
        axis.annotate("bits frozen", (frozen[0], 0.55), xycoords=("data", "axes fraction"),
                      xytext=(4, 0), textcoords="offset points", va="top")  # fmt: skip
    axis.set(xlabel="epoch", ylabel="bits of a weight (sign included)", title="Bits per layer")
    axis.set_ylim(0)
    axis.legend(loc="lower left")


def _draw_bits_map(
    figure: Any,  # noqa: ANN401
    axis: Any,  # noqa: ANN401
    log: Mapping[str, Sequence[float]],
    layers: Sequence[str],
) -> None:
    """Draw the width of many layers as a map: a row a layer, a column an epoch."""
    bits = np.array([log[f"bits.{layer}"] for layer in layers])
    epochs = bits.shape[1]
    image = axis.imshow(
        bits, aspect="auto", interpolation="nearest", cmap="viridis", vmin=0,
        extent=(0.5, epochs + 0.5, len(layers) - 0.5, -0.5),
    )  # fmt: skip
    axis.grid(visible=False)
    axis.set_yticks(range(len(layers)), layers, fontsize=7)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="epoch", title="Bits of a weight (sign included)")
    figure.colorbar(image, ax=axis)


def _layers(log: Mapping[str, Sequence[float]]) -> list[str]:
    return [name.removeprefix("bits.") for name in log if name.startswith("bits.")]


def plot_bins(u: NDArray[Any], bits: int, k: int, *targets: Path) -> None:
    """Draw a layer's weights over the bins of both quantizers, fine and coarse [S2.5].

    Parameters
    ----------
    u : ndarray
        Weights in the unit interval.
    bits, k : int
        Width of the code, and low bits that are sliced off.
    """
    figure, axes = new_figure(1, 2, width=8, height=2.9)
    grid = np.linspace(0, 1, 20_001)
    for axis, name, quantizer in (
        (axes[0], "RoundClamp, scale 2^n", roundclamp),
        (axes[1], "DoReFa, scale 2^n - 1", dorefa),
    ):
        counts, edges = np.histogram(u, bins=160, range=(0, 1))
        axis.fill_between(edges[:-1], counts, step="post", color="0.75", label="weights")
        top = counts.max()
        fine, coarse = (_edges(grid, quantizer(grid, n)) for n in (bits, bits - k))
        axis.vlines(fine, 0, 0.55 * top, color=COLOURS[0], linewidth=1, label=f"{bits}-bit edges")
        axis.vlines(
            coarse, 0, 0.95 * top, color=COLOURS[1], linewidth=2, linestyle="--",
            label=f"{bits - k}-bit edges",
        )  # fmt: skip
        centres = _centres(grid, quantizer(grid, bits))
        missed = max(np.abs(centres - edge).min() for edge in coarse) / np.diff(fine).max()
        verdict = "at bin centres" if missed < 0.01 else f"up to {missed:.2f} of a bin off centre"
        axis.set_title(f"{name}: coarse edges {verdict}")
        axis.set(xlim=(0, 1), ylabel="weights", yticks=[])
    axes[1].set_xlabel("u")
    axes[0].legend(loc="upper right", fontsize=9)
    save_figure(figure, *targets)


def draw_frontier(
    axis: Any,  # noqa: ANN401
    series: Mapping[str, Sequence[tuple[float, float]]],
    path: Sequence[tuple[float, float]],
) -> None:
    """Draw accuracy against compression: points by method, and the way MSQ took.

    Parameters
    ----------
    axis : matplotlib axes
    series : mapping of method to points (compression, test accuracy)
    path : sequence of (compression, validation accuracy)
        MSQ's epochs.
    """
    if path:
        axis.plot(*zip(*path, strict=True), color="0.6", linewidth=1, zorder=1,
                  label="MSQ while training (validation)")  # fmt: skip
    for index, (name, points) in enumerate(series.items()):
        axis.scatter(
            *zip(*points, strict=True), s=70, color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)], label=name, zorder=2,
        )  # fmt: skip
    lowest = min(accuracy for points in series.values() for _, accuracy in points)
    axis.set(
        xscale="log", xlabel="compression (32 bits / average bits)", ylabel="accuracy",
        title="Accuracy against compression", ylim=(min(0.9, lowest - 0.01), 1.0),
    )  # fmt: skip
    ticks = [1, 2, 4, 8, 16]
    axis.set_xticks(ticks, [f"{tick}x" for tick in ticks])
    axis.minorticks_off()
    axis.legend(loc="lower left")


def _edges(grid: NDArray[Any], codes: NDArray[np.int32]) -> NDArray[Any]:
    step = np.flatnonzero(np.diff(codes))
    return np.asarray((grid[step] + grid[step + 1]) / 2)


def _centres(grid: NDArray[Any], codes: NDArray[np.int32]) -> NDArray[Any]:
    """Return the middle of every bin; the outermost ones are half as wide, around 0 and 1."""
    edges = _edges(grid, codes)
    inner = (edges[:-1] + edges[1:]) / 2
    return np.concatenate([[0.0], inner, [1.0]])
