"""Parts and threads: every part once, whatever the number of threads [S0.5]."""

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.kernels import threads, workers
from msq_ref.kernels.handover import ASLEEP, IDLE, STATE, WAKE
from msq_ref.kernels.memory import Pool, empty, use_pool
from msq_ref.kernels.threads import cut, run_parts, thread_count, use_threads


@given(total=st.integers(0, 10**7), size=st.integers(0, 10**5))
def test_cut_covers_everything_once(total, size):
    """[S0.5] Parts join, are equal but for one, and no larger than asked."""
    parts = cut(total, max(size, total // 1000))
    assert parts[0][0] == 0
    assert parts[-1][1] == total
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    lengths = [last - first for first, last in parts]
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= max(size, total // 1000, 1)


@given(count=st.integers(0, 50), threads=st.integers(1, 5))
def test_every_part_runs_once(count, threads):
    """[S0.5]"""
    done = []
    with use_threads(threads):
        run_parts(done.append, count)
    assert sorted(done) == list(range(count))


def test_parts_run_at_the_same_time():
    """Two parts that wait for each other both finish."""
    both = threading.Barrier(2, timeout=30)
    with use_threads(2):
        run_parts(lambda _: both.wait(), 2)
    assert both.n_waiting == 0


def test_a_thread_that_has_not_begun_is_not_waited_for(monkeypatch):
    """A busy machine may keep it away for longer than all parts take."""
    late, done, wake = workers.Worker(), [], workers._release
    while late._words[STATE] != ASLEEP:
        time.sleep(1e-4)
    monkeypatch.setattr(threads, "borrow", lambda count: [late])
    monkeypatch.setattr(workers, "_release", lambda lock: None)
    try:
        with use_threads(2):
            run_parts(done.append, 5)
        assert done == [0, 1, 2, 3, 4]
        assert (late._words[STATE], late._task) == (IDLE, None)
    finally:
        workers._free.remove(late)
        wake(int(late._words[WAKE]))
    late.begin(lambda: done.append("late"), 2)  # it takes part again once it is awake
    while "late" not in done:
        time.sleep(1e-4)
    assert late.end() is None
    workers._free.remove(late)
    monkeypatch.undo()
    late.stop()


def test_a_failing_part_stops_the_rest_and_is_raised():
    """No thread is left writing when the error arrives."""
    begun, ended = [], []

    def fail(part):
        begun.append(part)
        if part == 1:
            raise ZeroDivisionError("part 1")
        time.sleep(0.002)
        ended.append(part)

    with use_threads(3), pytest.raises(ZeroDivisionError, match="part 1"):
        run_parts(fail, 1000)
    assert sorted([*ended, 1]) == sorted(begun)
    assert len(begun) < 1000


def test_parts_have_the_context_of_the_caller():
    """The pool in force, and NumPy's error state; but one thread, so that parts do not spread."""
    pool, seen = Pool(), []
    both = threading.Barrier(2, timeout=30)

    def look(part):
        both.wait()
        with np.errstate():
            seen.append((thread_count(), np.geterr()["over"], empty((5000,), "f4").base is None))

    with use_threads(2), use_pool(pool), np.errstate(over="raise"):
        run_parts(look, 2)
        assert thread_count() == 2
    assert seen == [(1, "raise", False)] * 2


def test_parts_of_parts_do_not_wait_for_each_other():
    """A part may call a kernel that has parts itself."""
    done = []
    with use_threads(2):
        run_parts(lambda i: run_parts(lambda j: done.append((i, j)), 4), 8)
    assert sorted(done) == [(i, j) for i in range(8) for j in range(4)]
