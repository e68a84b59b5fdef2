"""How the same array may lie in memory: results must not depend on it [S0.4]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST", "LAYOUTS", "lay_out"]

Array = NDArray[Any]


def _strided(array: Array) -> Array:
    wide = np.zeros(tuple(2 * length for length in array.shape), array.dtype)
    every_other = tuple(slice(None, None, 2) for _ in array.shape)
    wide[every_other] = array
    return wide[every_other]


def _reversed(array: Array) -> Array:
    back = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[back])[back] if array.ndim else array.copy()


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _swapped(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder(">" if np.little_endian else "<"))


def _unaligned(array: Array) -> Array:
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = memory[: array.nbytes].view(array.dtype) if array.nbytes else memory.view(array.dtype)
    view = view.reshape(array.shape)
    view[...] = array
    return view


def _broadcast(array: Array) -> Array:
    """Return an array whose strides are 0 where that keeps its values, else a plain copy."""
    if array.size and (array == array.ravel()[0]).all():
        return np.broadcast_to(array.ravel()[0], array.shape)
    return array.copy()


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": lambda array: array.copy(),
    "Fortran order": lambda array: np.array(array, order="F"),
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "big-endian": _swapped,
    "unaligned": _unaligned,
    "broadcast": _broadcast,
}
"""By name; each gives the values of an array anew."""


FIRST = ", the first only"
"""Behind the name of a layout: only the first array has it, the others are plain."""


def lay_out(value: Any, layout: str) -> Any:
    """Return a value with every array in it laid out anew; anything else is as it was.

    Parameters
    ----------
    value : value, or list or tuple of values
    layout : str
        A name in `LAYOUTS`, or one with `FIRST` behind it.
    """
    if isinstance(value, np.ndarray):
        return LAYOUTS[layout.removesuffix(FIRST)](value)
    if not isinstance(value, list | tuple):
        return value
    items = []
    for item in value:
        items.append(lay_out(item, layout))
        if isinstance(item, np.ndarray) and layout.endswith(FIRST):
            layout = "plain"
    return type(value)(items)
