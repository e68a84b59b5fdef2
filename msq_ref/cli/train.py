"""The command ``msq train``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from msq_ref.cli.folder import prepare_folder
from msq_ref.cli.progress import epochs_bar
from msq_ref.cli.tables import print_figures
from msq_ref.formats.console import console
from msq_ref.settings import read_toml
from msq_ref.training.config import RunConfig, parse_config

__all__ = ["train"]


def train(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the run, made by this command.")
    ],
    model: Annotated[str | None, typer.Option(help="Network; digits-cnn by default.")] = None,
    data: Annotated[str | None, typer.Option(help="Data set; digits by default.")] = None,
    method: Annotated[str | None, typer.Option(help="Method: msq, dorefa or float.")] = None,
    init: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="First weights, in our names or PyTorch's."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training set.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, batches, traces.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings, as in a run's config.toml.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as msq.target=8."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that stopped.")] = False,
) -> None:
    """Train a network and write a run folder.

    Example: msq train --method msq --out runs/first

    Example: msq train --config mine.toml --set msq.target=8 --out runs/second
    """
    from msq_ref.cli.job import make_job, run_job  # noqa: PLC0415  (after cheap checks)
    from msq_ref.formats.datasets import describe  # noqa: PLC0415

    flags: dict[str, Any] = {
        "model": model, "data": data, "method": method, "seed": seed,
        "init": None if init is None else str(init.absolute()),
        "training": None if epochs is None else {"epochs": epochs},
    }  # fmt: skip
    chosen = {key: value for key, value in flags.items() if value is not None}
    for text in settings or []:
        _merge(chosen, _setting(text))
    wanted = run_settings(config, chosen)
    folder = prepare_folder(out, wanted, resume=resume)
    if resume and folder.report.exists():
        console().print(f"{out}: the run is finished already")
        return
    job = make_job(wanted)
    console().print(describe(job.data))
    with epochs_bar(wanted.method, wanted.training.epochs) as progress:
        run_job(job, folder, progress, resume=resume)
    print_figures(folder.read_report())


def run_settings(config: Path | None, flags: dict[str, Any]) -> RunConfig:
    """Return a run's settings: those of a file, and on top of them the flags'.

    Raises
    ------
    ValueError
        In one line, naming the file or the command line, whichever is wrong.
    """
    values = read_toml(config) if config is not None else {}
    if not flags:
        return parse_config(values, str(config or "settings"))
    if values:
        parse_config(values, str(config))  # so that an error in the file is said to be there
    return parse_config(_merge(values, flags), "command line")


def _setting(text: str) -> dict[str, Any]:
    """Return ``{"msq": {"target": 8}}`` for ``msq.target=8``; a value that is no TOML is text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"--set {text}: expected KEY=VALUE, such as msq.target=8")
    for line in (f"{key}={value}", f"{key}={_quoted(value)}"):
        try:
            return tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
    raise ValueError(f"--set {text}: {key!r} is no key, such as msq.target")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Put changes into nested values, in place."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value
    return values
