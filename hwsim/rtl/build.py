"""Compile the array into a cache, once for each shape, source and tool.

The cache is that of `msq_ref.builds`.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from hwsim.rtl.tools import Verilator, compiler, find_verilator, missing_tool
from msq_ref.formats import cached_build, digest, run_program

__all__ = ["SOURCES", "Shape", "missing_tool", "simulator"]

SOURCES = Path(__file__).parent / "verilog"
"""Folder of the hardware and its bench."""

MOST_LANES = 8192
"""Lanes of the largest array that is built; Verilator writes code for each."""

_VERILATOR_FLAGS = ("--cc", "--top-module", "serial_array", "--prefix", "Varray", "-Wall",
                    "-fno-inline")  # fmt: skip
_CXX_FLAGS = (
    "-std=c++17", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0",
    "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """The parameters that an array is built for; everything else is an input.

    Attributes
    ----------
    rows, cols, lanes : int
    activation : int
        Bits of an activation in two's complement, 2 to 32: one more than an unsigned code has.
    accumulator : int
        Bits, 3 to 63; more than those of a sum of `lanes` activations.
    skip : bool
        Planes of weights that are zero in all rows and lanes of a step take no cycle.

    Raises
    ------
    ValueError
        If a number is out of range, or the array is too large to be built.
    """

    rows: int
    cols: int
    lanes: int
    activation: int = 17
    accumulator: int = 48
    skip: bool = False

    def __post_init__(self) -> None:
        lowest = self.activation + max(self.lanes - 1, 0).bit_length()
        for name, low, high in (
            ("rows", 1, 4096), ("cols", 1, 4096), ("lanes", 1, 4096), ("activation", 2, 32),
            ("accumulator", lowest, 63),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} = {getattr(self, name)}: expected {low} to {high}")
        if self.rows * self.cols * self.lanes > MOST_LANES:
            raise ValueError(
                f"rows x cols x lanes = {self.rows} x {self.cols} x {self.lanes}: expected at "
                f"most {MOST_LANES} lanes in RTL"
            )


def simulator(shape: Shape) -> Path:
    """Return the program that simulates an array, built if it is not in the cache.

    Several processes may build it at once: each writes a file of its own and renames it.

    Raises
    ------
    FileNotFoundError
        If there is no Verilator or no C++ compiler.
    RuntimeError
        If one of them fails; the message has its own.
    """
    verilator, cxx = find_verilator(), compiler()
    own = sorted(SOURCES.iterdir())
    runtime = f"hwsim-verilated-{_key(verilator, cxx, [])}.o"
    numbers = "x".join(str(number) for number in map(int, astuple(shape)))
    name = f"hwsim-rtl-{numbers}-{_key(verilator, cxx, own)}"

    def build_runtime(folder: Path) -> Path:
        return _compile_runtime(folder, verilator, cxx)

    def build_array(folder: Path) -> Path:
        return _compile_array(folder, shape, verilator, cxx, _cached(runtime, build_runtime))

    return _cached(name, build_array)


def _cached(name: str, build: Callable[[Path], Path]) -> Path:
    """Return a file of the cache; `build` makes it in the folder it is given."""

    def make(target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as folder:
            built = build(Path(folder))
            with built.open("rb+") as file:
                os.fsync(file.fileno())
            built.replace(target)

    return cached_build(name, make, "build the RTL in")


def _compile_runtime(folder: Path, verilator: Verilator, cxx: list[str]) -> Path:
    """Compile Verilator's own sources, which all arrays share."""
    include = verilator.root / "include"
    source = folder / "runtime.cpp"
    names = ("verilated.cpp", "verilated_threads.cpp")
    source.write_text("".join(f'#include "{include / name}"\n' for name in names), "utf-8")
    target = folder / "runtime.o"
    run_program("the C++ compiler", [*_compile(verilator, cxx, source, target), "-O1"])
    return target


def _compile_array(
    folder: Path, shape: Shape, verilator: Verilator, cxx: list[str], runtime: Path
) -> Path:
    numbers = {field.name.upper(): int(getattr(shape, field.name)) for field in fields(shape)}
    run_program(
        "Verilator",
        [
            *verilator.command, *_VERILATOR_FLAGS, "--Mdir", str(folder),
            *(f"-G{name}={number}" for name, number in numbers.items()),
            *map(str, sorted(SOURCES.glob("*.v"))),
        ],
        verilator.environment(),
    )  # fmt: skip
    generated = sorted(folder.glob("Varray*.cpp"))
    # What runs once, at the start, need not be fast; it is half of the code.
    slow = [path for path in generated if path.stem.endswith("__Slow")]
    fast = [path for path in generated if path not in slow] + [SOURCES / "main.cpp"]
    objects = [str(runtime)]
    for level, sources in (("-O1", fast), ("-O0", slow)):
        joined, target = folder / f"all{level}.cpp", folder / f"all{level}.o"
        joined.write_text("".join(f'#include "{path}"\n' for path in sources), "utf-8")
        macros = [f"-D{name}={number}" for name, number in numbers.items()]
        run_program(
            "the C++ compiler",
            [*_compile(verilator, cxx, joined, target), level, *macros, f"-I{folder}"],
        )
        objects.append(str(target))
    program = folder / "array"
    run_program("the C++ linker", [*cxx, "-o", str(program), *objects, "-pthread"])
    return program


def _compile(verilator: Verilator, cxx: list[str], source: Path, target: Path) -> list[str]:
    include = verilator.root / "include"
    return [
        *cxx, *_CXX_FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", "-c", str(source), "-o",
        str(target),
    ]  # fmt: skip


def _key(verilator: Verilator, cxx: list[str], sources: Sequence[Path]) -> str:
    """Return a digest of the tools, how they are called, and sources."""
    parts = [
        *verilator.command, *_VERILATOR_FLAGS, *cxx, *_CXX_FLAGS, platform.machine(),
        run_program("Verilator", [*verilator.command, "--version"], verilator.environment()),
        run_program("the C++ compiler", [*cxx, "--version"]),
    ]  # fmt: skip
    return digest(parts, [*sources, Path(__file__)])
