"""The file beside the results that says what they are of: a copy of the config, and a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.sweep.config import SweepConfig, parse_sweep
from hwsim.sweep.design import Sweep
from msq_ref.formats import write_text

__all__ = ["check_record", "locked", "read_record", "record_path", "write_record"]

FIRST_POINTS = 64
"""Of a Sobol sequence, as a sign that scipy draws the same one."""


def record_path(target: Path) -> Path:
    """Return where the record of results lies."""
    return target.with_name(f"{target.name}.sweep.json")


def write_record(target: Path, config: SweepConfig, sweep: Sweep) -> None:
    """Write the record, atomically."""
    values = {
        "version": sweep.version,
        "digest": _digest(sweep),
        "config": config.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    write_text(record_path(target), json.dumps(values, indent=2) + "\n")


def read_record(target: Path) -> tuple[SweepConfig, dict[str, Any]]:
    """Return the config of results, and all of their record.

    Raises
    ------
    ValueError
        If there is none, or it cannot be read.
    """
    path = record_path(target)
    if not path.is_file():
        raise ValueError(f"{target}: not the results of a sweep (no {path.name})")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot read it ({error})") from None
    if not isinstance(values, dict) or not isinstance(values.get("config"), dict):
        raise ValueError(f"{path}: config is missing")
    return parse_sweep(values["config"], str(path)), values


def check_record(target: Path, config: SweepConfig, sweep: Sweep | None = None) -> None:
    """Check that results are of this config, and of this very sweep if it is given.

    Raises
    ------
    ValueError
        If they are of another one.
    """
    theirs, values = read_record(target)
    if theirs != config or list(theirs.vary) != list(config.vary):  # the order numbers the points
        raise ValueError(
            f"--out = {target}: holds a sweep with other settings; see {record_path(target)}"
        )
    if sweep is None:
        return
    if values.get("version") != sweep.version:
        raise ValueError(
            f"--out = {target}: holds a sweep of hwsim {values.get('version')}, this is "
            f"{sweep.version}"
        )
    if values.get("digest") != _digest(sweep):
        raise ValueError(
            f"--out = {target}: its network, an accelerator or a file of bits has changed since "
            "it was begun"
        )


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep other processes of this machine from writing the same results, where files have locks.

    Raises
    ------
    ValueError
        If another one writes them now. A process that was killed leaves no lock.
    """
    try:
        import fcntl  # noqa: PLC0415  (not on every system)
    except ImportError:
        yield
        return
    with record_path(target).open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"--out = {target}: another sweep is writing it") from None
        except OSError:  # a file system without locks
            pass
        yield


def _digest(sweep: Sweep) -> str:
    """Return a hash of all that decides the results and is no part of the config."""
    points = sweep.points
    parts = {
        "points": [repr(points), points.settings(0, min(FIRST_POINTS, points.count))],
        "accelerators": [one.model_dump(mode="json") for one in sweep.accelerators.values()],
        "workloads": [repr(one) for one in sweep.workloads.values()],
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for workload in sweep.workloads.values():
        for name, values in workload.values.items():
            digest.update(f"{name} {values.shape} {values.dtype}".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
