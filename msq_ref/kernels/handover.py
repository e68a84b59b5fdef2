"""Hand work to a waiting thread and back, compiled, without the interpreter's lock.

Waking a thread that sleeps takes tens of microseconds, as long as many a kernel. So whoever waits
looks at a word of memory for a while first, and sleeps only then. The word is the state of one
worker:

======== ======================================================== ==============================
state    meaning                                                  leads to
======== ======================================================== ==============================
IDLE     the worker looks for work                                POSTED, ASLEEP
ASLEEP   the worker sleeps until its lock is released             POSTED
POSTED   there is work that it has not seen                       RUNNING, IDLE (taken back)
RUNNING  it works                                                 IDLE, WAITED
WAITED   it works, and its caller sleeps until it has done        IDLE
======== ======================================================== ==============================
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "ASLEEP", "DONE", "IDLE", "LOOKS", "POSTED", "RUNNING", "STATE", "WAKE", "WORDS", "next_work",
    "post", "take_back",
]  # fmt: skip

IDLE, ASLEEP, POSTED, RUNNING, WAITED = range(5)
"""States of a worker, as in the table above."""

STATE, LOOKS, WAKE, DONE = 0, 8, 9, 10
"""Places among a worker's words: the state; how often to look before sleeping; two locks."""

WORDS = 16
"""Two lines of a cache: the state has one of its own."""

HELD = 1000
"""Looks at the interpreter's lock before queueing for it."""

ORDER = "seq_cst"

# The interpreter's own locks: they sleep on every platform, and need not hold its global lock.
_acquire = types.ExternalFunction("PyThread_acquire_lock", types.intc(types.intp, types.intc))
_release = types.ExternalFunction("PyThread_release_lock", types.void(types.intp))
# Whoever holds the global lock, or 0. From 3.12 on the answer is about the asking thread alone.
_holder = types.ExternalFunction("_PyThreadState_UncheckedGet", types.intp())
HOLDER_IS_KNOWN = sys.version_info < (3, 12)


@njit(cache=True, nogil=True)
def post(at: int) -> bool:
    """Post work; return whether the worker sleeps, and is to be woken by the lock `WAKE`."""
    return _exchange(at, POSTED) == ASLEEP


@njit(cache=True, nogil=True)
def take_back(at: int) -> bool:
    """Return False if the worker has not begun, and now will not; else True, when it has done."""
    if _replace(at, POSTED, IDLE):
        return False
    looks = _load(at + 8 * LOOKS)
    while _load(at) > ASLEEP:  # neither idle nor asleep again
        looks -= 1
        if looks > 0:
            _pause()
        elif _replace(at, RUNNING, WAITED):
            _acquire(_load(at + 8 * DONE), 1)
    return True


@njit(cache=True, nogil=True)
def next_work(at: int) -> None:
    """Say that the work is done, and return when there is more."""
    if _exchange(at, IDLE) == WAITED:
        _release(_load(at + 8 * DONE))
    looks = _load(at + 8 * LOOKS)
    while not _replace(at, POSTED, RUNNING):
        looks -= 1
        if looks > 0:
            _pause()
        elif _replace(at, IDLE, ASLEEP):
            _acquire(_load(at + 8 * WAKE), 1)
            looks = _load(at + 8 * LOOKS)
    # The caller still holds the interpreter's lock, but gives it up in a moment, when it enters a
    # kernel. To queue for the lock is to sleep.
    if HOLDER_IS_KNOWN:
        looks = min(HELD, _load(at + 8 * LOOKS))
        while looks > 0 and _holder() != 0:
            looks -= 1
            _pause()


def _word(builder: Any, at: Any) -> Any:
    return builder.inttoptr(at, ir.IntType(64).as_pointer())


def _named(builder: Any, name: str, returns: Any, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(returns, arguments)
    return cgutils.get_or_insert_function(builder.module, kind, name)


@intrinsic
def _load(typing: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_word(builder, arguments[0]), ORDER, 8)

    return types.int64(types.intp), generate


@intrinsic
def _exchange(typing: Any, at: Any, value: Any) -> Any:
    """Set the word and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("xchg", _word(builder, arguments[0]), arguments[1], ORDER)

    return types.int64(types.intp, types.int64), generate


@intrinsic
def _replace(typing: Any, at: Any, expected: Any, value: Any) -> Any:
    """Set the word if it is what is expected, and return whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at, expected, value = arguments
        pair = builder.cmpxchg(_word(builder, at), expected, value, ORDER, ORDER)
        return builder.extract_value(pair, 1)

    return types.boolean(types.intp, types.int64, types.int64), generate


@intrinsic
def _pause(typing: Any) -> Any:
    """Leave the core to others for some cycles, where there is an instruction for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        none, number = ir.VoidType(), ir.IntType(32)
        machine = builder.module.triple
        if machine.startswith(("x86_64", "i386", "i686")):
            builder.call(_named(builder, "llvm.x86.sse2.pause", none, []), [])
        elif machine.startswith(("aarch64", "arm64")):
            builder.call(_named(builder, "llvm.aarch64.hint", none, [number]), [number(1)])
        return context.get_dummy_value()

    return types.void(), generate
