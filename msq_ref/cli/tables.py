"""Tables of a run's figures in the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from msq_ref.formats.console import console
from msq_ref.formats.printing import STYLE

__all__ = ["print_figures"]

FORMS = {
    "accuracy": "{:.4f}",
    "compression": "{:.2f}x",
    "average_bits": "{:.2f}",
    "integer_accuracy": "{:.4f}",
    "agreement": "{:.4f}",
}
"""As in all tables and reports."""


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures of a run; those it does not have are left out."""
    table = Table("figure", "value", title=f"method {figures['method']}", **STYLE)
    for name, form in FORMS.items():
        if name in figures:
            table.add_row(name.replace("_", " "), form.format(figures[name]))
    if figures.get("peak_bytes"):
        table.add_row("peak memory", f"{figures['peak_bytes'] / 2**20:.0f} MiB")
    bits = (f"{layer}\N{NO-BREAK SPACE}{n}" for layer, n in figures["bits"].items())
    table.add_row("bits", ", ".join(bits))
    if "not_in_integers" in figures:
        table.add_row("integers", figures["not_in_integers"])
    console().print(table)
