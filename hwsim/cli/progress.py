"""What a terminal shows while a command takes more than a moment."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["CountBar", "Waiting"]

PATIENCE_S = 2.0
"""After this long something is shown."""


class Waiting:
    """A line on standard error, if that is a terminal, with what is at work and for how long.

    Parameters
    ----------
    text : str
    console : Console, optional
    patience_s : float
        Seconds before it is shown.

    Examples
    --------
    >>> with Waiting("reading") as waiting:
    ...     waiting.step("counting")
    """

    def __init__(
        self, text: str, console: Console | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        console = Console(stderr=True) if console is None else console
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task(text, total=None)
        self._timer = threading.Timer(patience_s, self._bar.start)
        self._timer.daemon = True
        self._shown = console.is_terminal

    def step(self, text: str) -> None:
        """Say what is at work now."""
        self._bar.update(self._task, description=text)

    def __enter__(self) -> Waiting:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._timer.cancel()
            self._timer.join()
            self._bar.stop()


class CountBar:
    """A bar on standard error, if that is a terminal, with how many are done and the time left.

    Parameters
    ----------
    text : str
    console : Console, optional

    Examples
    --------
    >>> with CountBar("designs") as bar:
    ...     bar.show(3, 10)
    """

    def __init__(self, text: str, console: Console | None = None) -> None:
        console = Console(stderr=True) if console is None else console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(text, total=None)

    def show(self, done: int, total: int) -> None:
        """Say how many are done, of how many."""
        self._bar.update(self._task, completed=done, total=total)

    def __enter__(self) -> CountBar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
