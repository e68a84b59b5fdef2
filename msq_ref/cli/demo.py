"""The main job, end to end: train, quantize, run in integers, count the cost, check everything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hwsim
from hwsim.cli.progress import Waiting
from msq_ref.cli.demo_checks import run_checks
from msq_ref.cli.demo_report import Finished, print_demo, write_pictures, write_report
from msq_ref.cli.folder import RunFolder, prepare_folder
from msq_ref.cli.job import make_job, run_job
from msq_ref.cli.progress import epochs_bar
from msq_ref.files import check_writable, write_text
from msq_ref.training.config import RunConfig, parse_config

__all__ = ["RUNS", "run_demo"]

RUNS: dict[str, dict[str, Any]] = {
    "float": {"method": "float"},
    "dorefa8": {"method": "dorefa", "dorefa": {"bits": 8}},
    "dorefa4": {"method": "dorefa", "dorefa": {"bits": 4}},
    "dorefa2": {"method": "dorefa", "dorefa": {"bits": 2}},
    "msq": {"method": "msq"},
}
"""What is trained, by name of its folder; the rest of the settings are the defaults."""

FIGURES = ("accuracy", "compression", "average_bits", "bits", "integer_accuracy", "agreement")


def run_demo(out: Path, seed: int, accelerator: str, *, as_json: bool) -> bool:
    """Run the demo; return whether every check held.

    Runs that are finished in `out` are taken as they are, one that stopped goes on.

    Raises
    ------
    ValueError
        Before any work, if the folder cannot be used or the accelerator is unknown.
    """
    machine = hwsim.load_accelerator(accelerator)
    settings = {
        name: parse_config({**values, "seed": seed}, "msq demo") for name, values in RUNS.items()
    }
    folders = _prepare(out, settings)
    unfinished = [name for name in RUNS if not folders[name].report.exists()]
    if unfinished:
        with _compiling_engine() as wait:
            for name in unfinished:
                _train(name, settings[name], folders[name])
            with Waiting("compiling the array, once"):
                wait()
    finished = {name: _finish(folders[name], machine) for name in RUNS}
    checks = run_checks(finished, machine)
    summary = _summary(seed, finished, checks)
    write_text(out / "demo.json", json.dumps(summary, indent=2) + "\n")
    write_pictures(out, finished)
    write_report(out, summary, finished)
    if as_json:
        print(json.dumps(summary))
    else:
        print_demo(out, summary, finished)
    return all(checks.values())


def _prepare(out: Path, settings: Mapping[str, RunConfig]) -> dict[str, RunFolder]:
    check_writable("--out", out)
    known = {*settings, "demo.json", "report.html"}
    strangers = [
        path.name
        for path in (sorted(out.iterdir()) if out.exists() else [])
        if path.name not in known and path.suffix not in (".png", ".svg")
    ]
    if strangers:
        raise ValueError(f"--out = {out}: holds something else than a demo ({strangers[0]})")
    return {
        name: prepare_folder(out / name, config, resume=True) for name, config in settings.items()
    }


@contextmanager
def _compiling_engine() -> Iterator[Callable[[], object]]:
    """Let another process compile the engine beside the training; give what waits for its end.

    It leaves its code in the cache on disk. If it fails, the checks compile, and say why they fail.
    """
    code = "from hwsim.engine import compile_engine; compile_engine()"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
    try:
        yield process.wait
    finally:
        process.kill()
        process.wait()


def _train(name: str, config: RunConfig, folder: RunFolder) -> None:
    with epochs_bar(name, config.training.epochs) as progress:
        run_job(make_job(config), folder, progress, resume=True)


def _finish(folder: RunFolder, machine: hwsim.Accelerator) -> Finished:
    figures = folder.read_report()
    if not folder.integer.exists():
        return Finished(folder, figures)
    workload = hwsim.workload_from_run(folder.path)
    return Finished(
        folder,
        figures,
        hwsim.simulate(workload, machine),
        hwsim.simulate(workload.at_bits(8), machine),
    )


def _summary(
    seed: int, finished: Mapping[str, Finished], checks: Mapping[str, bool]
) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    methods = {
        name: {key: run.figures[key] for key in FIGURES if key in run.figures}
        for name, run in finished.items()
    }
    costs, costs_8bit = finished["msq"].costs, finished["msq"].costs_8bit
    assert costs is not None
    assert costs_8bit is not None
    hardware = {
        "accelerator": costs.accelerator,
        "cycles": costs.totals.cycles,
        "cycles_8bit": costs_8bit.totals.cycles,
        "speedup": costs_8bit.totals.cycles / costs.totals.cycles,
        "stall_cycles": costs.totals.stall_cycles,
        "dram_bytes": costs.totals.dram_bytes,
        "dram_bytes_8bit": costs_8bit.totals.dram_bytes,
        "energy_pj": costs.totals.energy_pj,
        "energy_pj_8bit": costs_8bit.totals.energy_pj,
        "latency_s": costs.totals.latency_s,
    }
    return {"seed": seed, **methods, "hardware": hardware, "checks": dict(checks)}
