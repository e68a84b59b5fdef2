"""Points on the cores of this machine."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator

from hwsim.sweep.columns import Row
from hwsim.sweep.design import Sweep, run_points
from hwsim.sweep.pending import Span, chunks_of

__all__ = ["Cores"]

LOOK_S = 0.5
"""Between two looks at whether the parent is still there."""


class Cores:
    """Processes of this machine.

    Parameters
    ----------
    jobs : int, optional
        How many, by default one for each core; 1 is this process itself.
    """

    def __init__(self, jobs: int | None = None) -> None:
        if jobs is None:
            import joblib  # noqa: PLC0415  (slow to load)

            jobs = int(joblib.cpu_count())
        self._jobs = jobs

    def run(self, sweep: Sweep, ranges: list[Span]) -> Iterator[list[Row]]:
        """Give the rows of all points in chunks, in the order in which they are done.

        Raises
        ------
        RuntimeError
            If a process has died.
        """
        chunks = chunks_of(ranges, self._jobs)
        if self._jobs == 1:
            for chunk in chunks:
                yield run_points(sweep, *chunk)
            return
        from joblib import Parallel, delayed  # noqa: PLC0415  (slow to load)
        from joblib.externals.loky import BrokenProcessPool  # noqa: PLC0415

        # Chunks are taken when a process has nothing to do: there may be millions.
        pool = Parallel(
            self._jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs"
        )
        try:
            parent = os.getpid()
            yield from pool(delayed(_run_points)(parent, sweep, *chunk) for chunk in chunks)
        except BrokenProcessPool:
            raise RuntimeError(
                "a process of the sweep was killed, perhaps for want of memory: see --jobs; what "
                "is done is kept, the same command goes on"
            ) from None

    def close(self) -> None:
        """Nothing is left to end: idle processes end by themselves."""


def _run_points(parent: int, sweep: Sweep, first: int, stop: int) -> list[Row]:
    _end_with(parent)
    return run_points(sweep, first, stop)


@functools.cache
def _end_with(parent: int) -> None:
    """Let this process end soon after its parent, which may be killed: joblib waits for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
