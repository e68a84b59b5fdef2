"""Programs that are compiled where they are used: finding compilers, running them, a cache.

The cache is ``$XDG_CACHE_HOME/msq-ref``, else ``~/.cache/msq-ref``, and a folder of this process
alone where neither can be written.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

__all__ = ["asked_program", "cached_build", "digest", "find_program", "own_folder", "run_program"]


def asked_program(variable: str, what: str) -> list[str] | None:
    """Return the command, with options, that an environment variable asks for; None if it is empty.

    Raises
    ------
    FileNotFoundError
        If there is no such program; `what` it should be is in the message.
    """
    asked = os.environ.get(variable, "").strip()
    if not asked:
        return None
    command = shlex.split(asked)
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(
            f"{variable} = {asked!r}: no such program; set it to {what}, or unset it"
        )
    return command


def find_program(variable: str, names: Sequence[str], what: str, missing: str) -> list[str]:
    """Return what an environment variable asks for, else the first name that is on the path.

    Raises
    ------
    FileNotFoundError
        As `asked_program`; with the message `missing` if no name is on the path.
    """
    asked = asked_program(variable, what)
    if asked is not None:
        return asked
    for name in names:
        if shutil.which(name) is not None:
            return [name]
    raise FileNotFoundError(missing)


def run_program(
    what: str,
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    *,
    named: bool = False,
) -> str:
    """Run a program and return what it prints.

    Raises
    ------
    FileNotFoundError
        If there is no such program.
    RuntimeError
        If it fails; the message says `what` it was, its file where `named`, and the first lines
        of its own.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[:6]
        raise RuntimeError(
            f"{what} failed with exit code {done.returncode}: "
            + (f"{shlex.join(command[:1])}: " if named else "")
            + "\n".join(lines or ["(no message)"])
        )
    return done.stdout


def cached_build(
    name: str, make: Callable[[Path], None], purpose: str, *, anew: bool = False
) -> Path:
    """Return a file of the cache, made if it is not there (or if `anew`).

    Several processes may do so at once, if `make` writes elsewhere and renames.

    Parameters
    ----------
    name : str
        Of the file; it holds a digest of all that the file depends on.
    make : callable
        Makes the file at a path, whose folder exists.
    purpose : str
        What a folder is for, for the message.

    Raises
    ------
    RuntimeError
        If it can be written nowhere; what `make` raises, but for an ``OSError``, goes through.
    """
    failures = []
    for folder in (_cache, own_folder):
        try:
            target = folder() / name
            if anew or not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                make(target)
        except OSError as error:  # not writable, or full
            failures.append(str(error))
        else:
            return target
    raise RuntimeError(f"no folder to {purpose}: " + "; ".join(failures))


def digest(parts: Iterable[str], files: Iterable[Path]) -> str:
    """Return a digest of texts, and of files with their names."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() + b"\0")
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()[:32]


def _cache() -> Path:
    asked = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = asked if asked.is_absolute() else Path(os.path.expanduser("~/.cache"))
    if not folder.is_absolute():
        raise FileNotFoundError("no home folder to keep a cache in")
    return folder / "msq-ref"


@functools.cache
def own_folder() -> Path:
    """Return a temporary folder of this process, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="msq-ref-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
