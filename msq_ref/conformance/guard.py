"""Call a backend and watch it: what it returns, how long it takes, what else it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case
from msq_ref.conformance.layouts import FIRST, lay_out

__all__ = ["Guard", "Outcome", "TooSlow"]


class TooSlow(BaseException):
    """A call took longer than it may; no ``Exception``, so that a backend does not swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call: a value or an error, and what it did besides, in words."""

    value: Any = None
    error: BaseException | None = None
    besides: tuple[str, ...] = ()


class Guard:
    """Calls with everything watched that a function of arrays has no business with.

    Used as a context: standard output goes to a file in between, also that of compiled code.

    Parameters
    ----------
    limit : float
        Seconds a call may take. It interrupts Python in the main thread; for a backend that hangs
        in compiled code, run isolated.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._stack = contextlib.ExitStack()
        self._state: dict[str, Any] = {}
        self._last: dict[str, tuple[Any, Any]] = {}

    def __enter__(self) -> Guard:
        """Redirect standard output and arm the time limit."""
        self._file = self._stack.enter_context(tempfile.TemporaryFile())
        self._stack.enter_context(_redirected(self._file.fileno()))
        self._flush = _c_flush()
        self._stack.callback(_restore, _global_state())
        # A generator that was seeded before must not look the same when it is seeded again.
        random.random()
        np.random.random()  # noqa: NPY002
        # A state that no backend seeds the generators with, so that one that does so shows.
        random.seed(0x6D7371)
        np.random.seed(0x6D7371)  # noqa: NPY002
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            before = signal.signal(signal.SIGALRM, _interrupt)
            self._stack.callback(signal.signal, signal.SIGALRM, before)
            self._timed = True
        else:
            self._timed = False
        return self

    def __exit__(self, *exception: object) -> None:
        """Put everything back."""
        self._stack.close()

    def call(self, function: Callable[..., Any], case: Case) -> Outcome:
        """Call a function with the arguments of a case, laid out anew."""
        required = lay_out(case.required, case.layout)
        rest = "plain" if case.layout.endswith(FIRST) else case.layout
        optional = {key: lay_out(value, rest) for key, value in case.optional.items()}
        return self.call_with(function, case.operation, required, optional)

    def look_again(self) -> None:
        """Look at the global state anew before the next call: others than backends change it."""
        self._state = {}

    def call_with(
        self, function: Callable[..., Any], name: str,
        required: tuple[Any, ...], optional: dict[str, Any],
    ) -> Outcome:  # fmt: skip
        """Call the function of an operation with these very objects."""
        arrays = list(_arrays((required, tuple(optional.values()))))
        before, state = _frozen((required, optional)), self._state or _global_state()
        value, error = self._timed_call(function, required, optional)
        besides = []
        if _frozen((required, optional)) != before:
            besides.append("changed its input [S0.4]")
        if any(_shares(result, array) for result in _arrays(value) for array in arrays):
            besides.append("returned memory of its input [S0.4]")
        if self._reuses(name, value):
            besides.append("returned memory of an earlier result, or changed one [S0.4]")
        self._state = _global_state()
        changed = _changed(state, self._state)
        if changed:
            besides.append(f"changed {', '.join(changed)}")
            _restore(state)
            self._state = state
        if self._has_printed():
            besides.append("printed to standard output")
        return Outcome(value, error, tuple(besides))

    def _reuses(self, name: str, value: Any) -> bool:
        """Tell whether the last result of an operation is not what it was; keep the new one."""
        last, frozen = self._last.get(name, (None, _frozen(None)))
        shares = any(_shares(one, other) for one in _arrays(last) for other in _arrays(value))
        self._last[name] = value, _frozen(value)
        return shares or _frozen(last) != frozen

    def _timed_call(
        self, function: Callable[..., Any], required: tuple[Any, ...], optional: dict[str, Any]
    ) -> tuple[Any, BaseException | None]:
        try:
            if self._timed:
                signal.setitimer(signal.ITIMER_REAL, self.limit)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function(*required, **optional), None
        except TooSlow:
            return None, TooSlow(f"no answer within {self.limit:g} s")
        except (Exception, SystemExit) as error:
            return None, error
        finally:
            if self._timed:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _has_printed(self) -> bool:
        sys.stdout.flush()
        self._flush()
        size = os.fstat(self._file.fileno()).st_size
        if size == 0:
            return False
        self._file.truncate(0)
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        return True


def _interrupt(_number: int, _frame: object) -> None:
    raise TooSlow


@contextlib.contextmanager
def _redirected(target: int) -> Iterator[None]:
    """Send file descriptor 1 to `target`, and Python's standard output with it."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(target, 1)
    stream = sys.stdout
    with open(1, "w", closefd=False, encoding="utf-8") as sys.stdout:
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stdout = stream
            os.dup2(kept, 1)
            os.close(kept)


def _c_flush() -> Callable[[], object]:
    """Return what flushes the C library's own buffers, for a backend that calls printf."""
    try:
        flush = ctypes.CDLL(None).fflush
    except (OSError, AttributeError, TypeError):
        return lambda: None
    return lambda: flush(None)


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item)


def _frozen(value: Any) -> Any:
    """Return what tells whether a value was changed in place: contents, and how arrays lie."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.strides, value.flags.writeable, value.tobytes()
    if isinstance(value, list | tuple):
        return type(value), [_frozen(item) for item in value]
    if isinstance(value, dict):
        return [(key, _frozen(item)) for key, item in value.items()]
    return repr(value) if isinstance(value, int | float | np.generic) else None


def _shares(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return bool(one.size and other.size and np.may_share_memory(one, other))


def _global_state() -> dict[str, Any]:
    return {
        "NumPy's error state": np.geterr(),
        "NumPy's global random state": _numpy_random_state(),
        "NumPy's print options": np.get_printoptions(),
        "Python's global random state": random.getstate(),
        "the working directory": os.getcwd(),
    }


WORDS = 624
"""Of the state of a Mersenne Twister; behind them is the position in it."""


def _numpy_random_state() -> Any:
    """Return the state of NumPy's global generator; its own function takes far longer."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]
    if isinstance(generator, np.random.MT19937):
        return ctypes.string_at(generator.ctypes.state_address, 4 * (WORDS + 1))
    return repr(generator.state)


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what differs between two global states."""
    python = "Python's global random state"
    names = [name for name, value in old.items() if name != python and value != new[name]]
    # A few words, and the position, differ after any use: to compare all of them takes longer.
    (_, words, gauss), (_, others, other) = old[python], new[python]
    if (words[:4], words[-1], gauss) != (others[:4], others[-1], other):
        names.append(python)
    return names


def _restore(state: dict[str, Any]) -> None:
    np.seterr(**state["NumPy's error state"])
    np.set_printoptions(**state["NumPy's print options"])
    words = state["NumPy's global random state"]
    if isinstance(words, bytes):
        *key, position = memoryview(words).cast("I")
        np.random.set_state(  # noqa: NPY002
            ("MT19937", np.array(key, np.uint32), int(position), 0, 0.0)
        )
    random.setstate(state["Python's global random state"])
    os.chdir(state["the working directory"])
