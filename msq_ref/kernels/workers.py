"""Threads that wait for work: looking for it for a while after the last, then asleep."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from msq_ref.kernels.handover import (
    DONE,
    LOOKS,
    RUNNING,
    STATE,
    WAKE,
    WORDS,
    next_work,
    post,
    take_back,
)  # fmt: skip

__all__ = ["Worker", "borrow"]

PATIENCE = 12_000
"""Looks for work, or for its end, before a thread sleeps: some 300 microseconds.

Most of the gaps between the kernels of a training step are shorter.
"""

_lock = ctypes.pythonapi.PyThread_allocate_lock
_lock.restype, _lock.argtypes = ctypes.c_void_p, []
_release = ctypes.pythonapi.PyThread_release_lock
_release.restype, _release.argtypes = None, [ctypes.c_void_p]
_acquire = ctypes.pythonapi.PyThread_acquire_lock
_acquire.restype, _acquire.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]


class Worker:
    """A thread that does one thing after the other; `borrow` gives it to one caller at a time."""

    def __init__(self) -> None:
        self._words = np.zeros(WORDS, np.int64)
        self._at = self._words.ctypes.data
        self._words[[WAKE, DONE]] = [_taken_lock(), _taken_lock()]
        self._task: Callable[[], object] | None = None
        self._failure: BaseException | None = None
        self._processors: set[int] = set()
        self._thread = threading.Thread(target=self._serve, name="msq-ref", daemon=True)
        self._words[STATE] = RUNNING
        self._thread.start()
        take_back(self._at)  # returns when the thread is there

    def begin(self, task: Callable[[], object], threads: int) -> None:
        """Let the thread call `task`, one of so many `threads` that work at the same time."""
        self._task = task
        if post(self._at):
            self._settle(threads)
            _release(int(self._words[WAKE]))

    def end(self) -> BaseException | None:
        """Wait until the task is done, or drop it if it has not begun; return how it failed.

        The wait is not interrupted: the task may be writing to arrays of the caller.
        """
        try:
            if not take_back(self._at):
                self._task = None
        finally:  # an interrupt comes after the wait
            _free.append(self)
        failure, self._failure = self._failure, None
        return failure

    def stop(self) -> None:
        """End the thread, which has nothing to do."""
        self._task = None
        if post(self._at):
            _release(int(self._words[WAKE]))
        self._thread.join()

    def _serve(self) -> None:
        while True:
            next_work(self._at)
            task, self._task = self._task, None
            if task is None:
                return
            try:
                task()
            except BaseException as failure:
                self._failure = failure
            del task  # what it holds is the caller's again

    def _settle(self, threads: int) -> None:
        """Say how long to wait, and where to run, while the thread sleeps.

        Linux may wake it on the processor of its caller, behind it, while another has nothing to
        do. So it is kept off that one; the others are those that the caller itself may use.
        """
        if _this_processor is None:
            self._words[LOOKS] = PATIENCE if threads <= (os.cpu_count() or 1) else 0
            return
        allowed = os.sched_getaffinity(0)
        self._words[LOOKS] = PATIENCE if threads <= len(allowed) else 0
        others = (allowed - {_this_processor()}) or allowed
        if others != self._processors and self._thread.native_id is not None:
            with suppress(OSError):  # then it runs where it may
                os.sched_setaffinity(self._thread.native_id, others)
                self._processors = others


_free: list[Worker] = []
_count = 0
_counting = threading.Lock()


def borrow(count: int) -> list[Worker]:
    """Return up to `count` workers that nobody else has now, each until its `Worker.end`."""
    global _count
    workers: list[Worker] = []
    while len(workers) < count:
        try:
            workers.append(_free.pop())
        except IndexError:
            with _counting:
                if _count >= count:
                    break
                try:
                    workers.append(Worker())
                except RuntimeError:  # no more threads: the caller works alone
                    break
                _count += 1
    return workers


def _taken_lock() -> int:
    lock = int(_lock())
    _acquire(lock, 1)
    return lock


def _find_this_processor() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError):
        return None


_this_processor = _find_this_processor()


def _forget() -> None:
    """Threads do not survive a fork."""
    global _free, _count, _counting
    _free, _count, _counting = [], 0, threading.Lock()


def _stop() -> None:
    while _free:
        _free.pop().stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(_stop)
