"""Softmax cross-entropy, its gradient and the gradient's tangent [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.sums import ordered_sum

__all__ = ["cross_entropy", "cross_entropy_tangent", "softmax"]


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Return ``exp(z - max z) / sum exp(z - max z)`` over the last axis."""
    (logits,) = checks.layer_arrays(logits=logits)
    if not logits.ndim or not logits.shape[-1]:
        raise ValueError(f"logits has shape {logits.shape}: expected (..., at least one class)")
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def cross_entropy(
    logits: NDArray[Any], labels: NDArray[np.int64], smoothing: float = 0.0
) -> tuple[float, NDArray[Any]]:
    """Return the mean cross-entropy of a batch and its gradient ``(p - target) / batch``.

    The target is ``(1 - smoothing) onehot + smoothing / classes``: with label smoothing, a share
    of it is spread evenly over all classes.

    Parameters
    ----------
    logits : ndarray, float32 or float64, (batch, classes)
    labels : ndarray of integers, (batch,)
    smoothing : float
        In [0, 1].

    Returns
    -------
    (float, ndarray)
        The loss, and dL/dlogits in the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes are wrong, a label is not a class, or `smoothing` is out of range.

    Notes
    -----
    [S11.1], class ``tolerance``: the maximum is subtracted first. The loss is computed in float64
    whatever the dtype of `logits`, and added over the batch in the order of [S0.5].
    """
    logits, labels = checks.loss_arguments(logits, labels)
    smoothing = checks.real("smoothing", smoothing, 0, 1)
    kind, (batch, classes) = logits.dtype.type, logits.shape
    picked = np.arange(batch), labels

    wide = logits.astype(np.float64)
    shifted = wide - wide.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    losses = log_sum - shifted[picked]
    if smoothing:
        spread = log_sum - shifted.mean(axis=1)
        losses = (1 - smoothing) * losses + smoothing * spread

    grad = softmax(logits)
    grad[picked] -= kind(1 - smoothing)
    grad -= kind(smoothing / classes)
    return ordered_sum(losses) / batch, grad / kind(batch)


def cross_entropy_tangent(
    logits: NDArray[Any], logits_dot: NDArray[Any]
) -> NDArray[Any]:
    """Return the tangent of the gradient of `cross_entropy` along a tangent of the logits.

    ``R{p - target} = p * (z_dot - sum(p z_dot))``, over the batch size, whatever the target [S5.2].
    """
    logits, logits_dot = checks.alike_arrays(logits=logits, logits_dot=logits_dot)
    p = softmax(logits)
    inner = (p * logits_dot).sum(axis=1, keepdims=True)
    return np.asarray(p * (logits_dot - inner) / logits.dtype.type(len(logits)))
