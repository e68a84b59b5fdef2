"""Matrix products by tiles in registers, for compiled code that has its operands in the cache.

Every result is summed in the order of the common length, whatever rows are computed with it: how a
caller slices rows changes no bits. Lengths of weights fill whole blocks, see `suits`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.tiles.vectors import BLOCK_BYTES, lanes, multiply, multiply_add

__all__ = ["add_gradients", "matrix", "pack", "product", "suits"]


def suits(w: NDArray[Any]) -> bool:
    """Tell whether both lengths of a matrix fill whole blocks."""
    block = BLOCK_BYTES // w.itemsize
    return w.size > 0 and w.shape[0] % block == 0 and w.shape[1] % block == 0


def pack(w: NDArray[Any]) -> NDArray[Any]:
    """Return a matrix (length, outputs) in blocks of outputs, (blocks, length, block)."""
    block = BLOCK_BYTES // w.itemsize
    out = np.empty((w.shape[1] // block, w.shape[0], block), w.dtype)
    _pack(w, out)
    return out


@njit(cache=True, nogil=True)
def _pack(w: Any, out: Any) -> None:
    for k in range(out.shape[0]):
        for n in range(out.shape[1]):
            for c in range(out.shape[2]):
                out[k, n, c] = w[n, k * out.shape[2] + c]


@njit(cache=True, nogil=True)
def matrix(tile: Any, out: Any, a: Any, b: Any, size: Any, start: Any, step: Any, row: Any) -> None:
    """Set ``out[p, k] = sum_n a[p, n] b[n, k]``, matrices that lie anywhere in flat arrays.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`; there are at least as many rows.
    out, a, b : ndarray, one-dimensional
    size : three int
        Rows p, columns k, which fill whole blocks, and common length n.
    start : three int
        Where the matrices begin in `out`, `a` and `b`.
    step : two int
        Distance of columns of a, and of rows of b.
    row : two int
        Distance of rows in `out` and in a. Columns of `out` and of b lie side by side.
    """
    height = len(tile) or 1
    for k in range(0, size[1], lanes(out)):
        for first in range(0, size[0], height):
            p = min(first, size[0] - height)  # the last tile sets some rows once more
            multiply(
                tile, out, a, b,
                (start[0] + p * row[0] + k, start[1] + p * row[1], start[2] + k),
                (1, 1, size[2]), (0, 0, step[0]), (0, 0, step[1]), row,
            )  # fmt: skip


@njit(cache=True, nogil=True)
def product(tile: Any, x: Any, filters: Any, y: Any) -> None:
    """Set ``y = x @ w``, (rows, length) to (rows, outputs); filters are w from `pack`."""
    (rows, length), outputs = x.shape, y.shape[1]
    blocks, _, block = filters.shape
    for k in range(blocks):
        matrix(
            tile, y.reshape(-1), x.reshape(-1), filters.reshape(-1), (rows, block, length),
            (k * block, 0, k * length * block), (1, block), (outputs, length),
        )  # fmt: skip


@njit(cache=True, nogil=True)
def add_gradients(tile: Any, grad_y: Any, x: Any, grad_w: Any, grad_b: Any) -> None:
    """Add ``x.T @ grad_y`` and ``sum(grad_y)`` over rows: the gradients of weight and bias."""
    (rows, length), outputs = x.shape, grad_y.shape[1]
    block, height = lanes(x), len(tile) or 1
    for m in range(0, outputs, block):
        for k in range(0, length, height):
            multiply_add(
                tile, grad_w, x, grad_y, (k * outputs + m, k, m),
                (1, 1, rows), (0, 0, length), (0, 0, outputs), (outputs, 1),
            )  # fmt: skip
    for row in range(rows):
        gradient = grad_y[row]
        for m in range(outputs):
            grad_b[m] += gradient[m]
