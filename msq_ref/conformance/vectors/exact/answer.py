"""What exact arithmetic says of a call, and the containers it goes in and out of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answer", "array", "numbers", "zipped"]


@dataclass(frozen=True)
class Answer:
    """The result of a call.

    Attributes
    ----------
    value : Any
        As an operation of the contract returns it.
    intermediates : dict of str to value
        On the way there, by name.
    flags : set of str
        What the numbers do on the way, such as ``Tie``; see `msq_ref.conformance.vectors.flags`.
    """

    value: Any
    intermediates: dict[str, Any] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)


def numbers(values: Any) -> list[Any]:
    """Return the elements of an array in C order, as Python numbers."""
    return list(np.asarray(values).ravel().tolist())


def array(values: Sequence[Any], dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return Python numbers, each a value of the dtype already, as an array."""
    return np.array(values, dtype=dtype).reshape(shape)


def zipped(values: Any, like: NDArray[Any]) -> list[int]:
    """Return one integer per element: a scalar or one per channel (the last axis) spread out."""
    return numbers(np.broadcast_to(np.asarray(values, dtype=object), like.shape))
