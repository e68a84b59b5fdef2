"""Reuse of memory: a pool of buffers for results, and scratch space of a thread."""

from __future__ import annotations

import math
import mmap
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Pool", "empty", "scratch", "use_pool"]

SMALLEST = 4096
"""Bytes; below this the C library's own allocation is as good."""

LARGE, HUGE = 2**20, 2**22
"""Bytes; from the first on a buffer has pages of its own, from the second on huge ones."""

ALIGNMENT = 64
"""Bytes; a cache line, and the widest vector register."""


class Pool:
    """Buffers that go back when the last array in them dies, and serve the next of their size.

    A training step asks for the same sizes again and again: from the second step on nothing is
    allocated, no page is touched for the first time. All methods may be called from any thread.

    Attributes
    ----------
    held_bytes : int
        Bytes claimed from the system, lent and free together.
    peak_bytes : int
        The most bytes that were lent at one time.
    fresh : int
        Number of buffers claimed from the system so far.
    """

    def __init__(self) -> None:
        self.held_bytes = 0
        self.peak_bytes = 0
        self.fresh = 0
        self._lent = 0
        self._free: dict[int, list[_Buffer]] = {}
        # A buffer may come back in the middle of anything, when the garbage collector runs: then
        # it is only put here, which is one atomic step, and sorted in later under the lock.
        self._returned: deque[_Buffer] = deque()
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return a new C-contiguous array with any values in it, as `numpy.empty`."""
        kind = np.dtype(dtype)
        size = math.prod(shape) * kind.itemsize
        if size < SMALLEST:
            return np.empty(shape, kind)
        buffer = self._take(size)
        lent = _Lent(shape, kind, buffer.memory, buffer.start)
        lent.buffer, lent.back = buffer, self._returned
        return lent.view(np.ndarray)

    def clear(self) -> None:
        """Give all free buffers back to the system; what is lent stays, and may return."""
        with self._lock:
            self._sort_in()
            self.held_bytes -= sum(one.length for free in self._free.values() for one in free)
            self._free.clear()

    def _take(self, size: int) -> _Buffer:
        with self._lock:
            if self._returned:
                self._sort_in()
            length = size + ALIGNMENT
            free = self._free.get(length)
            if free:
                buffer = free.pop()
            else:
                buffer = _Buffer(length)
                self.fresh += 1
                self.held_bytes += length
            self._lent += length
            if self._lent > self.peak_bytes:
                self.peak_bytes = self._lent
            return buffer

    def _sort_in(self) -> None:
        while self._returned:
            buffer = self._returned.popleft()
            self._free.setdefault(buffer.length, []).append(buffer)
            self._lent -= buffer.length


class _Buffer:
    """Bytes from the system, and the place among them where a cache line starts."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.memory = _claim(length)
        address = np.frombuffer(self.memory, np.uint8).__array_interface__["data"][0]
        self.start = -address % ALIGNMENT


def _claim(size: int) -> bytearray | mmap.mmap:
    """Return bytes from the system; large ones go straight back to it when they are freed.

    The C library would keep them, in holes between others.
    """
    if size < LARGE or not hasattr(mmap, "MAP_ANONYMOUS"):
        return bytearray(size)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without huge pages
            pages.madvise(mmap.MADV_HUGEPAGE)
    return pages


class _Lent(np.ndarray[Any, Any]):
    """The owner behind an array: when it dies, so has every view, and the buffer goes back.

    NumPy lets a view hold its owner's owner instead, but not across a change of class.
    """

    buffer: _Buffer
    back: deque[_Buffer] | None = None

    def __del__(self) -> None:
        if self.back is not None:  # a view of this class is no owner
            self.back.append(self.buffer)


_pool: ContextVar[Pool | None] = ContextVar("msq_ref_pool", default=None)


@contextmanager
def use_pool(pool: Pool) -> Iterator[None]:
    """Let kernels and layers called inside take the memory of their results from `pool`.

    Arrays outlive the block; their buffers go back to the pool when they die.
    """
    token = _pool.set(pool)
    try:
        yield
    finally:
        _pool.reset(token)


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return a new array from the pool in force, or from `numpy.empty` where there is none."""
    pool = _pool.get()
    return np.empty(shape, dtype) if pool is None else pool.empty(shape, dtype)


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, NDArray[np.uint8]] = {}


_scratch = _Scratch()


def scratch(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of this thread's own, valid until the thread asks for `name` again.

    For slices of bounded size only: the thread keeps the largest one.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    raw = _scratch.buffers.get(name)
    if raw is None or len(raw) < size:
        room = np.empty(size + ALIGNMENT, np.uint8)
        skip = -room.ctypes.data % ALIGNMENT
        raw = _scratch.buffers[name] = room[skip : skip + size]
    return raw[:size].view(kind).reshape(shape)
