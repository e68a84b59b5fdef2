"""Tables of a run's figures in the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from msq_ref.formats.console import console

__all__ = ["print_figures"]


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures of a run; those it does not have are left out."""
    table = Table("figure", "value", title=f"method {figures['method']}")
    names = ("accuracy", "compression", "average_bits", "integer_accuracy", "agreement")
    for name in names:
        if name in figures:
            table.add_row(name.replace("_", " "), f"{figures[name]:.4g}")
    if figures.get("peak_bytes"):
        table.add_row("peak memory", f"{figures['peak_bytes'] / 2**20:.0f} MiB")
    table.add_row("bits", ", ".join(f"{layer} {n}" for layer, n in figures["bits"].items()))
    if "not_in_integers" in figures:
        table.add_row("integers", figures["not_in_integers"])
    console().print(table)
