"""The commands of ``msq``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from msq_ref.cli import pipes, vectors
from msq_ref.cli.conform import conform
from msq_ref.cli.folder import open_folder
from msq_ref.cli.options import JsonOption, RunArgument
from msq_ref.cli.tables import print_figures
from msq_ref.cli.trace import trace
from msq_ref.cli.train import train
from msq_ref.formats.console import new_app

__all__ = ["app"]

app = new_app("msq", "Ground truth for MSQ: train, evaluate and trace networks, check backends.")
"""All commands; a helper module registers or defines each."""

app.command()(train)


@app.command("eval")
def evaluate(run: RunArgument, as_json: JsonOption = False) -> None:
    """Evaluate a finished run on the test images, in float and in integers.

    Example: msq eval runs/first
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from msq_ref.cli.integers import integer_figures, no_integer_form  # noqa: PLC0415
    from msq_ref.cli.job import load_trained  # noqa: PLC0415
    from msq_ref.formats.integer_file import load_integer_network  # noqa: PLC0415
    from msq_ref.training.loop import accuracy_on  # noqa: PLC0415

    folder = open_folder(run)
    job = load_trained(folder)
    with threadpool_limits(limits=1):
        test = job.data.test
        figures: dict[str, Any] = {
            "method": job.config.method,
            "accuracy": accuracy_on(job.network, test),
            "compression": float(job.method.compression()),
            "bits": job.method.bits(),
        }
        missing = no_integer_form(job.network)
        if missing:
            figures["not_in_integers"] = missing
        elif job.method.weights:
            figures |= integer_figures(job, load_integer_network(folder.integer))
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        print_figures(figures)


app.command()(trace)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for runs, plots and report.")
    ] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of all runs.")] = 0,
    accelerator: Annotated[str, typer.Option(help="Preset of hwsim.")] = "edge-small",
    as_json: JsonOption = False,
) -> None:
    """Train float, DoReFa and MSQ on real digits, run in integers, and count the cost.

    Example: msq demo --out runs/demo
    """
    from msq_ref.cli.demo import run_demo  # noqa: PLC0415

    if not run_demo(out, seed, accelerator, as_json=as_json):
        raise typer.Exit(1)


app.command()(conform)
pipes.register(app)
app.add_typer(vectors.app, name="vectors")
