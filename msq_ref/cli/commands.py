"""The commands of ``msq``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from msq_ref.cli import pipes, vectors
from msq_ref.cli.conform import conform
from msq_ref.cli.folder import open_folder, prepare_folder
from msq_ref.cli.progress import count_bar, epochs_bar
from msq_ref.formats.console import console
from msq_ref.settings import read_toml
from msq_ref.training.config import RunConfig, parse_config

__all__ = ["app"]

app = typer.Typer(
    name="msq",
    help="Ground truth for MSQ: train, evaluate and trace networks, check backends.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Run = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")]


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder of the run, made by this command.")],
    model: Annotated[str | None, typer.Option(help="Network; digits-cnn by default.")] = None,
    data: Annotated[str | None, typer.Option(help="Data set; digits by default.")] = None,
    method: Annotated[str | None, typer.Option(help="msq, dorefa or float.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, batches and traces.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings, as in a config.toml.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that stopped.")] = False,
) -> None:
    """Train a network and write a run folder.

    Example: msq train --method msq --out runs/first
    """
    from msq_ref.cli.job import make_job, run_job  # noqa: PLC0415  (after cheap checks)

    flags = {"model": model, "data": data, "method": method, "seed": seed}
    settings = _settings(config, {key: value for key, value in flags.items() if value is not None})
    folder = prepare_folder(out, settings, resume=resume)
    if resume and folder.report.exists():
        console().print(f"{out}: the run is finished already")
        return
    job = make_job(settings)
    with epochs_bar(settings.method, settings.training.epochs) as progress:
        run_job(job, folder, progress, resume=resume)
    _print_figures(folder.read_report())


@app.command("eval")
def evaluate(run: Run, as_json: Json = False) -> None:
    """Evaluate a finished run on the test images, in float and in integers.

    Example: msq eval runs/first
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from msq_ref.cli.integers import integer_figures  # noqa: PLC0415
    from msq_ref.cli.job import load_trained  # noqa: PLC0415
    from msq_ref.formats.integer_file import load_integer_network  # noqa: PLC0415
    from msq_ref.training.loop import accuracy  # noqa: PLC0415

    folder = open_folder(run)
    job = load_trained(folder)
    with threadpool_limits(limits=1):
        test = job.data.test
        figures: dict[str, Any] = {
            "method": job.config.method,
            "accuracy": accuracy(job.network, test.images, test.labels),
            "compression": float(job.method.compression()),
            "bits": job.method.bits(),
        }
        if job.method.weights:
            figures |= integer_figures(job, load_integer_network(folder.integer))
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        _print_figures(figures)


@app.command()
def trace(
    run: Run,
    samples: Annotated[int, typer.Option(min=2, help="Rademacher vectors.")] = 32,
    images: Annotated[int, typer.Option(min=1, help="Training images in the batch.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of the vectors.")] = 0,
    as_json: Json = False,
) -> None:
    """Estimate the Hessian trace and sensitivity of each layer of a finished run.

    Example: msq trace runs/first --samples 64
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from msq_ref.cli.job import load_trained  # noqa: PLC0415

    job = load_trained(open_folder(run))
    bar = count_bar("Hessian-vector products", samples)
    with threadpool_limits(limits=1), bar as on_sample:
        found = job.traces([seed], samples, images, on_sample)
    rows = [
        {
            "layer": name,
            "bits": job.method.bits()[name],
            "trace": estimate.trace,
            "standard_error": estimate.standard_error,
            "samples": estimate.samples,
            "omega": job.method.weights[name].sensitivity(estimate.trace)
            if name in job.method.weights
            else 0.0,  # float weights are not quantized: nothing can be lost
        }
        for name, estimate in found.items()
    ]
    if as_json:
        typer.echo(json.dumps({"layers": rows}))
        return
    table = Table("layer", "bits", "Tr(H)", "standard error", "Omega", title=f"{run}")
    for row in rows:
        table.add_row(
            str(row["layer"]), str(row["bits"]), f"{row['trace']:.4g}",
            f"{row['standard_error']:.2g}", f"{row['omega']:.4g}",
        )  # fmt: skip
    console().print(table)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for runs, plots and report.")] = Path(
        "runs/demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Of all runs.")] = 0,
    accelerator: Annotated[str, typer.Option(help="Preset of hwsim.")] = "edge-small",
    as_json: Json = False,
) -> None:
    """Train float, DoReFa-4 and MSQ on real digits, run in integers, and count the cost.

    Example: msq demo --out runs/demo --seed 1
    """
    from msq_ref.cli.demo import run_demo  # noqa: PLC0415

    if not run_demo(out, seed, accelerator, as_json=as_json):
        raise typer.Exit(1)


app.command()(conform)
pipes.register(app)
app.add_typer(vectors.app, name="vectors")


def _settings(config: Path | None, flags: dict[str, Any]) -> RunConfig:
    values = read_toml(config) if config is not None else {}
    if not flags:
        return parse_config(values, str(config or "settings"))
    if values:
        parse_config(values, str(config))  # so that an error in the file is said to be there
    return parse_config({**values, **flags}, "command line")


def _print_figures(figures: dict[str, Any]) -> None:
    table = Table("figure", "value", title=f"method {figures['method']}")
    names = ("accuracy", "compression", "average_bits", "integer_accuracy", "agreement")
    for name in names:
        if name in figures:
            table.add_row(name.replace("_", " "), f"{figures[name]:.4g}")
    table.add_row("bits", ", ".join(f"{layer} {n}" for layer, n in figures["bits"].items()))
    console().print(table)
