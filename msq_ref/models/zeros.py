"""Weights that cost nothing: for networks of which only names and sizes are wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["Zeros"]


class Zeros(np.random.Generator):
    """Draws zeros; `numpy.random.default_rng` passes it through."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def standard_normal(self, size: Any = None, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """Zeros of the size asked for, `size`."""
        return np.broadcast_to(np.float32(0), () if size is None else size).view(_Zero)


class _Zero(np.ndarray):
    """One zero seen as many: scaled it is itself, converted it is memory that nobody touched."""

    def __mul__(self, other: Any) -> _Zero:  # noqa: ANN401
        return self

    def astype(self, dtype: DTypeLike, *_: Any, **__: Any) -> Any:  # type: ignore[override] # noqa: ANN401
        return np.zeros(self.shape, dtype)
