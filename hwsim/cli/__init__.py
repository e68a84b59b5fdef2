"""The command line ``hwsim``."""

from __future__ import annotations

from hwsim.cli import compare, lists, run, sweep, validate  # noqa: F401  (they are its commands)
from hwsim.cli.program import app
from msq_ref.formats.console import run_app

__all__ = ["app", "main"]

ORDER = ("run", "compare", "sweep", "accelerators", "networks", "validate")
"""The commands as the help lists them, those of every day first."""

app.registered_commands.sort(key=lambda one: ORDER.index(getattr(one.callback, "__name__", "")))


def main() -> None:
    """Run the command line and exit: 0 done, 1 it ran and failed, 2 bad usage or input."""
    raise SystemExit(run_app(app, "hwsim"))
