"""Spread work over threads by parts; the bits never depend on how many there are [S0.5].

Parts are cut by shape, never by the number of threads, and each writes only what is its own; sums
over parts are added in their order. That holds for parts that call BLAS too while BLAS has one
thread, as ``threadpoolctl.threadpool_limits(1)`` gives it, once, in the program. With more, BLAS
divides a product by its own count of threads; so that the two do not compete for the processors,
such parts are then left to it one after the other.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from threadpoolctl import LibController, ThreadpoolController

from msq_ref import checks
from msq_ref.kernels.workers import Worker, borrow
from msq_ref.reference.sums import CHUNK

__all__ = [
    "blas_threads",
    "cut",
    "run_chunks",
    "run_parts",
    "thread_count",
    "use_threads",
]

SERIAL_CHUNKS = 8
"""Below this many chunks, waking a thread costs more than it saves."""

_threads: ContextVar[int | None] = ContextVar("msq_ref_threads", default=None)


def available_threads() -> int:
    """Return ``$MSQ_THREADS``, or the number of processors this process may use."""
    asked = os.environ.get("MSQ_THREADS", "")
    if asked:
        if not asked.isdigit() or int(asked) < 1:
            raise ValueError(f"MSQ_THREADS = {asked!r}: expected a positive integer")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count() -> int:
    """Return the number of threads in force here."""
    return _threads.get() or available_threads()


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Run the kernels called inside with `count` threads."""
    token = _threads.set(checks.integer("count", count, 1, 1024))
    try:
        yield
    finally:
        _threads.reset(token)


def run_chunks(kernel: Callable[..., None], size: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` over all chunks of `size` elements.

    Parameters
    ----------
    kernel : compiled function
        Works on chunks first to last - 1 and writes only what belongs to them; releases the GIL.
    size : int
        Number of elements.
    """
    chunks = -(-size // CHUNK)
    parts = min(thread_count(), chunks // SERIAL_CHUNKS)
    if parts < 2:
        kernel(0, chunks, *arguments)
        return
    edges = [chunks * part // parts for part in range(parts + 1)]
    run_parts(lambda part: kernel(edges[part], edges[part + 1], *arguments), parts)


def cut(total: int, size: int) -> list[tuple[int, int]]:
    """Cut the range of `total` things into equal parts of at most about `size`; at least one.

    Returns
    -------
    list of (int, int)
        First, and one past the last, of each part.
    """
    count = max(1, -(-total // max(1, size)))
    edges = [total * part // count for part in range(count + 1)]
    return list(itertools.pairwise(edges))


def run_parts(
    function: Callable[[int], object], count: int, *, products: bool = False
) -> None:
    """Call ``function(part)`` for every part below `count`, with `thread_count` threads.

    A thread takes the next part when it has done one, so that parts of unequal cost do no harm.
    Within a part there is one thread: parts do not spread further. Context variables are those of
    the caller.

    Parameters
    ----------
    function : callable
        Writes only what belongs to its part; what takes time in it releases the GIL.
    count : int
        Number of parts, a matter of shapes only.
    products : bool
        Whether the parts call BLAS: they are spread over threads only if it has one itself.

    Raises
    ------
    Exception
        Of a part that failed, after all threads have stopped; parts not begun are left out.
    """
    workers = min(thread_count(), count)
    if workers < 2 or (products and blas_threads() > 1):
        for part in range(count):
            function(part)
        return
    parts, work = deque(range(count)), [function]
    helpers = borrow(workers - 1)
    failures: list[BaseException] = []
    token = _threads.set(1)
    try:
        for helper in helpers:
            helper.begin(partial(copy_context().run, _work_off, work, parts), workers)
        _work_off(work, parts)
    finally:
        # No thread may still be writing to an array that the caller is done with, or hold one. One
        # that has not begun has nothing left to do: on a busy machine it would be waited for longer
        # than the work took.
        _end(helpers, failures)
        _threads.reset(token)
        work.clear()
    if failures:
        try:
            raise failures[0]
        finally:
            failures.clear()  # or error and frame would hold each other, and arrays


def _end(helpers: list[Worker], failures: list[BaseException]) -> None:
    """End all of them, whatever happens meanwhile."""
    if helpers:
        try:
            failure = helpers.pop().end()
            if failure is not None:
                failures.append(failure)
                del failure
        finally:
            _end(helpers, failures)


def _work_off(work: list[Callable[[int], object]], parts: deque[int]) -> None:
    (function,) = work
    while True:
        try:
            part = parts.popleft()
        except IndexError:
            return
        try:
            function(part)
        except BaseException:
            parts.clear()
            raise


def blas_threads() -> int:
    """Return the number of threads that NumPy's BLAS may use now."""
    return max((library.get_num_threads() for library in _blas()), default=1)


@functools.cache
def _blas() -> list[LibController]:
    loaded = [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]
    # Other packages bring a BLAS of their own, which the kernels never call.
    return [one for one in loaded if "numpy" in one.filepath] or loaded
