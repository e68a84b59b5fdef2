"""Softmax attention, its derivatives and the tangents of both [S11.1], [S5.2]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.loss import softmax

__all__ = [
    "attention",
    "attention_backward",
    "attention_backward_tangent",
    "attention_tangent",
]


def attention(
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    scale: float,
    bias: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ``y = p v`` and the probabilities ``p = softmax(scale q k' + bias + mask)``.

    Parameters
    ----------
    q, k, v : ndarray, float32 or float64, (batch, heads, tokens, features)
        Queries, keys and values.
    scale : float
    bias : ndarray, the dtype of `q`, (heads, tokens, tokens), optional
        Added to the scores of each head: query by key.
    mask : ndarray, the dtype of `q`, (windows, tokens, tokens), optional
        Added to the scores of each window; the batch is images by windows, windows last.

    Returns
    -------
    (ndarray, ndarray)
        ``y`` of the shape of `q`; ``p``, (batch, heads, tokens, tokens).

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    scale, (q, k, v) = checks.attention_arrays(scale, q=q, k=k, v=v)
    bias, mask = checks.attention_offsets(q, bias, mask)
    scores = q.dtype.type(scale) * (q @ _t(k))
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        windows = scores.reshape(-1, len(mask), *scores.shape[1:]) + mask[:, None]
        scores = windows.reshape(scores.shape)
    p = softmax(scores)
    return np.asarray(p @ v), p


def attention_backward(
    grad_y: NDArray[Any],
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    p: NDArray[Any],
    scale: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `attention` with respect to `q`, `k`, `v` and the scores.

    With ``grad_p = grad_y v'`` the scores' is ``grad_s = p (grad_p - sum(p grad_p))``; then
    ``scale grad_s k``, ``scale grad_s' q`` and ``p' grad_y``. Summed over the batch, `grad_s` is
    the gradient of the bias.

    Parameters
    ----------
    grad_y : ndarray
        Gradient of ``y``, its shape and dtype.
    p : ndarray
        The probabilities that `attention` returned.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    scale, (q, k, v, grad_y, p) = checks.attention_arrays(
        scale, q=q, k=k, v=v, grad_y=grad_y, probabilities={"p": p}
    )
    grad_s = p * _centred(grad_y @ _t(v), p)
    factor = q.dtype.type(scale)
    return factor * (grad_s @ k), factor * (_t(grad_s) @ q), _t(p) @ grad_y, grad_s


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
    """Return the tangent of ``y``, and the relative one of the probabilities, ``p_dot / p``.

    ``s_dot = scale (q_dot k' + q k_dot')``, ``p_dot = p (s_dot - sum(p s_dot))`` and
    ``y_dot = p_dot v + p v_dot``; bias and mask are constants.

    Notes
    -----
    [S5.2], class ``tolerance``.
    """
    scale, (q, k, v, q_dot, k_dot, v_dot, p) = checks.attention_arrays(
        scale, q=q, k=k, v=v, q_dot=q_dot, k_dot=k_dot, v_dot=v_dot, probabilities={"p": p}
    )
    s_dot = q.dtype.type(scale) * (q_dot @ _t(k) + q @ _t(k_dot))
    p_rel = _centred(s_dot, p)
    return np.asarray((p * p_rel) @ v + p @ v_dot), p_rel


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
    """Return the tangents of the gradients of `q`, `k` and `v` that `attention_backward` returns.

    The product rule on each. For the scores, since the tangent of ``sum(p grad_p)`` is
    ``sum(p_dot grad_p + p grad_p_dot)`` and ``p_dot (grad_p - sum(p grad_p)) = p_rel grad_s``:
    ``grad_s_dot = p_rel grad_s + p (grad_p_dot - sum(p_rel grad_s + p grad_p_dot))``.

    Parameters
    ----------
    grad_y, grad_y_dot : ndarray
        Gradient of ``y`` and its tangent.
    grad_s, p_rel : ndarray
        Of `attention_backward` and `attention_tangent`.

    Notes
    -----
    [S5.2], class ``tolerance``.
    """
    scale, arrays = checks.attention_arrays(
        scale, q=q, k=k, v=v, grad_y=grad_y, grad_y_dot=grad_y_dot, q_dot=q_dot, k_dot=k_dot,
        v_dot=v_dot, probabilities={"p": p, "p_rel": p_rel, "grad_s": grad_s},
    )  # fmt: skip
    q, k, v, grad_y, grad_y_dot, q_dot, k_dot, v_dot, p, p_rel, grad_s = arrays
    grad_p_dot = grad_y_dot @ _t(v) + grad_y @ _t(v_dot)
    moved = p_rel * grad_s
    total = (moved + p * grad_p_dot).sum(axis=-1, keepdims=True)
    grad_s_dot = moved + p * (grad_p_dot - total)
    factor = q.dtype.type(scale)
    return (
        factor * (grad_s_dot @ k + grad_s @ k_dot),
        factor * (_t(grad_s_dot) @ q + _t(grad_s) @ q_dot),
        _t(p * p_rel) @ grad_y + _t(p) @ grad_y_dot,
    )


def _centred(values: NDArray[Any], p: NDArray[Any]) -> NDArray[Any]:
    """Return values minus their mean under the probabilities."""
    return np.asarray(values - (p * values).sum(axis=-1, keepdims=True))


def _t(matrices: NDArray[Any]) -> NDArray[Any]:
    return matrices.swapaxes(-1, -2)
