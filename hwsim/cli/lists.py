"""``hwsim accelerators`` and ``hwsim networks``: what there is."""

from __future__ import annotations

import json

import typer

from hwsim.cli.options import JsonOption
from hwsim.cli.program import app
from hwsim.cli.progress import Waiting
from msq_ref.formats.printing import print_table

__all__ = ["accelerators", "networks"]


@app.command()
def accelerators(as_json: JsonOption = False) -> None:
    """List the presets.

    Example: hwsim accelerators
    """
    from hwsim.accelerator import accelerator_names, load_accelerator  # noqa: PLC0415  (slow)
    from hwsim.tables import ACCELERATOR_COLUMNS, accelerator_rows  # noqa: PLC0415

    presets = [load_accelerator(name) for name in accelerator_names()]
    if as_json:
        typer.echo(json.dumps({"accelerators": [preset.model_dump() for preset in presets]}))
        return
    print_table("Presets", ACCELERATOR_COLUMNS, accelerator_rows(presets))


@app.command()
def networks(as_json: JsonOption = False) -> None:
    """List the networks that `run` knows by name, with their sizes.

    Example: hwsim networks
    """
    from hwsim.networks import network_sizes  # noqa: PLC0415  (the help comes without them)
    from hwsim.tables import NETWORK_COLUMNS, network_rows  # noqa: PLC0415

    with Waiting("walking the networks"):
        sizes = network_sizes()
    if as_json:
        typer.echo(json.dumps({"networks": [vars(size) for size in sizes]}))
        return
    print_table("Networks, one image", NETWORK_COLUMNS, network_rows(sizes))
