"""The designs of a sweep: everything that runs them, and how a few are run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.accelerator import Accelerator
from hwsim.overrides import override
from hwsim.report import simulate
from hwsim.sweep.columns import BAD_SETTINGS, FITS, MEASURES, MISFIT, Row, measures_of, typed
from hwsim.sweep.config import Value
from hwsim.sweep.points import Points
from hwsim.sweep.version import installed_version
from hwsim.workload import Workload

__all__ = ["Sweep", "assignment", "run_points"]

NOT_OF_THE_ACCELERATOR = ("accelerator", "bits")
"""Axes that are no settings of an accelerator."""


@dataclass(frozen=True)
class Sweep:
    """All that a process needs to run any point, files included: nothing is read later.

    Attributes
    ----------
    points : Points
    accelerators : mapping of str to Accelerator
        By the values of the axis ``accelerator``.
    workloads : mapping
        By the values of the axis ``bits``; by None if there is none.
    objective : str
        As in `hwsim.report.simulate`.
    version : str
        Of hwsim; a process with another one refuses to run points.
    """

    points: Points
    accelerators: Mapping[Value, Accelerator]
    workloads: Mapping[Value | None, Workload]
    objective: str
    version: str


def assignment(key: str, value: Value) -> str:
    """Return a setting as `hwsim.overrides.override` takes it."""
    return f"{key}={json.dumps(value)}"


def run_points(sweep: Sweep, first: int, stop: int) -> list[Row]:
    """Return the rows of the points from `first` up to `stop`, without it.

    Raises
    ------
    RuntimeError
        If this process has another version of hwsim than the one that made the sweep.
    """
    if installed_version() != sweep.version:
        raise RuntimeError(
            f"a worker has hwsim {installed_version()}: expected {sweep.version}, as here"
        )
    axes = sweep.points.axes
    rows = []
    for number, values in enumerate(sweep.points.settings(first, stop), first):
        settings = {axis.key: value for axis, value in zip(axes, values, strict=True)}
        shown = (typed(settings[axis.key], axis.kind) for axis in axes)
        rows.append((number, *shown, *_result(sweep, settings)))
    return rows


def _result(sweep: Sweep, values: dict[str, Value]) -> Row:
    """Return status, reason and measures of a design."""
    accelerator = sweep.accelerators[values["accelerator"]]
    changes = [
        assignment(key, value)
        for key, value in values.items()
        if key not in NOT_OF_THE_ACCELERATOR
    ]
    try:
        design = override(accelerator, None, changes)
    except ValueError as error:
        return _none(BAD_SETTINGS, error)
    try:
        report = simulate(sweep.workloads[values.get("bits")], design, objective=sweep.objective)
    except ValueError as error:
        return _none(MISFIT, error)
    return (FITS, "", *measures_of(report))


def _none(status: str, error: ValueError) -> Row:
    reason = " ".join(str(error).removeprefix("--set ").split())
    return (status, reason, *(None for _ in MEASURES))
