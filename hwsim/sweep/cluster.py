"""Points on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from concurrent.futures import CancelledError
from itertools import islice
from typing import Any

from hwsim.sweep.columns import Row
from hwsim.sweep.design import Sweep, run_points
from hwsim.sweep.pending import Span, chunks_of

__all__ = ["Cluster"]

ADDRESS = re.compile(r"((?P<scheme>[a-z]+)://)?\[?(?P<host>[^\s/\[\]]+)\]?:(?P<port>\d{1,5})")

CONNECT_S = 10.0
"""For the scheduler to answer."""

LOOK_S = 1.0
"""Between two looks at whether the scheduler is still there."""

AHEAD = 2
"""Chunks for each thread: one at work, and the next."""

RETRIES = 3
"""Of a chunk whose worker died or failed."""

GOES_ON = "what is done is kept, the same command goes on"


class Cluster:
    """A connection to a scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    ValueError
        If Dask is not installed, or this is no address.
    RuntimeError
        If the scheduler cannot be reached.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client  # noqa: PLC0415  (an extra)
        except ImportError:
            raise ValueError(
                f"--scheduler = {address}: Dask is needed: pip install 'msq-ref[sweep]'"
            ) from None
        self._address = address
        self._levels: dict[str, int] = {}
        try:
            _knock(address)
            self._levels = _silenced()
            self._client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)
        except OSError as error:
            _restore(self._levels)
            raise RuntimeError(
                f"--scheduler = {address}: cannot reach it ({_line(error)})"
            ) from None

    def run(self, sweep: Sweep, ranges: list[Span]) -> Iterator[list[Row]]:
        """Give the rows of all points in chunks, in the order in which they are done.

        A chunk whose worker dies goes to another one; if there is none, to the next that comes.

        Raises
        ------
        RuntimeError
            If the scheduler is gone, or a chunk failed too often.
        """
        try:
            chunks = chunks_of(ranges, self._threads())
            running: set[Any] = set()
            while True:
                room = AHEAD * self._threads() - len(running)  # workers come and go
                running |= {
                    self._client.submit(run_points, sweep, *chunk, pure=False, retries=RETRIES)
                    for chunk in islice(chunks, max(0, room))
                }
                if not running:
                    return
                done = self._done(running)
                running -= done
                for future in done:
                    yield self._rows(future)
        except (OSError, CancelledError):  # the scheduler's end comes as either
            raise RuntimeError(
                f"--scheduler = {self._address}: it is gone, or has dropped this sweep; {GOES_ON}"
            ) from None

    def close(self) -> None:
        """End the connection; the cluster stays."""
        self._client.close(timeout=LOOK_S)
        _restore(self._levels)

    def _threads(self) -> int:
        """Return how many threads all workers have now, 1 at the least."""
        self._look()
        return max(1, sum(self._client.nthreads().values()))

    def _done(self, running: set[Any]) -> set[Any]:
        """Return what is done, after a while perhaps nothing; ``OSError`` if the scheduler left."""
        from distributed import wait  # noqa: PLC0415  (an extra)

        try:
            with self._client.as_current():
                done: set[Any] = wait(running, LOOK_S, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            done = set()
        self._look()
        return done

    def _look(self) -> None:
        """Raise ``OSError`` if the scheduler has left: to ask it something would take long."""
        if self._client.status != "running":
            raise OSError("the connection is closed")

    def _rows(self, future: Any) -> list[Row]:  # noqa: ANN401
        try:
            rows: list[Row] = future.result()
        except (OSError, CancelledError):
            raise
        except Exception as error:
            raise RuntimeError(
                f"--scheduler = {self._address}: a chunk failed {RETRIES + 1} times "
                f"({type(error).__name__}: {_line(error)}); {GOES_ON}"
            ) from None
        return rows


def _knock(address: str) -> None:
    """Raise ``OSError`` if nobody listens: Dask takes long to say so."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(
            f"--scheduler = {address!r}: expected an address such as tcp://10.0.0.1:8786"
        )
    if found["scheme"] in (None, "tcp", "tls"):
        socket.create_connection((found["host"], int(found["port"])), CONNECT_S).close()


def _silenced() -> dict[str, int]:
    """Keep Dask's own lines off the terminal; what happened is said once, in ours.

    Returns
    -------
    dict of int
        The levels of its loggers as they were.
    """
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return levels


def _restore(levels: dict[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()),
                type(error).__name__)  # fmt: skip
