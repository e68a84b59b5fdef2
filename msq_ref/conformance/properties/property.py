"""A property: a statement about an operation that holds for all arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from msq_ref.conformance.properties.strategies import Scope

__all__ = ["PROPERTIES", "Calls", "Property", "about"]

Calls = Callable[..., Any]
"""Calls an operation of the backend by its name, with its arguments."""

Given = Callable[[Scope], SearchStrategy[tuple[Any, ...]]]


@dataclass(frozen=True)
class Property:
    """A property of an operation.

    Attributes
    ----------
    operation : str
        What it is reported under.
    name : str
    needs : tuple of str
        Other operations that it calls.
    clauses : tuple of str
    statement : str
        What holds, in words.
    given : callable
        Gives a strategy of arguments for the level.
    holds : callable
        Takes what makes calls, and arguments; tells whether the statement holds.
    costs : int
        It is tried on so many times fewer arguments than others.
    """

    operation: str
    name: str
    needs: tuple[str, ...]
    clauses: tuple[str, ...]
    statement: str
    given: Given
    holds: Callable[..., bool]
    costs: int = 1


PROPERTIES: list[Property] = []
"""All of them, as their modules are imported."""


def about(
    operation: str, *needs: str, clauses: str, given: Given
) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    """Register a function as a property; its docstring is the statement."""

    def register(holds: Callable[..., bool]) -> Callable[..., bool]:
        statement = " ".join((holds.__doc__ or "").split())
        name = holds.__name__.strip("_").replace("_", "-")
        entry = Property(
            operation, name, needs, tuple(clauses.split()), statement, given, holds
        )
        PROPERTIES.append(entry)
        return holds

    return register
