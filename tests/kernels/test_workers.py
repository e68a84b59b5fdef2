"""Threads that wait for work: none is lost, nothing is held, and they sleep when there is none."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from msq_ref.kernels import workers
from msq_ref.kernels.handover import ASLEEP, STATE
from msq_ref.kernels.threads import run_parts, use_threads


@pytest.fixture
def worker():
    one = workers.Worker()
    yield one
    if one in workers._free:
        workers._free.remove(one)
    one.stop()


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(1e-4)


@pytest.mark.parametrize("threads", [2, 4])
def test_no_work_is_lost_awake_or_asleep(threads):
    """Gaps from none to longer than a thread's patience: every part runs, once."""
    rng = np.random.default_rng(0)
    gaps = np.concatenate([np.zeros(1500), rng.uniform(0, 1e-3, 300)])
    rng.shuffle(gaps)
    with use_threads(threads):
        for gap in gaps:
            done = []
            run_parts(done.append, 5)
            assert sorted(done) == list(range(5))
            if gap:
                time.sleep(gap)


def test_callers_in_several_threads_share_workers():
    """Whoever finds none free works alone."""
    wrong = []

    def call():
        with use_threads(2):
            for _ in range(300):
                done = []
                run_parts(done.append, 6)
                if sorted(done) != list(range(6)):
                    wrong.append(done)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def test_a_worker_without_work_sleeps(worker):
    """It keeps no processor busy."""
    done = []
    worker.begin(lambda: done.append(1), 2)
    wait_for(lambda: done)
    assert worker.end() is None
    wait_for(lambda: worker._words[STATE] == ASLEEP)


def test_a_caller_that_sleeps_is_woken(worker):
    """Its task takes longer than its patience."""
    done = []
    worker.begin(lambda: (time.sleep(0.05), done.append(1)), 2)
    wait_for(lambda: worker._task is None)
    worker.end()
    assert done == [1]


def test_a_failure_is_handed_to_the_caller_once(worker):
    begun = threading.Event()

    def fail():
        begun.set()
        raise KeyError("part")

    worker.begin(fail, 2)
    assert begun.wait(30)
    failure = worker.end()
    assert isinstance(failure, KeyError)
    begun.clear()
    workers._free.remove(worker)
    worker.begin(begun.set, 2)
    assert begun.wait(30)
    assert worker.end() is None


@pytest.mark.parametrize("fails", [False, True])
def test_no_array_is_held_afterwards(fails):
    """Neither by a thread nor by an error and its frames, without the garbage collector's help."""
    array = np.zeros(10)
    alive = weakref.ref(array)
    both = threading.Barrier(2, timeout=30)

    def part(index, array=array):
        both.wait()
        array[index] = 1
        if fails and threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError

    def call(part):
        try:
            run_parts(part, 2)
        except ZeroDivisionError:
            return True
        return False

    gc.disable()
    try:
        with use_threads(2):
            assert call(part) == fails
        del part, array
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no processors to choose here")
def test_processors_are_the_caller_s(worker):
    """The caller stays where it may be, and the worker goes nowhere else."""
    mine = os.sched_getaffinity(0)
    for _ in range(3):
        wait_for(lambda: worker._words[STATE] == ASLEEP)
        worker.begin(lambda: None, 2)
        worker.end()
        workers._free.remove(worker)
        assert os.sched_getaffinity(0) == mine
        assert os.sched_getaffinity(worker._thread.native_id) <= mine


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_has_workers_of_its_own():
    """Threads do not survive it; and a process ends while its threads wait."""
    code = """
import os
from msq_ref.kernels.threads import run_parts, use_threads
def count():
    done = []
    with use_threads(3):
        run_parts(done.append, 7)
    return sorted(done) == list(range(7))
assert count()
child = os.fork()
if child == 0:
    os._exit(0 if count() else 1)
assert os.waitpid(child, 0)[1] == 0
assert count()
"""
    # A fork beside threads is what is tested: later Pythons warn of it.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
