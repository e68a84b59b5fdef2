"""Compile the C sources into a cache, once for each source, compiler and flags.

The compiler is ``$CC``, else the first of ``cc``, ``gcc`` and ``clang`` on the path. The cache is
``$XDG_CACHE_HOME/msq-ref``, else ``~/.cache/msq-ref``, and a folder of this process alone where
neither can be written.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from msq_ref.files import atomic_path

__all__ = ["SOURCES", "compiler", "library_path"]

SOURCES = Path(__file__).parent / "csrc"
"""Folder of the C sources and headers."""

FLAGS = (
    "-O2", "-std=c99", "-fPIC", "-shared",
    # IEEE semantics, whatever options $CC brings along.
    "-fno-fast-math", "-ffp-contract=off",
)  # fmt: skip

INSTALL = "install one (Debian, Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install)"


def compiler() -> list[str]:
    """Return the command that compiles, with the options `$CC` may have.

    Raises
    ------
    FileNotFoundError
        If there is no such program.
    """
    asked = os.environ.get("CC", "").strip()
    if asked:
        command = shlex.split(asked)
        if shutil.which(command[0]) is None:
            raise FileNotFoundError(
                f"CC = {asked!r}: no such program; set it to a C compiler, or unset it"
            )
        return command
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name) is not None:
            return [name]
    raise FileNotFoundError(
        f"msq_ref.backends.c needs a C compiler and found no cc, gcc or clang: {INSTALL}, "
        "or set CC"
    )


def library_path(*, anew: bool = False) -> Path:
    """Return the compiled library, compiling it if it is not in the cache (or if `anew`).

    Several processes may do so at once: each writes a file of its own and renames it.

    Raises
    ------
    FileNotFoundError
        If there is no compiler.
    RuntimeError
        If it fails; the message has the compiler's own.
    """
    command = compiler()
    name = f"msq-{_key(command)}.so"
    failures = []
    for folder in (_cache, _own_folder):
        try:
            target = folder() / name
            if anew or not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(target) as temporary:
                    _compile(command, temporary)
        except OSError as error:  # not writable, or full
            failures.append(str(error))
        else:
            return target
    raise RuntimeError("no folder to compile the C library into: " + "; ".join(failures))


def _cache() -> Path:
    asked = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = asked if asked.is_absolute() else Path(os.path.expanduser("~/.cache"))
    if not folder.is_absolute():
        raise FileNotFoundError("no home folder to keep a cache in")
    return folder / "msq-ref"


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="msq-ref-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _key(command: list[str]) -> str:
    """Return a digest of all that the library depends on."""
    digest = hashlib.sha256()
    parts = [*command, *FLAGS, platform.machine(), _run([*command, "--version"])]
    for part in parts:
        digest.update(part.encode() + b"\0")
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _compile(command: list[str], target: Path) -> None:
    sources = sorted(map(str, SOURCES.glob("*.c")))
    _run([*command, *FLAGS, "-o", str(target), *sources, "-lm"])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[:6]
        raise RuntimeError(
            f"the C compiler failed with exit code {done.returncode}: {shlex.join(command[:1])}: "
            + "\n".join(lines or ["(no message)"])
        )
    return done.stdout
