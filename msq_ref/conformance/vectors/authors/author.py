"""How cases are written down: a comment, flags, arguments by name; the rest is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msq_ref.conformance.vectors.exact import Answer, exactly
from msq_ref.conformance.vectors.flags import FLAGS, seen
from msq_ref.contract import operation

__all__ = ["ANY_ERROR", "Author", "Draft"]

ANY_ERROR = ("TypeError", "ValueError")
"""Where no clause says which of the two an argument of a wrong type gets."""


@dataclass(frozen=True)
class Draft:
    """A case without an id: `answer` of a legal one, `errors` of an illegal one."""

    comment: str
    clauses: tuple[str, ...]
    flags: frozenset[str]
    arguments: Mapping[str, Any]
    answer: Answer | None
    errors: tuple[str, ...]


class Author:
    """The cases of one operation, as they are thought of.

    Parameters
    ----------
    name : str
        Of the operation.
    """

    def __init__(self, name: str) -> None:
        self.operation = operation(name)
        self.drafts: list[Draft] = []

    def legal(
        self, comment: str, *flags: str, clauses: tuple[str, ...] = (), **arguments: Any
    ) -> None:
        """Add a case that has a result; flags that its numbers show are added by themselves."""
        answer = exactly(self.operation.name, arguments)
        shown = answer.flags | seen([*arguments.values(), answer.value])
        self._add(comment, {*flags, *shown}, clauses, arguments, answer, ())

    def illegal(
        self, comment: str, *flags: str, errors: tuple[str, ...] = ("ValueError",),
        clauses: tuple[str, ...] = (), **arguments: Any,
    ) -> None:  # fmt: skip
        """Add a case that must be refused with one of the errors."""
        self._add(comment, set(flags), clauses, arguments, None, errors)

    def _add(
        self, comment: str, flags: set[str], clauses: tuple[str, ...], arguments: dict[str, Any],
        answer: Answer | None, errors: tuple[str, ...],
    ) -> None:  # fmt: skip
        names = {name.partition("=")[0] for name in self.operation.arguments}
        missing = set(self.operation.required) - set(arguments)
        if missing or set(arguments) - names or flags - set(FLAGS):
            raise ValueError(
                f"{self.operation.name}, {comment!r}: missing {missing}, "
                f"unknown {(set(arguments) - names) | (flags - set(FLAGS))}"
            )
        ordered = {
            name.partition("=")[0]: arguments[name.partition("=")[0]]
            for name in self.operation.arguments
            if name.partition("=")[0] in arguments
        }
        flags = flags or {"Typical"}
        clauses = clauses or self.operation.clauses
        self.drafts.append(Draft(comment, clauses, frozenset(flags), ordered, answer, errors))
