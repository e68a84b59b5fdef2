"""Twins of `msq_ref.reference.attention`: part by part of the batch, the scores in the cache.

The products are BLAS calls, the rest is one compiled pass over the scores of a part. Queries, keys
and values may be views of one array: what is by head need not lie by head. Parts are cut by shape
alone, so that the bits never depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.softmax import softmax_rows, through_softmax
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.reference.attention import attention_backward_tangent as backward_tangent
from msq_ref.reference.attention import attention_tangent as tangent

__all__ = [
    "attention",
    "attention_backward",
    "attention_backward_tangent",
    "attention_tangent",
]

PART = 2**17
"""Scores of a part at the most, if more than one entry of the batch: so they stay in the cache."""

LEAST = 2**13
"""Scores that are worth a part of their own: some 30 microseconds."""

PARTS = 4
"""Parts of a batch, if they are not too small or large: the calls of each take 20 microseconds."""


def attention(
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    scale: float,
    bias: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.attention`, within its class [S11.1]."""
    scale, (q, k, v) = checks.attention_arrays(scale, strided=True, q=q, k=k, v=v)
    bias, mask = checks.attention_offsets(q, bias, mask)
    y, p = empty(q.shape, q.dtype), empty((*q.shape[:3], q.shape[2]), q.dtype)
    parts = _parts(q)

    def attend(index: int) -> None:
        part, scores = parts[index], p[parts[index]]
        np.matmul(q[part], k[part].swapaxes(-1, -2), out=scores)
        _softmax(scores, q.dtype.type(scale), bias, mask, part.start)
        np.matmul(scores, v[part], out=y[part])

    run_parts(attend, len(parts), products=True)
    return y, p


def attention_backward(
    grad_y: NDArray[Any],
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    p: NDArray[Any],
    scale: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.attention_backward`, within its class [S11.1]."""
    scale, (q, k, v, grad_y, p) = checks.attention_arrays(
        scale, strided=True, q=q, k=k, v=v, grad_y=grad_y, probabilities={"p": p}
    )
    grad_q, grad_k, grad_v = (empty(q.shape, q.dtype) for _ in range(3))
    grad_s = empty(p.shape, q.dtype)
    factor, parts, p = q.dtype.type(scale), _parts(q), np.ascontiguousarray(p)

    def attend(index: int) -> None:
        part = parts[index]
        scores, probable = grad_s[part], p[part]
        np.matmul(grad_y[part], v[part].swapaxes(-1, -2), out=scores)
        _through_softmax(scores, probable)
        np.matmul(scores, k[part], out=grad_q[part])
        np.matmul(scores.swapaxes(-1, -2), q[part], out=grad_k[part])
        np.matmul(probable.swapaxes(-1, -2), grad_y[part], out=grad_v[part])
        grad_q[part] *= factor
        grad_k[part] *= factor

    run_parts(attend, len(parts), products=True)
    return grad_q, grad_k, grad_v, grad_s


def attention_tangent(
    q_dot: NDArray[Any],
    k_dot: NDArray[Any],
    v_dot: NDArray[Any],
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    p: NDArray[Any],
    scale: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.attention_tangent`, within its class [S5.2]."""
    scale, arrays = checks.attention_arrays(
        scale, q=q, k=k, v=v, q_dot=q_dot, k_dot=k_dot, v_dot=v_dot, probabilities={"p": p}
    )
    first, *_, p = arrays
    arrays = [*arrays[3:6], *arrays[:3], p]
    y_dot, p_rel = empty(first.shape, first.dtype), empty(p.shape, p.dtype)
    parts = _parts(first)

    def attend(index: int) -> None:
        part = parts[index]
        values: list[Any] = [*(array[part] for array in arrays), scale]
        y_dot[part], p_rel[part] = tangent(*values)

    run_parts(attend, len(parts), products=True)
    return y_dot, p_rel


def attention_backward_tangent(
    grad_y: NDArray[Any],
    grad_y_dot: NDArray[Any],
    grad_s: NDArray[Any],
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    p: NDArray[Any],
    q_dot: NDArray[Any],
    k_dot: NDArray[Any],
    v_dot: NDArray[Any],
    p_rel: NDArray[Any],
    scale: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.attention_backward_tangent`, within its class [S5.2]."""
    scale, arrays = checks.attention_arrays(
        scale, q=q, k=k, v=v, grad_y=grad_y, grad_y_dot=grad_y_dot, q_dot=q_dot, k_dot=k_dot,
        v_dot=v_dot, probabilities={"p": p, "p_rel": p_rel, "grad_s": grad_s},
    )  # fmt: skip
    q, k, v, grad_y, grad_y_dot, q_dot, k_dot, v_dot, p, p_rel, grad_s = arrays
    arrays = [grad_y, grad_y_dot, grad_s, q, k, v, p, q_dot, k_dot, v_dot, p_rel]
    results = [empty(q.shape, q.dtype) for _ in range(3)]
    parts = _parts(q)

    def attend(index: int) -> None:
        part = parts[index]
        values: list[Any] = [*(array[part] for array in arrays), scale]
        found = backward_tangent(*values)
        for result, value in zip(results, found, strict=True):
            result[part] = value

    run_parts(attend, len(parts), products=True)
    return results[0], results[1], results[2]


def _parts(q: NDArray[Any]) -> list[slice]:
    """Return the parts of the batch."""
    batch, heads, tokens, _ = q.shape
    scores = max(1, heads * tokens * tokens)
    size = min(PART // scores, max(-(-LEAST // scores), -(-batch // PARTS)))
    return [slice(*edges) for edges in cut(batch, size)]


@njit(cache=True, nogil=True)
def _softmax(scores: Any, scale: Any, bias: Any, mask: Any, first: int) -> None:
    """Put ``softmax(scale scores + bias + mask)`` in the place of the scores."""
    for i in range(scores.shape[0]):
        for h in range(scores.shape[1]):
            flat = scores[i, h].reshape(-1)
            for j in range(flat.size):
                flat[j] *= scale
            if bias is not None:
                _add(flat, bias[h].reshape(-1))
            if mask is not None:
                _add(flat, mask[(first + i) % mask.shape[0]].reshape(-1))
            softmax_rows(scores[i, h])


@register_jitable(inline="always")
def _add(values: Any, others: Any) -> None:
    for j in range(values.size):
        values[j] += others[j]


@njit(cache=True, nogil=True)
def _through_softmax(grad: Any, p: Any) -> None:
    """Put the gradient of the scores in the place of that of the probabilities."""
    for i in range(p.shape[0]):
        for h in range(p.shape[1]):
            through_softmax(grad[i, h], p[i, h], p.dtype.type(1))
