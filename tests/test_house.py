"""The house: which package may import which, how large a file is, what an import takes along.

Floors, from the ground: an import goes down, or stays in its package. Within a floor packages may
use each other, but never in a circle.
"""

import ast
import graphlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    "builds": 0, "checks": 0, "shapes": 0, "files": 0, "names": 0, "settings": 0, "contract": 0,
    "pickled": 0, "memory": 0, "seeds": 0,
    "reference": 1,
    "kernels": 2, "backends": 2,
    "nn": 3,
    "models": 4, "hessian": 4,
    "methods": 5, "training": 5, "integer": 5,
    "formats": 6, "conformance": 6,
    "cli": 7,
}  # fmt: skip

FOR_HWSIM = ("msq_ref.reference", "msq_ref.models", "msq_ref.formats", "msq_ref.contract")
"""What hwsim may take from msq_ref."""

MAY_IMPORT_HWSIM = "msq_ref.cli.demo"
"""The command line of the demo, in as many modules as it needs."""

LONG_FILES = {
    "tests/conformance/test_command.py": "one command, and every way in which it ends",
    "tests/formats/test_integer_file.py": "one file format, and every way to spoil it",
    "tests/hessian/test_products.py": "one class, against PyTorch and by its properties",
    "tests/hwsim/onnx/test_products.py": "one reader: every operator with a product",
    "tests/hwsim/onnx/test_workload.py": "one reader: every operator it knows or leaves out",
    "tests/mutants/lenient.py": "a list: what may be taken where it must be refused",
    "tests/mutants/normalize_backward.py": "a list: the mistakes of one operation",
    "tests/mutants/sensitivity.py": "a list: the mistakes of one operation",
    "tests/mutants/sgd.py": "a list: the mistakes of one operation",
    "tests/nn/networks.py": "a list: a small network for each kind of layer",
    "tests/reference/test_integer.py": "one equation in three forms, drawn alike",
}
"""Files of more than 300 lines, each with its reason."""

PYTHON = ("msq_ref", "hwsim", "benchmarks", "docs", "notebooks", "examples", "tests")
"""Where our Python is."""

HEAVY = [
    "numba", "llvmlite", "matplotlib", "torch", "sklearn", "scipy", "pydantic", "safetensors",
    "rich", "typer",
]  # fmt: skip


@dataclass(frozen=True)
class Import:
    source: str
    target: str
    typing_only: bool = False


def modules_of(*packages):
    """Return the path of every module by its name."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules_of("msq_ref", "hwsim")


def resolve(name):
    """Return the module that a dotted name lies in: itself, or the one it is an attribute of."""
    while name not in MODULES and "." in name:
        name = name.rpartition(".")[0]
    return name


def is_typing_block(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "TYPE_CHECKING", "typing.TYPE_CHECKING"
    )


def names_of(node, module, is_package):
    """Return the dotted names that a statement, or a call of importlib, takes in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parents = module.split(".")
            parents = parents[: len(parents) - node.level + is_package]
            base = ".".join([*parents, *([base] if base else [])])
        return [base if alias.name == "*" else f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return [part.value for part in node.args[:1] if isinstance(part, ast.Constant)]
    return []


def imports_of(module, text, is_package=False):
    """Return the imports of a module from this repository: lazy and typing-only ones too."""
    found = []

    def visit(node, typing_only):
        for name in names_of(node, module, is_package):
            if name.split(".")[0] in ("msq_ref", "hwsim"):
                found.append(Import(module, resolve(name), typing_only))
        inside = typing_only or is_typing_block(node)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(text), False)
    return found


IMPORTS = [
    found
    for module, path in MODULES.items()
    for found in imports_of(module, path.read_text("utf-8"), path.name == "__init__.py")
]


def package_of(module):
    """Return the package or ground module below msq_ref, ``""`` for msq_ref itself."""
    return module.split(".")[1] if module.count(".") else ""


def wrong(imports):
    """Return the imports that go up."""
    found = []
    for one in imports:
        inside = one.source.startswith("msq_ref"), one.target.startswith("msq_ref")
        if inside == (True, True):
            source, target = package_of(one.source), package_of(one.target)
            if source == "":  # what `import msq_ref` shows
                fine = target in ("contract", "reference")
            elif target == "":
                fine = False
            else:
                fine = source == target or FLOORS[target] <= FLOORS[source]
        elif inside == (False, True):
            fine = any(
                one.target == name or one.target.startswith(f"{name}.") for name in FOR_HWSIM
            )
        elif inside == (True, False):
            fine = one.source.startswith(MAY_IMPORT_HWSIM)
        else:
            fine = True
        if not fine:
            found.append(f"{one.source} -> {one.target}")
    return found


def cycle(edges):
    """Return a circle in a graph as text, or ``""``."""
    graph = {}
    for source, target in edges:
        if source != target:
            graph.setdefault(source, set()).add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " <- ".join(error.args[1])
    return ""


def test_every_package_has_a_floor():
    packages = {package_of(name) for name in MODULES if name.startswith("msq_ref.")}
    assert packages <= FLOORS.keys()
    assert len(IMPORTS) > 300


def test_imports_go_down():
    """Of the design: the arrows between packages, lazy and typing-only imports included."""
    assert wrong(IMPORTS) == []


def test_no_circles_of_modules():
    """But for types: those never run."""
    edges = [(one.source, one.target) for one in IMPORTS if not one.typing_only]
    # What msq_ref itself is made of comes first; it is no part of what imports its modules.
    assert cycle(edges) == ""


def test_no_circles_of_packages():
    """Within a floor too."""
    edges = {
        (package_of(one.source), package_of(one.target))
        for one in IMPORTS
        if one.source.startswith("msq_ref.") and one.target.startswith("msq_ref.")
    }
    assert cycle(edges) == ""


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("msq_ref.nn.x", "from msq_ref.cli import app", "msq_ref.nn.x -> msq_ref.cli"),
        ("msq_ref.nn.x", "from msq_ref import integer", "msq_ref.nn.x -> msq_ref.integer"),
        ("msq_ref.nn.x", "import msq_ref.training.loop", "msq_ref.nn.x -> msq_ref.training.loop"),
        ("msq_ref.nn.x", "from ..models import build", "msq_ref.nn.x -> msq_ref.models"),
        ("msq_ref.nn.x", "from .. import hessian", "msq_ref.nn.x -> msq_ref.hessian"),
        ("msq_ref.nn.x", "def f():\n  from hwsim.engine import simulate_layer",
         "msq_ref.nn.x -> hwsim.engine"),
        ("msq_ref.nn.x", "if TYPE_CHECKING:\n  from msq_ref.formats import style",
         "msq_ref.nn.x -> msq_ref.formats.style"),
        ("msq_ref.nn.x", "importlib.import_module('msq_ref.cli')", "msq_ref.nn.x -> msq_ref.cli"),
        ("msq_ref.nn.x", "from msq_ref import roundclamp", "msq_ref.nn.x -> msq_ref"),
        ("msq_ref.checks.x", "from msq_ref.reference import lsb",
         "msq_ref.checks.x -> msq_ref.reference"),
        ("hwsim.x", "from msq_ref import kernels", "hwsim.x -> msq_ref.kernels"),
        ("hwsim.x", "from msq_ref.integer import lower", "hwsim.x -> msq_ref.integer"),
        ("hwsim.x", "import msq_ref", "hwsim.x -> msq_ref"),
    ],
)  # fmt: skip
def test_wrong_imports_are_found(module, text, found):
    """The test above can fail."""
    assert wrong(imports_of(module, text)) == [found]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("msq_ref.nn.x", "from msq_ref.nn.layer import Layer\nfrom . import simple"),
        ("msq_ref.nn.x", "from msq_ref import checks, reference, kernels\nimport numpy"),
        ("msq_ref.training.x", "from msq_ref.methods.config import MSQConfig"),
        ("msq_ref.cli.demo_part", "from hwsim import simulate"),
        ("hwsim.x", "from msq_ref import reference, models\nfrom msq_ref.formats import page"),
    ],
)
def test_right_imports_are_left_alone(module, text):
    assert wrong(imports_of(module, text)) == []


def test_circles_are_found():
    assert cycle([("a", "b"), ("b", "c"), ("a", "c"), ("a", "a")]) == ""
    assert cycle([("a", "b"), ("b", "c"), ("c", "a")])


def test_files_are_short():
    """40 to 200 lines, about one thing; more than 300 need a reason here."""
    long = {
        path.relative_to(ROOT).as_posix()
        for folder in PYTHON
        for path in (ROOT / folder).rglob("*.py")
        if len(path.read_text("utf-8").splitlines()) > 300
    }
    assert long == LONG_FILES.keys()


def loaded_after(code):
    """Return which heavy modules a fresh process has after some code."""
    report = "\nimport sys; print('\\n' + ' '.join(sorted(m for m in sys.modules if '.' not in m)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_msq_ref_is_light():
    """NumPy, and nothing that compiles, draws, trains or parses."""
    loaded = loaded_after("import msq_ref")
    assert "msq_ref" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("program", ["msq_ref", "hwsim"])
def test_help_compiles_nothing(program):
    """The help of a command line comes at once."""
    loaded = loaded_after(
        f"import sys; sys.argv = ['it', '--help']\nfrom {program}.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code"
    )
    assert "typer" in loaded
    assert loaded.isdisjoint(["numba", "llvmlite", "matplotlib", "torch", "sklearn", "scipy"])
