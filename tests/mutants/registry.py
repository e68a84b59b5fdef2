"""Wrong backends: each is `msq_ref.reference` but for one mistake in one operation.

A mistake is a function of the operation's arguments. `mutant` lets the definition refuse what is
illegal first and gives the result its type and dtype, so that a mistake is the wrong formula and
nothing else; `raw_mutant` leaves all of that to the function.
"""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from msq_ref import reference

MUTANTS: dict[str, "Mutant"] = {}


@dataclass(frozen=True)
class Call:
    """A call on which a mutant shows; `lay` puts its arrays into memory anew."""

    required: tuple[Any, ...]
    optional: dict[str, Any] = field(default_factory=dict)
    lay: Callable[[Any], Any] = np.array

    def fresh(self) -> tuple[list[Any], dict[str, Any]]:
        return [self._anew(v) for v in self.required], {
            name: self._anew(value) for name, value in self.optional.items()
        }

    def _anew(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self.lay(value)
        return list(value) if isinstance(value, list) else value


def at(*required: Any, lay: Callable[[Any], Any] = np.array, **optional: Any) -> Call:
    return Call(required, optional, lay)


@dataclass(frozen=True)
class Mutant:
    """`make` gives the wrong function anew, with no memory of earlier calls.

    Attributes
    ----------
    witness : tuple of Call
        Made one after another: one comes out wrong, or an earlier result does not stay.
    hangs : bool
        A call never returns.
    """

    name: str
    operation: str
    mistake: str
    make: Callable[[], Callable[..., Any]]
    witness: tuple[Call, ...]
    hangs: bool = False

    def backend(self) -> "Backend":
        return Backend(self.operation, self.make())


class Backend:
    """The reference, with one function of its own."""

    def __init__(self, operation: str, function: Callable[..., Any]) -> None:
        self._name, self._function = operation, function

    def __getattr__(self, name: str) -> Any:
        return self._function if name == self._name else getattr(reference, name)


def mutant(operation: str, mistake: str, *witness: Call) -> Callable[..., Any]:
    """Register a function as a wrong formula for an operation."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        wrong = _careful(operation, function)
        add(operation, _slug(function), mistake, lambda: wrong, *witness)
        return function

    return register


def raw_mutant(
    operation: str, mistake: str, *witness: Call, hangs: bool = False
) -> Callable[..., Any]:
    """Register a function that stands for an operation as it is."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        add(operation, _slug(function), mistake, lambda: function, *witness, hangs=hangs)
        return function

    return register


def add(
    operation: str, slug: str, mistake: str, make: Callable[[], Any], *witness: Call,
    hangs: bool = False,
) -> None:  # fmt: skip
    name = f"{operation}/{slug}"
    assert name not in MUTANTS, name
    MUTANTS[name] = Mutant(name, operation, mistake, make, witness, hangs)


def _slug(function: Callable[..., Any]) -> str:
    return function.__name__.strip("_").replace("_", "-")


def _careful(operation: str, function: Callable[..., Any]) -> Callable[..., Any]:
    right = getattr(reference, operation)
    signature = inspect.signature(function)

    def wrong(*required: Any, **optional: Any) -> Any:
        truth = right(*required, **optional)
        given = signature.bind(*map(plain, required), **{k: plain(v) for k, v in optional.items()})
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return like(truth, function(*given.args, **given.kwargs))

    return wrong


def plain(value: Any) -> Any:
    """Native byte order and C-contiguous, a copy."""
    if isinstance(value, np.ndarray):
        return np.array(value, value.dtype.newbyteorder("="), order="C")
    return list(value) if isinstance(value, list | tuple) else value


def like(truth: Any, found: Any) -> Any:
    """Return a result in the type and dtype of the right one."""
    if isinstance(truth, tuple):
        return tuple(like(one, other) for one, other in zip(truth, found, strict=True))
    if isinstance(truth, np.ndarray):
        return np.array(found, order="C").astype(truth.dtype, order="C")
    if isinstance(truth, list):
        return [int(item) for item in found]
    return type(truth)(found)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def f64(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def up(value: float, kind: Any = np.float32) -> Any:
    """The next float above."""
    return np.nextafter(kind(value), kind(np.inf))


def down(value: float, kind: Any = np.float32) -> Any:
    """The next float below."""
    return np.nextafter(kind(value), kind(-np.inf))
