"""Where the energy goes, by part: an estimate, as all energies are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwsim.energy import energy_by_part
from hwsim.layer_report import LayerReport
from hwsim.plots.bars import Bar, Group, plot_bars
from hwsim.plots.cycles import same_layers
from hwsim.plots.looks import ENERGY
from hwsim.report import Report

__all__ = ["plot_energy", "plot_energy_by_layer"]

_LABEL = "energy per image (estimate)"

_JOULE = 1e-12
"""A picojoule."""


def plot_energy(reports: Mapping[str, Report], *targets: Path) -> None:
    """Draw the energy of whole networks by part, a bar a report; they may have any layers.

    Raises
    ------
    ValueError
        If there is no report.
    """
    if not reports:
        raise ValueError("reports = {}: expected at least one")
    groups = [
        Group(label, [Bar(_sums(report.layers))]) for label, report in reports.items()
    ]
    plot_bars(groups, ENERGY, _LABEL, "J", *targets)


def plot_energy_by_layer(reports: Mapping[str, Report], *targets: Path) -> None:
    """Draw the energy of every layer by part, for several reports below each other.

    Of many layers the smallest are left out, which is said.

    Raises
    ------
    ValueError
        If there is no report, or their layers differ.
    """
    groups = [
        Group(
            name,
            [
                Bar(_sums([report.layers[at]]), label if len(reports) > 1 else "")
                for label, report in reports.items()
            ],
        )
        for at, name in enumerate(same_layers(reports))
    ]
    plot_bars(groups, ENERGY, _LABEL, "J", *targets)


def _sums(layers: tuple[LayerReport, ...] | list[LayerReport]) -> dict[str, float]:
    """Return the energy of some layers in J, by part."""
    parts = energy_by_part(layer.energy for layer in layers)
    return {name: _JOULE * energy for name, energy in parts.items()}
