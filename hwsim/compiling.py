"""Kernels that begin as plain Python: a small question is answered before a compiler has loaded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["PATIENCE", "Kernel", "Patience"]

R = TypeVar("R")


class Kernel(Generic[R]):
    """A function that Numba can compile; called, it is plain Python.

    In a function that is compiled it is compiled, too. Both give the same bits: whole numbers, and
    sums of floats in the order that is written.
    """

    def __init__(self, function: Callable[..., R]) -> None:
        self.plain = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> R:  # noqa: ANN401  (the function's)
        """Return what the function gives."""
        return self.plain(*args)

    @functools.cached_property
    def compiled(self) -> Callable[..., R]:
        """The compiled function; Numba is imported when it is first wanted."""
        from numba import njit  # noqa: PLC0415  (half a second with what it loads)

        function: Callable[..., R] = njit(cache=True, nogil=True)(self.plain)
        return function

    @property
    def _numba_type_(self) -> Any:  # noqa: ANN401  (Numba asks a global for it)
        compiled: Any = self.compiled
        return compiled._numba_type_


class Patience:
    """Decide when a process has done enough in plain Python for a compiler to pay.

    Parameters
    ----------
    most : int
        Steps that are done in plain Python, a few microseconds each.
    """

    def __init__(self, most: int) -> None:
        self.left = most

    def choose(self, kernel: Kernel[R], steps: int) -> Callable[..., R]:
        """Return the kernel as it is for some more steps, or compiled once they are too many."""
        self.left = max(self.left - steps, -1)
        return kernel if self.left >= 0 else kernel.compiled


PATIENCE = Patience(20_000)
"""Of this process: results are the same either way."""
