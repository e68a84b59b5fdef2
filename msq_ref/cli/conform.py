"""``msq conform``: check a backend against the spec."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from msq_ref.cli.options import JsonFileOption, LevelOption
from msq_ref.files import check_writable, write_text
from msq_ref.formats.printing import print_table
from msq_ref.names import known_name

if TYPE_CHECKING:
    from msq_ref.conformance.record import Record
    from msq_ref.conformance.report import RunReport

__all__ = ["conform"]

SHOWN = 5
"""Failures of an operation that are printed; all of them are in the JSON."""

INTERNAL = 3
"""Exit code of an error of the kit itself."""


def conform(
    module: Annotated[str, typer.Argument(metavar="MODULE[:NAME]", help="Where the backend is.")],
    ops: Annotated[str | None, typer.Option(help="Operations, with commas; else all.")] = None,
    level: LevelOption = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random cases.")] = 0,
    json_file: JsonFileOption = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit's XML.")] = None,
    xfail: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Expected failures: a case id, pattern or name a line."),
    ] = None,
    isolate: Annotated[
        bool,
        typer.Option("--isolate", help="Call the backend in a process of its own; it may crash."),
    ] = False,
    limit: Annotated[float, typer.Option(min=0.01, help="Seconds a call may take.")] = 10.0,
) -> None:
    """Check a backend: which operations are right, and for each failure how to repeat it.

    Exit code 0: at least one case ran and all that ran passed; 1: something failed, or an expected
    failure passed; 2: the backend cannot be loaded, or bad usage; 3: an error of the kit.

    Example: msq conform msq_ref.kernels --ops roundclamp,lsb --json report.json
    """
    from msq_ref.conformance.cases import LEVELS  # noqa: PLC0415  (imports only when asked for)
    from msq_ref.conformance.isolate import probe  # noqa: PLC0415
    from msq_ref.conformance.loading import declarations, load_backend  # noqa: PLC0415
    from msq_ref.conformance.report import RunReport  # noqa: PLC0415
    from msq_ref.conformance.suite import known_names, ordered  # noqa: PLC0415

    known_name("--level", level, LEVELS)
    known = known_names()
    names = ordered(
        None if ops is None
        else [known_name("--ops", name.strip(), known) for name in ops.split(",")]
    )  # fmt: skip
    for flag, target in (("--json", json_file), ("--junit", junit)):
        if target is not None and str(target) != "-":
            check_writable(flag, Path(target).absolute().parent)
    expected = _expected(xfail)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a backend's idle threads need not spin
    declares = probe(module) if isolate else declarations(load_backend(module))
    report = RunReport(module, level, seed, declares, expected)
    try:
        _run(report, names, limit, isolated=isolate)
    except Exception as error:  # the kit's own; whatever a backend raises is a result
        typer.echo(f"msq: internal error: {type(error).__name__}: {error}", err=True)
        raise typer.Exit(INTERNAL) from error
    _write(report, json_file, junit)
    if json_file == "-":
        typer.echo(json.dumps(report.as_dict()))
    else:
        _print(report)
    if not report.held():
        raise typer.Exit(1)


def _run(report: RunReport, names: list[str], limit: float, *, isolated: bool) -> None:
    from msq_ref.conformance.compilation import CompilationClock  # noqa: PLC0415
    from msq_ref.conformance.loading import load_backend  # noqa: PLC0415

    clock = None if isolated else CompilationClock(load_backend(report.backend))
    columns = (
        TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("operations"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(names))
        for name in names:
            bar.update(task, description=name)
            report.add(name, _records(report, name, limit, isolated=isolated))
            bar.advance(task)
    if clock is not None:
        report.compilation_seconds = clock.seconds


def _records(
    report: RunReport, name: str, limit: float, *, isolated: bool
) -> Iterator[Record]:
    from msq_ref.conformance.check import records  # noqa: PLC0415
    from msq_ref.conformance.isolate import run_isolated  # noqa: PLC0415
    from msq_ref.conformance.loading import load_backend  # noqa: PLC0415

    if isolated:
        return run_isolated(report.backend, name, report.level, report.seed, limit)
    return records(load_backend(report.backend), report, name, limit)


def _expected(file: Path | None) -> list[str]:
    """Read a file of expected failures; # starts a comment."""
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--xfail = {file}: cannot read it ({error})") from None
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def _write(report: RunReport, json_file: str | None, junit: Path | None) -> None:
    from msq_ref.conformance.junit import write_junit  # noqa: PLC0415

    if json_file not in (None, "-"):
        target = Path(str(json_file))
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, json.dumps(report.as_dict(), indent=2) + "\n")
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        write_junit(junit, report)


def _print(report: RunReport) -> None:
    columns = (
        "operation", "status", "cases", "passed", "failed", "skipped", "worst ulp", "exactness",
    )  # fmt: skip
    rows = (
        (
            entry.name, entry.status, *(
                f"{count:,}" for count in (
                    entry.passed + entry.failed, entry.passed, entry.failed,
                    sum(entry.skipped.values()),
                )
            ), f"{entry.worst_ulp:g}", entry.exactness.partition(":")[0],
        )
        for entry in report.operations
    )  # fmt: skip
    print_table(f"{report.backend}, level {report.level}, seed {report.seed}", columns, rows)
    for entry in report.operations:
        for record in entry.failures[:SHOWN]:
            _print_failure(record)
        if len(entry.failures) > SHOWN:
            typer.echo(f"... and {len(entry.failures) - SHOWN} more of {entry.name}\n")
    for name, value in report.declares.items():
        if value is not (name == "validates"):
            typer.echo(f"The backend declares {name} = {value}.")
    for pattern in report.unfulfilled():
        typer.echo(f"Expected to fail, but did not: {pattern}")
    typer.echo(_verdict(report))


def _print_failure(record: Record) -> None:
    typer.echo(f"FAILED {record.id} {' '.join(f'[{clause}]' for clause in record.clauses)}")
    typer.echo(f"  {record.fault}")
    if record.expected:
        typer.echo(f"  expected: {record.expected}")
    if record.reproduce:
        typer.echo(f"  python -c {shlex.quote(record.reproduce)}\n")


def _verdict(report: RunReport) -> str:
    if report.cases == 0:
        return "Nothing ran: no operation asked for is implemented."
    failed = sum(len(entry.failures) for entry in report.operations)
    missing = [
        entry.name for entry in report.operations if entry.status == "not implemented"
    ]
    text = (
        f"{report.cases:,} cases ran, {failed:,} failed; {report.seconds:.1f} s and "
        f"{report.compilation_seconds:.1f} s of compilation"
    )
    return f"{text}; not implemented: {', '.join(missing)}." if missing else f"{text}."
