"""Run compiled functions on NumPy arrays: padded sizes in, a scoped 64-bit setting, NumPy out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

__all__ = ["bucket", "elementwise", "flat", "padded", "run"]

SMALLEST = 1024
"""Elements that the smallest arrays are padded to."""

# Older versions have the setting in jax.experimental.
_enable_x64: Callable[[bool], Any] = (
    jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
)


def run(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """Call a compiled function and return NumPy arrays, which are XLA's memory and read-only."""
    cpu = jax.local_devices(backend="cpu")[0]
    with _enable_x64(True), jax.default_device(cpu):
        result = function(*map(_data, arguments))
        return jax.tree.map(np.asarray, result)


def _data(argument: Any) -> NDArray[Any]:  # noqa: ANN401
    """Return an argument as an array; integers, all of them small, as int32 like codes."""
    return np.asarray(argument, np.int32 if type(argument) is int else None)


def elementwise(
    function: Callable[..., Any], arrays: list[NDArray[Any]], *scalars: Any  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Call a compiled function that takes and gives flat arrays; any leading axes of results stay.

    Parameters
    ----------
    function : callable
        Takes the arrays, flat and padded with zeros, then the scalars.
    arrays : list of ndarray
        Of one shape, which the results get.
    """
    shape, size = arrays[0].shape, arrays[0].size
    result = run(function, *map(flat, arrays), *scalars)
    return jax.tree.map(
        lambda value: np.array(value[..., :size], order="C").reshape((*value.shape[:-1], *shape)),
        result,
    )


def flat(array: NDArray[Any]) -> NDArray[Any]:
    """Return the elements of an array in C order, padded with zeros to one of few sizes."""
    return padded(array.ravel(), bucket(array.size))


def bucket(size: int, least: int = SMALLEST, step: int = 4) -> int:
    """Return the least of ``least, least step, least step^2, ...`` that is not below `size`.

    A compiled function is one for each bucket, not for each size.
    """
    while least < size:
        least *= step
    return least


def padded(array: NDArray[Any], *sizes: int) -> NDArray[Any]:
    """Return an array with zeros behind the end of each axis, up to `sizes`."""
    if array.shape == sizes:
        return array
    result = np.zeros(sizes, array.dtype)
    result[tuple(slice(length) for length in array.shape)] = array
    return result
