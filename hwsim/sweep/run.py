"""Run a sweep, or go on with one that was stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from hwsim.sweep.cluster import Cluster
from hwsim.sweep.columns import columns_of
from hwsim.sweep.config import SweepConfig, parse_sweep, read_sweep
from hwsim.sweep.design import Sweep
from hwsim.sweep.local import Cores
from hwsim.sweep.pending import gaps
from hwsim.sweep.points import check_count, points_of
from hwsim.sweep.prepare import prepare
from hwsim.sweep.record import check_record, locked, record_path, write_record
from hwsim.sweep.stores import check_target, store_of

__all__ = ["run_sweep"]

Progress = Callable[[int, int], None]


def run_sweep(
    config: SweepConfig | Mapping[str, Any] | str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    yes: bool = False,
) -> int:
    """Run the points of a sweep that are not in its results yet, and add them.

    Parameters
    ----------
    config : SweepConfig, mapping, or path of a TOML file
    target : path
        Of the results, ``.csv`` or ``.parquet`` (a folder); beside it a record is kept of what they
        are of, ``TARGET.sweep.json``.
    jobs : int, optional
        Processes on this machine; by default one for each core.
    scheduler : str, optional
        In place of processes: the address of a Dask scheduler.
    progress : callable, optional
        Called with the numbers of points that are done and of all, at first and after each chunk.
    yes : bool
        Whether more than `hwsim.sweep.points.LIMIT` points may run.

    Returns
    -------
    int
        Points that ran now; 0 if all were there.

    Raises
    ------
    ValueError
        In one line: the config or target is wrong, or the results there are of another sweep;
        more points than the limit, with their number; an extra is missing.
    RuntimeError
        If the scheduler is gone, or a worker failed again and again. What is done is kept.

    Notes
    -----
    Rows are the same for any number of workers; only their order in the file is that of arrival,
    and `read_results` sorts them. A process that is killed loses the chunks that were at work,
    and nothing is run twice that is in the results.
    """
    target = Path(target)
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs = {jobs}: expected at least 1")
    source = str(config) if isinstance(config, str | Path) else "sweep"
    if isinstance(config, str | Path):
        config = read_sweep(config)
    elif not isinstance(config, SweepConfig):
        config = parse_sweep(config, source)
    sweep = _checked(config, target, source, yes)
    store = store_of(target, columns_of(sweep.points))
    count, ran = sweep.points.count, 0
    with ExitStack() as stack:
        workers: Cores | Cluster | None = None
        if not record_path(target).exists():
            workers = stack.enter_context(closing(_workers(jobs, scheduler)))
            write_record(target, config, sweep)
        stack.enter_context(locked(target))
        check_record(target, config, sweep)
        store.create()
        store.repair()
        pending = gaps(store.done(), count)
        done = count - sum(stop - first for first, stop in pending)
        if progress is not None:
            progress(done, count)
        if pending and workers is None:
            workers = stack.enter_context(closing(_workers(jobs, scheduler)))
        for rows in workers.run(sweep, pending) if workers is not None else ():
            store.append(rows)
            ran += len(rows)
            if progress is not None:
                progress(done + ran, count)
    return ran


def _checked(config: SweepConfig, target: Path, source: str, yes: bool) -> Sweep:
    """Return the sweep, all checked, the cheap checks first; nothing is made."""
    try:
        points = points_of(config)
        check_count(points, yes=yes)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    store_of(target, columns_of(points))
    check_target(target)
    if record_path(target).exists():
        check_record(target, config)
    try:
        return prepare(config, points)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _workers(jobs: int | None, scheduler: str | None) -> Cores | Cluster:
    return Cores(jobs) if scheduler is None else Cluster(scheduler)
