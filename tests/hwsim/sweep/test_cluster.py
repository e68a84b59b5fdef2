"""On a Dask cluster of real processes: workers and the scheduler are killed, nothing is lost."""

import json
import sys

import pytest

from hwsim.sweep import read_results, run_sweep
from hwsim.sweep.cluster import Cluster

pytest.importorskip("distributed", reason="the extra sweep is not installed")

COUNT = 480


@pytest.fixture
def scheduler(started, tmp_path, until):
    """Give a scheduler's address and its process."""
    file = tmp_path / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    with dask(started, "scheduler", *options) as process:
        until(lambda: file.exists() and file.read_text(encoding="utf-8").strip()[-1:] == "}",
              process)  # fmt: skip
        yield json.loads(file.read_text(encoding="utf-8"))["address"], process


def dask(started, *arguments):
    return started("-m", "dask", *arguments)


def worker(started, address, tmp_path):
    """Start a worker of one thread that looks for the scheduler."""
    return dask(
        started, "worker", address, "--nthreads", 1, "--no-nanny", "--no-dashboard",
        "--local-directory", tmp_path / "worker", "--death-timeout", 60,
    )  # fmt: skip


def test_workers_and_scheduler_killed(
    slow, tmp_path, started, sweeping, scheduler, until, done_in, same
):
    """A worker's chunk goes to another; without the scheduler it is one line, and it goes on."""
    address, process = scheduler
    target = tmp_path / "out.csv"
    with (
        worker(started, address, tmp_path) as first,
        worker(started, address, tmp_path),
        sweeping(slow, target, "--scheduler", address) as sweep,
    ):
        until(lambda: done_in(target) > 20, sweep)
        first.kill()
        first.wait(60)
        before = done_in(target)
        until(lambda: done_in(target) > before + 40, sweep)
        process.kill()
        out, err = sweep.communicate(timeout=60)
        assert (sweep.returncode, out) == (1, "")
        assert err == (
            f"hwsim: error: --scheduler = {address}: it is gone, or has dropped this sweep; what "
            "is done is kept, the same command goes on\n"
        )
    done = done_in(target)
    assert 60 < done < COUNT
    assert run_sweep(slow, target, jobs=1) == COUNT - done
    run_sweep(slow, tmp_path / "whole.csv", jobs=1)
    same(read_results(target), read_results(tmp_path / "whole.csv"))


def test_same_file(small, tmp_path, started, scheduler):
    """The lines are those of a single process; the worker may come late."""
    address, _ = scheduler
    one, cluster = tmp_path / "1.csv", tmp_path / "cluster.csv"
    run_sweep(small, one, jobs=1)
    with worker(started, address, tmp_path):
        assert run_sweep(small, cluster, scheduler=address) == 24
        assert run_sweep(small, cluster, scheduler="tcp://127.0.0.1:1") == 0  # nothing is left
    names, *lines = cluster.read_text(encoding="utf-8").splitlines()
    assert [names, *sorted(lines)] == lines_of(one)


def lines_of(target):
    names, *lines = target.read_text(encoding="utf-8").splitlines()
    return [names, *sorted(lines)]


def test_no_scheduler(call, slow, tmp_path):
    """One line, and nothing is made."""
    for address, code, message in (
        ("tcp://127.0.0.1:1", 1, "cannot reach it ("),
        ("nowhere", 2, "expected an address such as tcp://10.0.0.1:8786"),
    ):
        found, out, err = call(
            "sweep", "--config", slow, "--out", tmp_path / "x.csv", "--scheduler", address
        )
        assert (found, out, err.count("\n")) == (code, "", 1)
        assert "hwsim: error: --scheduler = " in err
        assert message in err
    assert list(tmp_path.iterdir()) == []


def test_without_dask(slow, tmp_path, monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"Dask is needed: pip install 'msq-ref\[sweep\]'"):
        Cluster("tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"needs pyarrow: pip install 'msq-ref\[sweep\]', or"):
        run_sweep(slow, tmp_path / "x.parquet", jobs=1)
    assert list(tmp_path.iterdir()) == []
