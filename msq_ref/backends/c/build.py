"""Compile the C sources into a cache, once for each source, compiler and flags.

The compiler is ``$CC``, else the first of ``cc``, ``gcc`` and ``clang`` on the path. The cache is
that of `msq_ref.builds`.
"""

from __future__ import annotations

import platform
from pathlib import Path

from msq_ref.builds import cached_build, digest, find_program, run_program
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
    return find_program(
        "CC", ("cc", "gcc", "clang"), "a C compiler",
        f"msq_ref.backends.c needs a C compiler and found no cc, gcc or clang: {INSTALL}, "
        "or set CC",
    )  # fmt: skip


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

    def compile_to(target: Path) -> None:
        sources = sorted(map(str, SOURCES.glob("*.c")))
        with atomic_path(target) as temporary:
            _run([*command, *FLAGS, "-o", str(temporary), *sources, "-lm"])

    name = f"msq-{_key(command)}.so"
    return cached_build(name, compile_to, "compile the C library into", anew=anew)


def _key(command: list[str]) -> str:
    """Return a digest of all that the library depends on."""
    parts = [*command, *FLAGS, platform.machine(), _run([*command, "--version"])]
    return digest(parts, sorted(SOURCES.iterdir()))


def _run(command: list[str]) -> str:
    return run_program("the C compiler", command, named=True)
