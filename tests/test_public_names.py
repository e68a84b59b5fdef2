"""Every public name is documented, typed and used; nothing is defined that nobody uses.

Public is what a module's ``__all__`` has. The packages that show their files' names by
``import *`` have none of their own.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pytest

from tests.test_house import MODULES, ROOT

USERS = ("msq_ref", "hwsim", "tests", "benchmarks", "docs", "notebooks")
"""Where a name may be used."""

FOUND_BY_NAME = {
    "pytest_addoption": "pytest calls it",
}
"""Public names that only programs of others use, each with its reason."""


@dataclass(frozen=True)
class Public:
    """A name in an ``__all__``, and the statement that defines it."""

    module: str
    name: str
    node: ast.stmt
    follows: ast.stmt | None

    def __str__(self):
        return f"{self.module}.{self.name}"

    @property
    def documented(self):
        """A function or a class says what it is, a value in the string behind it or its help."""
        if isinstance(self.node, FUNCTION | ast.ClassDef):
            return bool(ast.get_docstring(self.node))
        texts = (one.value for one in ast.walk(self.node) if isinstance(one, ast.keyword)
                 and one.arg == "help")  # fmt: skip
        return is_text(self.follows) or any(isinstance(text, ast.Constant) for text in texts)


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def is_text(node):
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def targets_of(node):
    """Return the names that a statement defines."""
    if isinstance(node, FUNCTION | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [one.id for target in node.targets for one in ast.walk(target)
                if isinstance(one, ast.Name)]  # fmt: skip
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def behind(body, index):
    """Return what follows a statement; values on lines without a gap share their string."""
    for node, follows in pairwise(body[index:]):
        near = follows.lineno == node.end_lineno + 1
        if not (near and isinstance(follows, ast.Assign | ast.AnnAssign)):
            return follows
    return None


@cache
def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def exported(tree):
    """Return what ``__all__`` has."""
    for node in tree.body:
        if "__all__" in targets_of(node):
            return ast.literal_eval(node.value)
    return []


def public_names():
    """Return the public names of every module that defines them itself."""
    found = []
    for module, path in MODULES.items():
        tree = tree_of(path)
        names = set(exported(tree))
        for index, node in enumerate(tree.body):
            for name in names.intersection(targets_of(node)):
                found.append(Public(module, name, node, behind(tree.body, index)))
    return found


PUBLIC = public_names()


@cache
def uses_of(path):
    """Return the words of a file that may be uses: names, attributes, imports and strings.

    What ``__all__`` has, and what the file of a package only shows on, is no use.
    """
    tree, words = tree_of(path), set()
    for statement in tree.body:
        if "__all__" in targets_of(statement):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                words.add(node.id)
            elif isinstance(node, ast.Attribute):
                words.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and path.name != "__init__.py":
                words.update(alias.name for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.update(re.findall(r"\w+", node.value))
    return words


@cache
def users():
    """Return the words of every file of code and of every page."""
    found = {}
    for folder in USERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py":
                found[path] = uses_of(path)
            elif path.suffix == ".md":
                found[path] = set(re.findall(r"\w+", path.read_text("utf-8")))
    found[ROOT / "README.md"] = set(re.findall(r"\w+", (ROOT / "README.md").read_text("utf-8")))
    return found


def in_annotations(node):
    """Return the names in the annotations of a function, or of a class's fields and methods."""
    words = set()
    for one in ast.walk(node):
        notes = []
        if isinstance(one, FUNCTION):
            notes = [one.returns, *(argument.annotation for argument in arguments_of(one))]
        elif isinstance(one, ast.AnnAssign):
            notes = [one.annotation]
        for note in filter(None, notes):
            words.update(re.findall(r"\w+", ast.unparse(note)))
    return words


def arguments_of(function):
    """Return the arguments that want a type: all but ``self`` and ``cls``."""
    given = function.args
    some = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [one for one in some if one is not None and one.arg not in ("self", "cls")]


def used(one):
    """Tell whether a file other than its own uses a name, or gets a value of this type."""
    home = MODULES[one.module]
    if any(one.name in words for path, words in users().items() if path != home):
        return True
    return any(
        other.name != one.name and one.name in in_annotations(other.node) and used(other)
        for other in PUBLIC
        if other.module == one.module
    )


def untyped(node):
    """Return the public functions below a node, itself among them, that lack a type."""
    return [
        one.name
        for one in ast.walk(node)
        if isinstance(one, FUNCTION)
        and not (one.returns and all(argument.annotation for argument in arguments_of(one)))
    ]


def test_there_are_public_names():
    assert len(PUBLIC) > 800
    assert len(users()) > 400


def test_every_module_says_what_it_is():
    assert [name for name, path in MODULES.items() if not ast.get_docstring(tree_of(path))] == []


def test_every_public_name_is_there():
    """In the module that says so, of its own or imported."""
    missing = []
    for module, path in MODULES.items():
        tree = tree_of(path)
        known = {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        known |= {name for node in tree.body for name in targets_of(node)}
        missing += [f"{module}.{name}" for name in exported(tree) if name not in known]
    assert missing == []


def test_every_public_name_is_documented():
    assert [str(one) for one in PUBLIC if not one.documented] == []


def test_every_public_name_is_typed():
    assert [f"{one}: {name}" for one in PUBLIC for name in untyped(one.node)] == []


def test_every_public_name_is_used():
    """By another module, a test, a notebook or a page."""
    assert [str(one) for one in PUBLIC if one.name not in FOUND_BY_NAME and not used(one)] == []
    assert {one.name for one in PUBLIC} >= FOUND_BY_NAME.keys()


@pytest.mark.parametrize(
    ("text", "documented", "missing"),
    [
        ('def f(x: int) -> int:\n    """Return x."""', True, []),
        ('def f(x: int):\n    """Return x."""', True, ["f"]),
        ("def f(x) -> int: ...", False, ["f"]),
        ("def f(*x, **y) -> int: ...", False, ["f"]),
        ('class C:\n    """A."""\n    def f(self, *, x): ...', True, ["f"]),
        ('X = 3\n"""Of what."""', True, []),
        ("X = 3\nY = 4", False, []),
        ('X = 3\nY = 4\n"""Sides."""', True, []),
        ('X = 3\n\nY = 4\n"""Sides."""', False, []),
        ('X = Annotated[int, Option(help="A side.")]', True, []),
    ],
)
def test_wrong_names_are_found(text, documented, missing):
    """The tests above can fail."""
    body = ast.parse(text).body
    first = body[0]
    assert Public("m", "f", first, behind(body, 0)).documented == documented
    assert untyped(first) == missing
