"""A line for the impatient: on a terminal only, and only when it takes long."""

import io
import threading

import pytest
from rich.console import Console

from hwsim.cli.progress import Waiting


def shown(terminal, patience_s):
    """Return what is on the screen once the timer has gone off, or at once if it never will."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=60)
    with Waiting("counting [/x]", console, patience_s) as waiting:
        for timer in (one for one in threading.enumerate() if isinstance(one, threading.Timer)):
            if patience_s < 1:
                timer.join()
        waiting.step("counting on")
    return file.getvalue()


def test_waiting():
    assert "counting" in shown(True, 0.0)
    assert "counting" not in shown(True, 3600.0)
    assert shown(False, 0.0) == ""


def test_an_error_goes_through():
    """And the timer does not outlive it."""
    with (
        pytest.raises(RuntimeError, match="stop"),
        Waiting("x", Console(file=io.StringIO(), force_terminal=True), 3600.0),
    ):
        raise RuntimeError("stop")
    assert not any(isinstance(one, threading.Timer) for one in threading.enumerate())
