"""Twin of `msq_ref.reference.loss`: loss and gradient in one pass; parts are images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.sums import ordered_sum
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.memory import empty
from msq_ref.reference.loss import cross_entropy_tangent

__all__ = ["cross_entropy", "cross_entropy_tangent"]

PART = 2**14
"""Values of a part: some 100 microseconds."""


def cross_entropy(
    logits: NDArray[Any], labels: NDArray[np.int64], smoothing: float = 0.0
) -> tuple[float, NDArray[Any]]:
    """Twin of `msq_ref.reference.cross_entropy`, within its class; all sums in float64 [S11.1]."""
    logits, labels = checks.loss_arguments(logits, labels)
    smoothing = checks.real("smoothing", smoothing, 0, 1)
    batch, classes = logits.shape
    losses, grad = np.empty(batch), empty(logits.shape, logits.dtype)
    parts = cut(batch, max(1, PART // classes))
    run_parts(lambda part: _rows(*parts[part], logits, labels, smoothing, losses, grad), len(parts))
    return ordered_sum(losses) / batch, grad


@njit(cache=True, nogil=True, error_model="numpy")
def _rows(
    first: int, last: int, logits: Any, labels: Any, smoothing: float, losses: Any, grad: Any
) -> None:
    batch, classes = logits.shape
    exponentials = np.empty(classes)
    for b in range(first, last):
        z = logits[b]
        largest = z[0]  # a NaN is in the sums, wherever it stands
        for c in range(1, classes):
            largest = max(largest, z[c])
        total, mean = 0.0, 0.0
        for c in range(classes):
            shifted = np.float64(z[c]) - largest
            exponentials[c] = np.exp(shifted)
            total += exponentials[c]
            mean += shifted / classes
        log_sum = np.log(total)
        loss = log_sum - (np.float64(z[labels[b]]) - largest)
        if smoothing != 0:
            loss = (1 - smoothing) * loss + smoothing * (log_sum - mean)
        losses[b] = loss
        for c in range(classes):
            target = (1 - smoothing) * np.float64(c == labels[b]) + smoothing / classes
            grad[b, c] = (exponentials[c] / total - target) / batch
