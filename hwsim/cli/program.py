"""The program that the commands belong to."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer(
    name="hwsim",
    help="What a network costs on an accelerator, bit-serial or not: cycles, memory, energy, area.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
