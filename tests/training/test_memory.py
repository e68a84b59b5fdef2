"""What the operating system says about this process."""

import subprocess
import sys

import pytest

from msq_ref.training import memory
from msq_ref.training.memory import peak_resident_bytes, reset_peak, resident_bytes
from tests.training.runs import run, trainer

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc is Linux's"
)  # fmt: skip
SIZE = 64 * 2**20
SLACK = 4 * 2**20
"""Linux counts pages by thread, and adds these counts up now and then."""


BLOCK = """
import sys
import numpy as np
from msq_ref.training.memory import peak_resident_bytes, reset_peak, resident_bytes

size, slack = map(int, sys.argv[1:])
reset = reset_peak()
before = resident_bytes()
assert peak_resident_bytes() >= before > 2**20
block = np.ones(size, np.uint8)
held = resident_bytes()
assert held - before > 0.9 * size, (before, held)
del block
assert resident_bytes() < held - 0.9 * size
assert peak_resident_bytes() >= held - slack
if reset:
    assert reset_peak()
    assert peak_resident_bytes() < held - 0.9 * size
"""


@LINUX
def test_memory_that_is_touched_counts():
    """A block of 64 MiB: resident while it is there, in the peak after it has gone.

    In a process of its own: a system that takes back idle pages may take many of a large one's.
    """
    done = subprocess.run(
        [sys.executable, "-c", BLOCK, str(SIZE), str(SLACK)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@LINUX
def test_a_run_tells_its_peak():
    """Of its steps; before the first epoch nothing is known."""
    state = trainer("float", epochs=2)
    assert state.peak_bytes is None
    run(state)
    assert 2**20 < state.peak_bytes <= 2**40


def test_systems_that_do_not_tell(monkeypatch):
    """None, never an error: another system, no /proc, or one of another form."""
    monkeypatch.setattr(memory, "SYSTEM", "win32")
    assert (resident_bytes(), peak_resident_bytes(), reset_peak()) == (None, None, False)


@pytest.mark.parametrize("text", [None, "", "VmRSS: many\n", b"\xff", "VmHWM\t12 MB\nVmRSS 12 kB"])
def test_a_proc_of_another_form(tmp_path, monkeypatch, text):
    monkeypatch.setattr(memory, "SYSTEM", "linux")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "missing" / "clear_refs")
    if text is not None:
        (tmp_path / "status").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert (resident_bytes(), peak_resident_bytes(), reset_peak()) == (None, None, False)


@pytest.mark.parametrize("answer", [" 1234\n", "", "ps: no such option", None])
def test_macos_asks_ps(monkeypatch, answer):
    """KiB on one line; anything else is not known."""

    def ps(command, **options):
        if answer is None:
            raise FileNotFoundError("ps")
        assert command[0] == "ps"
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr(memory, "SYSTEM", "darwin")
    monkeypatch.setattr(memory.subprocess, "run", ps)
    assert resident_bytes() == (1234 * 1024 if answer == " 1234\n" else None)
    assert not reset_peak()
