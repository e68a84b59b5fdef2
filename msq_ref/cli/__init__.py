"""The command line ``msq``."""

from __future__ import annotations

from msq_ref.cli.commands import app
from msq_ref.formats.console import run_app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line and exit: 0 all held, 1 something did not, 2 bad usage or input."""
    raise SystemExit(run_app(app, "msq"))
