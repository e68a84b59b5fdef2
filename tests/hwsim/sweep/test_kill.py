"""Killed at any moment, a sweep goes on: no row is lost, none is there twice."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hwsim.sweep import read_results, run_sweep

COUNT = 480


@pytest.fixture(scope="module")
def whole(tmp_path_factory, slow):
    """Give the results of the same sweep, which nobody stopped."""
    target = tmp_path_factory.mktemp("whole") / "out.csv"
    run_sweep(slow, target, jobs=1)
    return read_results(target)


@pytest.mark.parametrize(("name", "jobs"), [("out.csv", 1), ("out.parquet", 1), ("out.csv", 2)])
def test_killed(slow, whole, tmp_path, sweeping, until, done_in, same, name, jobs):
    """Twice, after a number of rows and some more time that were drawn."""
    target = tmp_path / name
    draw = random.Random(f"{name} {jobs}")
    seen = []
    for more in (draw.randint(1, 60), draw.randint(20, 120)):
        least = max(seen, default=0) + more
        with sweeping(slow, target, "--jobs", jobs) as process:
            until(lambda least=least: done_in(target) >= least, process)
            time.sleep(draw.random() / 20)
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
        seen.append(done_in(target))
    assert 0 < seen[0] < seen[1] < COUNT
    assert run_sweep(slow, target, jobs=1) == COUNT - seen[1]
    same(read_results(target), whole)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc")
def test_processes_end_with_their_parent(slow, tmp_path, sweeping, until, done_in):
    """Nobody has to look for them."""
    target = tmp_path / "out.csv"
    with sweeping(slow, target, "--jobs", 2) as process:
        until(lambda: done_in(target) > 0, process)
        workers = children_of(process.pid)
        assert len(workers) >= 2
        process.kill()
        process.wait(60)
        until(lambda: not any(map(runs, workers)))


def test_a_worker_killed(slow, tmp_path, sweeping, until, done_in):
    """One line, exit code 1; what is done is there."""
    target = tmp_path / "out.csv"
    with sweeping(slow, target, "--jobs", 2) as process:
        until(lambda: done_in(target) > 0, process)
        for pid in children_of(process.pid):
            if "popen_loky" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("hwsim: error: a process of the sweep was killed")
    assert err.count("\n") == 1
    assert 0 < done_in(target) < COUNT


def children_of(parent):
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if state_of(pid)[1:] == (parent,)]  # fmt: skip


def runs(pid):
    return state_of(pid) and state_of(pid)[0] != "Z"


def state_of(pid):
    """Return the state and the parent of a process, nothing if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ()
    state, parent, *_ = text.rpartition(")")[2].split()
    return state, int(parent)
