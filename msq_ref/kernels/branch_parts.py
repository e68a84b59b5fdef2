"""How residual branches of transformers are cut, when tiles serve them, and their gradients' sums.

Parts and slices are cut by shape, and the sums of parts added in their order: the bits depend on no
number of threads.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels.dense import suits
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut

__all__ = ["ROWS", "Gradients", "branch_suits", "parts_of", "slices_of"]

PARTS = 4
"""Parts of a branch: each has sums of its own for all gradients of weights."""

SLICE = 136
"""Rows of a slice, about: what a branch makes of them stays in a second-level cache."""

ROWS = 8
"""The unit of rows: a tile has no more."""

LARGEST = 2**18
"""Elements of a weight, of which caches hold several."""


def branch_suits(x: NDArray[Any], *weights: NDArray[Any], heads: int = 1) -> bool:
    """Tell whether `mlp_branch`, or `attention_branch` of so many heads, serves these arrays.

    Parameters
    ----------
    x : ndarray, (batch, ..., features)
    weights : ndarray, (inputs, outputs)
    """
    blocks = all(suits(w) and w.size <= LARGEST for w in weights)
    if not blocks or x.ndim < 3 or not x.flags.c_contiguous:
        return False
    lanes, features = 64 // x.itemsize, x.shape[-1]
    same = all(w.dtype is x.dtype and w.flags.c_contiguous for w in weights)
    wide = weights[0].shape[0] == features and features % (heads * lanes) == 0
    return same and wide and len(x) > 0 and math.prod(x.shape[1:-1]) >= ROWS


def parts_of(total: int, least: int = 1) -> list[tuple[int, int]]:
    """Cut so many things into parts, of `least` things or more."""
    return cut(total, max(least, -(-total // PARTS)))


def slices_of(part: tuple[int, int], rows: int) -> list[slice]:
    """Cut a part, of things of so many rows, into slices."""
    first, last = part
    return [slice(first + a, first + b) for a, b in cut(last - first, max(1, SLICE // rows))]


class Gradients:
    """Sums of gradients, a set of arrays for each part.

    Parameters
    ----------
    parts : int
    like : sequence of ndarray
        The parameters.
    """

    def __init__(self, parts: int, *like: NDArray[Any]) -> None:
        self._shapes = [array.shape for array in like]
        self._edges = [0, *itertools.accumulate(array.size for array in like)]
        self._sums = empty((parts, self._edges[-1]), like[0].dtype)

    def of(self, part: int) -> list[NDArray[Any]]:
        """Return the arrays of a part, set to 0."""
        self._sums[part] = 0
        return self._arrays(self._sums[part])

    def total(self) -> list[NDArray[Any]]:
        """Return the sums over parts, added in their order."""
        flat = empty(self._sums.shape[1:], self._sums.dtype)
        return self._arrays(np.add.reduce(self._sums, axis=0, out=flat))

    def _arrays(self, flat: NDArray[Any]) -> list[NDArray[Any]]:
        pieces = (flat[slice(*edges)] for edges in itertools.pairwise(self._edges))
        return [piece.reshape(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
