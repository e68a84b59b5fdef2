"""What stands for an argument that is wrong, and what it must be refused with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["EITHER", "TYPE", "VALUE", "Errors", "Wrong", "put"]

VALUE = (ValueError,)
TYPE = (TypeError,)
EITHER = (ValueError, TypeError)
"""Errors of which an illegal call may raise any."""

Errors = tuple[type[Exception], ...]
"""Kinds of errors, as ``except`` takes them."""


class Wrong(NamedTuple):
    """A value in place of a legal one; `label` names it in the id of its case."""

    label: str
    value: Any
    errors: Errors = VALUE


def put(array: NDArray[Any], value: Any, place: int = -2) -> NDArray[Any]:
    """Return a copy with one element exchanged, by default the last but one."""
    copy = np.array(array)
    copy.flat[place % copy.size] = value
    return copy
