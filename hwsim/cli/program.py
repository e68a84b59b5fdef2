"""The program that the commands belong to."""

from __future__ import annotations

from msq_ref.formats.console import new_app

__all__ = ["app"]

app = new_app(
    "hwsim",
    "What a network costs on an accelerator, bit-serial or not: cycles, memory, energy, area.",
)
"""All commands; each module of this package adds its own."""
