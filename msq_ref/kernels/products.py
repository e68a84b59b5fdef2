"""Matrix products cut into parts by shape: the bits depend on no number of threads.

Every part is one BLAS call on one thread; see `msq_ref.kernels.threads`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts

__all__ = ["add_in_order", "gradient_product", "product", "worthwhile"]

PARTS = 16
"""As many parts as a large product has: enough to keep some threads busy to the end."""

NARROWEST = 128
"""Rows or columns of a part: BLAS is no good at less."""

FEW = 16
"""Rows that make a product a matter of reading the other factor."""

LEAST_WORK = 2**20
"""Multiplications of a part: some 20 microseconds; waking a thread costs as much."""


def product(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None:
    """Write ``a @ b`` to `out`: by rows, or by columns where there are more of them.

    A few rows read all of `b` for little work: if it lies row by row, it is read in that order, in
    partial sums over the common length.

    Parameters
    ----------
    a, b, out : ndarray, (P, K), (K, M), (P, M)
        Of one dtype; the rows of `out` may lie apart.
    """
    rows, length = a.shape
    columns = b.shape[1]
    if rows <= FEW and b.flags.c_contiguous:
        _in_partial_sums(a, b, out)
    elif rows >= columns:
        by_row = _blocks(rows, length * columns)
        _run(lambda part: np.matmul(a[part], b, out=out[part]), by_row)
    else:
        by_column = _blocks(columns, length * rows)
        _run(lambda part: np.matmul(a, b[:, part], out=out[:, part]), by_column)


def gradient_product(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None:
    """Write ``a.T @ b`` to `out`: the gradient of a weight.

    By rows or columns of the result where it has many; else in partial sums over the common rows.

    Parameters
    ----------
    a, b, out : ndarray, (P, K), (P, M), (K, M)
    """
    if max(out.shape) >= 2 * NARROWEST:
        product(a.T, b, out)
    else:
        _in_partial_sums(a.T, b, out)


def _in_partial_sums(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None:
    blocks = _blocks(len(b), out.size)
    partial = empty((len(blocks), *out.shape), out.dtype)
    numbered = list(enumerate(blocks))
    _run(lambda one: np.matmul(a[:, one[1]], b[one[1]], out=partial[one[0]]), numbered)
    add_in_order(partial, out)


def _run(multiply: Callable[[Any], object], parts: list[Any]) -> None:
    run_parts(lambda part: multiply(parts[part]), len(parts), products=True)


def add_in_order(partial: NDArray[Any], out: NDArray[Any]) -> None:
    """Write the sum of ``partial[0]``, ``partial[1]``, ... to `out`, added in that order."""
    out[...] = partial[0]
    for one in partial[1:]:
        out += one


def worthwhile(work: int) -> int:
    """Return how many things of `work` multiplications each make a part worth a thread."""
    return -(-LEAST_WORK // max(1, work))


def _blocks(length: int, work: int) -> list[slice]:
    size = max(NARROWEST, worthwhile(work), -(-length // PARTS))
    return [slice(first, last) for first, last in cut(length, size)]
