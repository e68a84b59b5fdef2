"""The command ``msq trace``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msq_ref import checks
from msq_ref.cli.folder import open_folder
from msq_ref.cli.options import JsonOption, RunArgument
from msq_ref.cli.progress import count_bar
from msq_ref.formats.printing import print_table

if TYPE_CHECKING:
    from msq_ref.cli.job import Job
    from msq_ref.hessian import TraceEstimate

__all__ = ["trace"]


def trace(
    run: RunArgument,
    method: Annotated[
        str, typer.Option(help="Estimator: hutchinson, all layers at once, or hutchpp.")
    ] = "hutchinson",
    samples: Annotated[
        int, typer.Option(min=2, help="Products at most; of hutchpp for each layer.")
    ] = 32,
    relative_error: Annotated[
        float, typer.Option(min=0, help="Standard error, over the trace, to stop at; 0: never.")
    ] = 0.0,
    images: Annotated[int, typer.Option(min=1, help="Training images in the batch.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random vectors.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for figures and plot; trace in the run's."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a trace that stopped.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate the Hessian trace and sensitivity of each layer of a finished run.

    Writes trace.json and trace.png.

    Example: msq trace runs/first --samples 64

    Example: msq trace runs/first --method hutchpp --relative-error 0.05
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  (after cheap checks)

    from msq_ref.cli.job import load_trained  # noqa: PLC0415
    from msq_ref.cli.tracing import TraceFolder, TraceSettings  # noqa: PLC0415
    from msq_ref.hessian import METHODS  # noqa: PLC0415
    from msq_ref.hessian.hutchpp import LEAST_PRODUCTS  # noqa: PLC0415
    from msq_ref.names import known_name  # noqa: PLC0415

    if method == "hutchpp":
        checks.integer("--samples", samples, LEAST_PRODUCTS)
    settings = TraceSettings(known_name("--method", method, METHODS), samples, relative_error, seed)
    source = open_folder(run)
    folder = TraceFolder(source.path / "trace" if out is None else out)
    folder.prepare(resume=resume)
    with threadpool_limits(limits=1):
        figures = _figures(load_trained(source), images, settings, folder, resume=resume)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        _print(run, figures)


def _figures(
    job: Job,
    images: int,
    settings: Any,  # noqa: ANN401  (the module of the class is not imported for a help text)
    folder: Any,  # noqa: ANN401
    *,
    resume: bool,
) -> dict[str, Any]:
    """Return the figures of a trace, which are then in the folder; at once if they were there."""
    from dataclasses import asdict  # noqa: PLC0415

    from msq_ref.cli.trace_plot import plot_omega  # noqa: PLC0415
    from msq_ref.cli.tracing import SavedTrace, subject  # noqa: PLC0415
    from msq_ref.files import write_text  # noqa: PLC0415

    batch = job.data.train.batch(slice(0, images))
    figures: dict[str, Any] = {
        **asdict(settings),
        "images": len(batch[1]),
        "subject": subject(job.network, *batch),
    }
    there = folder.read_figures() if resume and not folder.partial.exists() else None
    if there is not None:
        folder.fits(figures, there, folder.figures)
        return dict(there)
    saved = SavedTrace(job.network, *batch, settings, folder, resume=resume)
    run = saved.estimator
    with count_bar("Hessian-vector products", run.limit, run.spent) as advance:
        found = saved.run(advance)
    figures["layers"] = [_row(job, name, estimate) for name, estimate in found.items()]
    plot_omega(figures["layers"], folder.plot)
    write_text(folder.figures, json.dumps(figures, indent=1) + "\n")
    folder.partial.unlink(missing_ok=True)  # last: it says that the trace is not finished
    return figures


def _row(job: Job, name: str, estimate: TraceEstimate) -> dict[str, Any]:
    low, high = estimate.interval()
    weight = job.method.weights.get(name)
    # Float weights are not quantized: nothing can be lost.
    omegas = [
        weight.sensitivity(value) if weight is not None else 0.0
        for value in (estimate.trace, low, high)
    ]
    return {
        "layer": name,
        "bits": job.method.bits()[name],
        "trace": estimate.trace,
        "standard_error": estimate.standard_error,
        "low": low,
        "high": high,
        "samples": estimate.samples,
        "products": estimate.products,
        "omega": omegas[0],
        "omega_low": omegas[1],
        "omega_high": omegas[2],
    }


def _print(run: Path, figures: dict[str, Any]) -> None:
    columns = "layer", "bits", "Tr(H)", "standard error", "95% interval", "samples", "Omega"
    rows = (
        (
            str(row["layer"]), str(row["bits"]), f"{row['trace']:.4g}",
            f"{row['standard_error']:.2g}", f"{row['low']:.4g} to {row['high']:.4g}",
            str(row["samples"]), f"{row['omega']:.4g}",
        )
        for row in figures["layers"]
    )  # fmt: skip
    print_table(f"{run}: {figures['method']}, {figures['images']} images", columns, rows)
