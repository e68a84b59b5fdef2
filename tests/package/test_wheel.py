"""What is handed out: an sdist and a wheel, and that the wheel works where nothing else is."""

import json
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from hwsim.accelerator import accelerator_names
from hwsim.networks import network_names
from msq_ref.conformance.vectors.folder import read_operation
from tests.package.environment import Environment, run

ROOT = Path(__file__).parents[2]
PACKAGES = ("msq_ref", "hwsim")
NOT_SHIPPED = {"runs", "build", "dist", "site"}
"""Folders that people's own work fills."""


def build(target, *flags, source=ROOT):
    """Build without the network, with the backend that is installed here."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, *flags, source)
    return target


def one(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, and the wheel that is built from nothing but it."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(sdist):
    return one(sdist, "*.whl")


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(archive.read(name), validate=True)
    return Environment(tmp_path_factory.mktemp("empty"), wheel, metadata)


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def is_ours(path):
    """Neither hidden nor made by running something."""
    return not any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def files_of(folder):
    """Every file of ours below a folder of the repository, by its path from the root."""
    paths = (path.relative_to(ROOT) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if is_ours(path)}


# What is in them.


def test_the_sdist_gives_the_wheel_of_the_repository(wheel, tmp_path):
    """File by file and byte by byte."""
    assert contents(wheel) == contents(one(build(tmp_path, "--wheel"), "*.whl"))


def test_the_wheel_has_the_packages_and_the_vectors(wheel):
    """Each file of theirs, compiled ones not; and no tests, pages or benchmarks."""
    packages = {name for package in PACKAGES for name in files_of(ROOT / package)}
    vectors = {
        f"msq_ref/conformance/vectors_v1/{name.removeprefix('vectors/v1/')}"
        for name in files_of(ROOT / "vectors" / "v1")
    }
    assert len(vectors) > 20
    found = contents(wheel)
    info = {name for name in found if name.split("/")[0].endswith(".dist-info")}
    assert found.keys() - info == packages | vectors
    for package in PACKAGES:
        assert f"{package}/py.typed" in found
    (scripts,) = (found[name].decode() for name in info if name.endswith("entry_points.txt"))
    assert {line.partition(" = ")[0] for line in scripts.splitlines() if " = " in line} == {
        "msq", "hwsim", "msq_ref"
    }  # fmt: skip


def test_the_sdist_has_the_repository(sdist):
    """Whoever packages it elsewhere runs the tests from it: no file of ours is missing."""
    with tarfile.open(one(sdist, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    ours = set()
    for path in ROOT.iterdir():
        if is_ours(Path(path.name)) and path.name not in NOT_SHIPPED:
            ours |= files_of(path) if path.is_dir() else {path.name}
    assert "tests/package/test_wheel.py" in ours
    assert sorted(ours - names) == []
    assert not [name for name in names if name.endswith((".nbi", ".nbc", ".pyc"))]


# That it works alone.


def test_the_environment_is_empty(environment):
    """The repository, and what only its tests need, cannot be found; the packages are its own."""
    program = (
        "import importlib.util as u, sys, msq_ref, hwsim\n"
        "print(msq_ref.__file__, hwsim.__file__, sep='\\n')\n"
        "names = 'tests', 'benchmarks', 'pytest', 'torch', 'onnx', 'transformers', 'pip'\n"
        "print([name for name in names if u.find_spec(name)])\n"
        "print(*sys.path, sep='\\n')"
    )
    msq_ref, hwsim, others, *places = environment.isolated(program).splitlines()
    assert Path(msq_ref) == environment.site / "msq_ref" / "__init__.py"
    assert Path(hwsim) == environment.site / "hwsim" / "__init__.py"
    assert others == "[]"
    assert not [place for place in places if Path(place).is_relative_to(ROOT)]
    for package in PACKAGES:
        assert (environment.site / package / "py.typed").is_file()


@pytest.mark.parametrize("script", ["msq", "hwsim"])
def test_the_commands_are_installed(environment, script):
    assert f"Usage: {script} " in environment.script(script, "--help")


def test_the_definitions_work(environment):
    """[S2.2] The first lines of the README."""
    program = "import msq_ref as msq, numpy as np; print(msq.roundclamp(np.float32(0.3), 3))"
    assert environment.isolated(program).split() == ["2"]


def test_the_kernels_are_compiled_and_conform(environment):
    """[S2.2] With the cases that the kit brings, its vectors among them."""
    printed = environment.script(
        "msq", "conform", "msq_ref.kernels", "--ops", "roundclamp", "--json", "-"
    )
    (operation,) = json.loads(printed)["operations"]
    assert operation["status"] == "passed"
    assert operation["failed"] == 0


def test_the_vectors_are_found(environment):
    """All of them, and in the wheel's own folder."""
    folder = environment.site / "msq_ref" / "conformance" / "vectors_v1"
    printed = environment.script("msq", "vectors", "list", "requantize").splitlines()
    assert len(printed) == len(read_operation(ROOT / "vectors" / "v1", "requantize"))
    assert str(folder) in environment.isolated(
        "from msq_ref.conformance.vectors import vectors_folder; print(vectors_folder())"
    )


def test_the_simulator_runs(environment):
    """Its presets, its networks, its peers' tables, a whole network with its page, a sweep."""
    presets = json.loads(environment.script("hwsim", "accelerators", "--json"))["accelerators"]
    assert [preset["name"] for preset in presets] == accelerator_names()
    networks = json.loads(environment.script("hwsim", "networks", "--json"))["networks"]
    assert [network["name"] for network in networks] == network_names()
    report = json.loads(
        environment.script(
            "hwsim", "run", "resnet20", "--accelerator", "edge-small", "--json", "-",
            "--html", "report.html",
        )
    )  # fmt: skip
    assert sum(layer["cycles"] for layer in report["layers"]) == report["totals"]["cycles"] > 0
    assert "</html>" in (environment.work / "report.html").read_text("utf-8")
    shutil.copy(ROOT / "examples" / "sweep.toml", environment.work)
    environment.script("hwsim", "sweep", "--config", "sweep.toml")
    assert len((environment.work / "sweep.csv").read_text("utf-8").splitlines()) > 50
    assert "FAILED" not in environment.script("hwsim", "validate", "--rtl", "0", "--layers", "0")


def test_the_rtl_is_there(environment):
    """The Verilog that the program hands to its simulator."""
    program = (
        "from hwsim.rtl.build import SOURCES\n"
        "print(SOURCES, *sorted(path.name for path in SOURCES.iterdir()), sep='\\n')"
    )
    folder, *names = environment.isolated(program).splitlines()
    assert Path(folder).is_relative_to(environment.site)
    assert names == sorted(os.listdir(ROOT / "hwsim" / "rtl" / "verilog"))


def test_pytest_finds_the_plugin(environment):
    """Where pytest is installed too, a backend's authors need nothing else."""
    environment.link(Requirement("pytest"))
    program = (
        "import pytest; raise SystemExit(pytest.main(['--pyargs', 'msq_ref.conformance', '-q',"
        " '-p', 'no:cacheprovider', '--msq-backend=msq_ref.reference', '--msq-ops=roundclamp']))"
    )
    assert " passed" in environment.isolated(program)
