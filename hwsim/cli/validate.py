"""``hwsim validate``: our figures beside those of others."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hwsim.cli.options import JsonOption
from hwsim.cli.program import app
from hwsim.cli.progress import Waiting
from msq_ref.formats.printing import print_lines, print_table

__all__ = ["validate"]


@app.command()
def validate(
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:FILES",
            help="A table of your own, in place of those that come along: "
            "scalesim:REPORT.csv,TOPOLOGY.csv,ROWSxCOLS,DATAFLOW (os, ws or is), "
            "bitsim:FILE.csv, bitfusion:FILE.csv or dnnsim:FILE.csv.",
        ),
    ] = None,
    layers: Annotated[
        int,
        typer.Option(
            metavar="COUNT",
            min=0,
            help="Small layers drawn to compare the search with brute force, the traffic with a "
            "replay of every access, and the engine with the closed form; 0: none. Not with "
            "--table.",
        ),
    ] = 264,
    rtl: Annotated[
        int,
        typer.Option(
            metavar="COUNT",
            min=0,
            help="Layers drawn to compare with the array in Verilog, where Verilator and a C++ "
            "compiler are installed; 0: none. Not with --table.",
        ),
    ] = 1000,
    as_json: JsonOption = False,
) -> None:
    """Compare with published simulators and papers, with brute force, replay and RTL.

    Exit code 0 only if every row that must be equal is, and there is one.

    Example: hwsim validate --table bitsim:mine.csv
    """
    from hwsim.validate import (  # noqa: PLC0415  (the help comes without it)
        COLUMNS,
        built_in,
        compare_drawn,
        compare_rtl,
        compare_table,
        comparison_rows,
    )

    found = []
    with Waiting("comparing") as waiting:
        parts = (one for text in table for one in compare_table(text)) if table else built_in()
        for one in parts:
            found.append(one)
            waiting.step(f"{len(found)} compared, {one.against}")
        left_out: list[str] = []
        if not table:
            found += compare_drawn(layers, progress=waiting.step)
            if layers == 0:
                left_out.append("Drawn layers: left out: --layers 0")
            waiting.step("RTL: building the arrays, unless they are in the cache")
            with_rtl = compare_rtl(
                rtl, lambda done, of: waiting.step(f"RTL: {done} of {of} layers compared")
            )
            if isinstance(with_rtl, str):
                left_out.append(with_rtl)
            else:
                found.append(with_rtl)
    holds = all(one.holds for one in found)
    if as_json:
        comparisons = [one.to_json() for one in found]
        result = {"holds": holds, "comparisons": comparisons, "left_out": left_out}
        typer.echo(json.dumps(result, indent=2))
    else:
        print_table("Comparisons", COLUMNS, comparison_rows(found), keys=2)
        print_lines(
            f"{one.against}, {one.what}: first difference: {one.first_difference}"
            for one in found
            if one.first_difference is not None
        )
        print_lines(left_out)
    if not holds:
        raise typer.Exit(1)
