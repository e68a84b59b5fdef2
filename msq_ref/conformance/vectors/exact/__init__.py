"""The operations once more, in rational arithmetic, by another route than the definitions.

What a vector expects comes from here and is checked against the definitions, so that vectors do
not merely freeze what the definitions happen to return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from msq_ref.conformance.vectors.exact import integers, normalizing, quantizers, schedule
from msq_ref.conformance.vectors.exact.answer import Answer
from msq_ref.contract import OPERATIONS

__all__ = ["Answer", "exactly"]


def exactly(name: str, arguments: Mapping[str, Any]) -> Answer:
    """Return what an operation of the contract must return, and what it meets on the way.

    Parameters
    ----------
    name : str
        Of an operation.
    arguments : mapping of str to value
        Legal ones, by name; those left out take their defaults.
    """
    return _FUNCTIONS[name](**arguments)


def _found(name: str) -> Callable[..., Answer]:
    modules: tuple[ModuleType, ...] = (normalizing, quantizers, integers, schedule)
    function: Callable[..., Answer] = next(
        getattr(module, name) for module in modules if name in module.__all__
    )
    return function


_FUNCTIONS = {entry.name: _found(entry.name) for entry in OPERATIONS}
