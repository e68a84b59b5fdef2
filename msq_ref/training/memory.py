"""How much memory this process has, as the operating system counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["peak_resident_bytes", "reset_peak", "resident_bytes"]

SYSTEM: str = sys.platform
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident_bytes() -> int | None:
    """Return the bytes of this process that are in memory now; None where that is not known.

    Linux: ``VmRSS`` of ``/proc/self/status``. macOS: what ``ps`` says.
    """
    if SYSTEM.startswith("linux"):
        return _status("VmRSS")
    if SYSTEM == "darwin":
        return _ps()
    return None


def peak_resident_bytes() -> int | None:
    """Return the most bytes of this process in memory since `reset_peak`; None where not known.

    Linux: ``VmHWM`` of ``/proc/self/status``, which unlike ``ru_maxrss`` does not begin with what
    the parent had. macOS: ``ru_maxrss``, in bytes there, of the whole life of the process.
    """
    if SYSTEM.startswith("linux"):
        return _status("VmHWM")
    if SYSTEM == "darwin":
        import resource  # noqa: PLC0415  (not on every system)

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def reset_peak() -> bool:
    """Let the peak begin anew at what is resident now; whether that was possible (Linux only)."""
    if not SYSTEM.startswith("linux"):
        return False
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _status(key: str) -> int | None:
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == key and value.strip().endswith("kB"):
            return int(value.split()[0]) * 1024
    return None


def _ps() -> int | None:
    try:
        done = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
        )
        return int(done.stdout) * 1024
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
