"""Who writes the cases of which operation; every operation of the contract has an author."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from msq_ref.conformance.vectors.authors import (
    activations,
    convolutions,
    integers,
    normalizing,
    planes,
    quantizers,
    requantizing,
    schedules,
    slicing,
    updates,
    weights,
)
from msq_ref.conformance.vectors.authors.author import Author, Draft
from msq_ref.contract import OPERATIONS

__all__ = ["Draft", "written"]


def written(name: str) -> list[Draft]:
    """Return the cases of an operation in the order in which they were thought of."""
    author = Author(name)
    _WRITERS[name](author)
    return author.drafts


def _writer(name: str) -> Callable[[Author], None]:
    modules: tuple[ModuleType, ...] = (
        activations, convolutions, integers, normalizing, planes, quantizers, requantizing,
        schedules, slicing, updates, weights,
    )  # fmt: skip
    writer: Callable[[Author], None] = next(
        getattr(module, name) for module in modules if name in module.__all__
    )
    return writer


_WRITERS = {entry.name: _writer(entry.name) for entry in OPERATIONS}
