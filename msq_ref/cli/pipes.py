"""``msq gen`` and ``msq ver``: cases through pipes, for C, RTL and whatever reads lines."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from msq_ref.cli.options import LevelOption, OpArgument

__all__ = ["gen", "register", "ver"]

SHOWN = 20
"""Faults that are printed."""


def gen(
    op: OpArgument,
    level: LevelOption = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random cases.")] = 0,
    invalid: Annotated[
        bool, typer.Option("--invalid", help="Illegal calls too, to be answered by 'error'.")
    ] = False,
) -> None:
    """Write the cases of an operation, one a line, for a program that appends its answers.

    Example: msq gen roundclamp --level full > cases.txt
    """
    from msq_ref.conformance.pipes import gen as lines_of  # noqa: PLC0415  (only when asked for)

    typer.echo("\n".join(lines_of(op, level, seed, invalid=invalid)))


def ver(
    op: OpArgument,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the last line only.")] = False,
) -> None:
    """Read cases with answers from standard input and judge them.

    Exit code 0: the stream is whole and every answer right; 1: something is not; 2: bad usage.

    Example: msq gen lsb | perl examples/pipes/sliced.pl lsb | msq ver lsb
    """
    from msq_ref.conformance.pipes import ver as judge  # noqa: PLC0415

    # Whatever a program writes is judged; nothing it writes may stop the judge.
    stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")
    verdict = judge(op, stream)
    if not quiet:
        for fault in verdict.faults[:SHOWN]:
            typer.echo(str(fault))
        if len(verdict.faults) > SHOWN:
            typer.echo(f"... and {len(verdict.faults) - SHOWN} more")
    wrong = f", {len(verdict.faults)} faults" if verdict.faults else ""
    typer.echo(f"{op}: {verdict.cases} cases judged{wrong}")
    if not verdict.held():
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add both commands to a command line."""
    app.command()(gen)
    app.command()(ver)
