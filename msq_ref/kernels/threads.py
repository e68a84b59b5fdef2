"""Spread a kernel over threads by chunks; the bits never depend on how many there are [S0.5]."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msq_ref import checks
from msq_ref.reference.sums import CHUNK

__all__ = ["available_threads", "run_chunks", "thread_count", "use_threads"]

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
    futures = [
        _pool(parts - 1).submit(kernel, first, last, *arguments)
        for first, last in itertools.pairwise(edges[1:])
    ]
    kernel(edges[0], edges[1], *arguments)
    for future in futures:
        future.result()


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="msq-ref")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
