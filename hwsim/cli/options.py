"""Options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "ArrayOption",
    "BitsOption",
    "CompressionOption",
    "CsvOption",
    "HtmlOption",
    "JsonFileOption",
    "JsonOption",
    "NetworkArgument",
    "ObjectiveOption",
    "SetOption",
]

NetworkArgument = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="Folder of a finished run, name of a network (hwsim networks), a topology in "
        "SCALE-Sim's format (.csv), or an ONNX file (.onnx).",
    ),
]

ArrayOption = Annotated[
    str | None,
    typer.Option(
        "--array", metavar="ROWSxCOLS[xLANES]", help="Sides of the array, such as 32x16x8."
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, as often as wanted: dram.bits_per_cycle=64. The keys are those of "
        "an accelerator's file, units in their names.",
    ),
]

BitsOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|FILE",
        help="Weights this wide, 1 to 16 bits, or by layer from a file or a run's folder; in "
        "place of the trained ones, or of 8 without a run.",
    ),
]

CompressionOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Weights by a stated rule so narrow that the network is X times smaller than in 32 "
        "bits; the bits are marked as assumed.",
    ),
]

ObjectiveOption = Annotated[
    Literal["cycles", "energy", "bytes"],
    typer.Option(help="What the tiling of each layer has the least of."),
]

JsonFileOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write JSON; - prints it and nothing else."),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else.")
]

CsvOption = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Write a table; - prints it and nothing else."),
]

HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with plots and tables.")
]
