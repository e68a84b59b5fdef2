"""Attention of one sequence, all in the cache: for compiled code.

Queries, keys and values lie side by side in the rows of one matrix, (tokens, 3 features), each
with its heads one after another, as a linear layer leaves them. Rows of probabilities are filled
up to whole blocks, with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from msq_ref.kernels.dense import matrix
from msq_ref.kernels.softmax import softmax_rows, through_softmax

__all__ = ["attend", "attend_backward"]


@njit(cache=True, nogil=True, error_model="numpy")
def attend(tile: Any, qkv: Any, scale: Any, turned: Any, p: Any, y: Any) -> None:
    """Set ``p = softmax(scale q k')`` and ``y = p v``, head by head.

    Parameters
    ----------
    tile : tuple
        See `multiply_add`; there are at least as many tokens.
    qkv : ndarray, (tokens, 3 features)
    turned : ndarray, (features of a head, whole blocks)
        Scratch space.
    p : ndarray, (heads, tokens, whole blocks)
    y : ndarray, (tokens, features)
    """
    tokens, features = y.shape
    heads, _, width = p.shape
    size, row = features // heads, 3 * features
    flat_qkv, flat_p, flat_y = qkv.reshape(-1), p.reshape(-1), y.reshape(-1)
    for head in range(heads):
        query, scores = head * size, head * tokens * width
        key, value = query + features, query + 2 * features
        _turn(qkv, key, scale, turned)
        matrix(
            tile, flat_p, flat_qkv, turned.reshape(-1), (tokens, width, size), (scores, query, 0),
            (1, width), (width, row),
        )  # fmt: skip
        _softmax(p[head])
        matrix(
            tile, flat_y, flat_p, flat_qkv, (tokens, size, tokens), (query, scores, value),
            (1, row), (features, width),
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def attend_backward(
    tile: Any, grad_y: Any, qkv: Any, p: Any, scale: Any, turned: Any, grad_p: Any, grad_qkv: Any
) -> None:
    """Set the gradients of queries, keys and values.

    With ``grad_p = grad_y v'`` that of the scores is ``grad_s = p (grad_p - sum(p grad_p))``; then
    ``scale grad_s k``, ``scale grad_s' q`` and ``p' grad_y``.

    Parameters
    ----------
    grad_y, qkv, p, turned
        Of `attend`.
    grad_p : ndarray, (tokens, whole blocks)
        Scratch space.
    grad_qkv : ndarray, (tokens, 3 features)
    """
    tokens, features = grad_y.shape
    heads, _, width = p.shape
    size, row = features // heads, 3 * features
    flat_qkv, flat_p, flat_y = qkv.reshape(-1), p.reshape(-1), grad_y.reshape(-1)
    flat_s, grads, square = grad_p.reshape(-1), grad_qkv.reshape(-1), (tokens, size, tokens)
    for head in range(heads):
        query, scores = head * size, head * tokens * width
        key, value = query + features, query + 2 * features
        _turn(qkv, value, qkv.dtype.type(1), turned)
        matrix(
            tile, flat_s, flat_y, turned.reshape(-1), (tokens, width, size), (0, query, 0),
            (1, width), (width, features),
        )  # fmt: skip
        through_softmax(grad_p, p[head], scale)
        matrix(tile, grads, flat_s, flat_qkv, square, (query, 0, key), (1, row), (row, width))
        matrix(tile, grads, flat_s, flat_qkv, square, (key, 0, query), (width, row), (row, 1))
        matrix(
            tile, grads, flat_p, flat_y, square, (value, scores, query), (width, features),
            (row, 1),
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _turn(qkv: Any, first: int, factor: Any, turned: Any) -> None:
    """Set `turned` to the transpose of a head's columns, times a factor, filled up with 0."""
    tokens = qkv.shape[0]
    for c in range(turned.shape[0]):
        for t in range(tokens):
            turned[c, t] = factor * qkv[t, first + c]
        for t in range(tokens, turned.shape[1]):
            turned[c, t] = 0


@njit(cache=True, nogil=True)
def _softmax(scores: Any) -> None:
    """Put the softmax of each row in its place; what fills it up becomes 0."""
    scores[:, scores.shape[0] :] = -np.inf
    softmax_rows(scores)
