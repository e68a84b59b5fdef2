"""How much of a run was compilation: of Numba and JAX, which tell, and of a backend's `prepare`."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

__all__ = ["CompilationClock"]


class CompilationClock:
    """Adds up compilation from its making on; it must be made after the backend is loaded.

    Parameters
    ----------
    backend : module or object
        Its function ``prepare``, if it has one, is called and counts as compilation.
    """

    def __init__(self, backend: Any) -> None:
        self._prepared = 0.0
        prepare = getattr(backend, "prepare", None)
        if callable(prepare):
            started = time.perf_counter()
            prepare()
            self._prepared = time.perf_counter() - started
        self._clocks = [make() for name, make in _TELLING.items() if name in sys.modules]
        self._before = [sum(clock) for clock in self._clocks]

    @property
    def seconds(self) -> float:
        """Seconds of compilation so far."""
        now = sum(sum(clock) for clock in self._clocks)
        return self._prepared + now - sum(self._before)


@functools.cache
def _numba_clock() -> list[float]:
    from numba.core import event  # noqa: PLC0415

    seconds: list[float] = []

    class Outermost(event.Listener):
        """A compilation may start others; they are within its time."""

        depth, started = 0, 0.0

        def on_start(self, event: Any) -> None:
            if self.depth == 0:
                self.started = time.perf_counter()
            self.depth += 1

        def on_end(self, event: Any) -> None:
            self.depth -= 1
            if self.depth == 0:
                seconds.append(time.perf_counter() - self.started)

    event.register("numba:compile", Outermost())
    return seconds


@functools.cache
def _jax_clock() -> list[float]:
    import jax  # noqa: PLC0415

    seconds: list[float] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seconds


_TELLING = {"numba": _numba_clock, "jax": _jax_clock}
