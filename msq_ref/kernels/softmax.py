"""The softmax of rows in the cache, and the way back: for compiled code."""

from __future__ import annotations

from typing import Any

from numba import njit

from msq_ref.kernels.rows import dot, largest, total
from msq_ref.kernels.vector_math import exp

__all__ = ["softmax_rows", "through_softmax"]


@njit(cache=True, nogil=True, error_model="numpy")
def softmax_rows(scores: Any) -> None:
    """Put the softmax of each row of a matrix in its place.

    What is not about rows is one loop over all scores: rows may be short.
    """
    for i in range(scores.shape[0]):
        row = scores[i]
        top = largest(row)
        for j in range(row.size):
            row[j] -= top
    flat = scores.reshape(-1)
    for j in range(flat.size):
        flat[j] = exp(flat[j])
    for i in range(scores.shape[0]):
        row = scores[i]
        share = row.dtype.type(1) / total(row)
        for j in range(row.size):
            row[j] *= share


@njit(cache=True, nogil=True)
def through_softmax(grad: Any, p: Any, scale: Any) -> None:
    """Put ``scale p (grad - sum(p grad))`` in the place of the gradient of p, row by row."""
    for i in range(p.shape[0]):
        gradients, shares = grad[i], p[i]
        mean = dot(gradients, shares)
        for j in range(gradients.size):
            gradients[j] = scale * (shares[j] * (gradients[j] - mean))
