"""A network of two layers in portable arithmetic: every sum in index order, no library's exp.

``logits = relu(x W1) W2``, cross-entropy, float64. The gradients and Hessian traces are written
out.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.exact.ieee import rounded

__all__ = ["Pass", "matmul"]

DIGITS = 60

Array = NDArray[np.float64]


def matmul(one: Array, other: Array) -> Array:
    """Return the product, terms added in index order from +0, nothing fused."""
    y = np.zeros((one.shape[0], other.shape[1]))
    for k in range(one.shape[1]):
        y = y + one[:, k : k + 1] * other[k : k + 1]
    return y


class Pass:
    """One forward and backward pass.

    Attributes
    ----------
    hidden, logits, probabilities : ndarray
    loss : float
    grad_logits : ndarray
    gradients : list of ndarray
        Of the loss with respect to both layers' weights.
    traces : list of float
        Of the Hessians of the loss with respect to both layers' weights [S5.1].
    """

    def __init__(self, x: Array, labels: Sequence[int], weights: Sequence[Array]) -> None:
        first, second = weights
        count = len(labels)
        before = matmul(x, first)
        active = before > 0
        self.hidden = np.where(active, before, 0.0)
        self.logits = matmul(self.hidden, second)
        self.probabilities, self.loss, self.grad_logits = _cross_entropy(self.logits, labels)
        grad_hidden = np.where(active, matmul(self.grad_logits, second.T), 0.0)
        self.gradients = [matmul(x.T, grad_hidden), matmul(self.hidden.T, self.grad_logits)]
        # The Hessian of cross-entropy in the logits is diag(p) - p p'; layers are linear in their
        # own weights, and relu'' = 0, so the trace is a sum of squares of what they multiply.
        p = self.probabilities
        own = _row_sums(p * (1 - p))
        through = matmul(p, (second * second).T) - np.square(matmul(p, second.T))
        inner = _row_sums(np.where(active, through, 0.0))
        self.traces = [
            float(_row_sums((_row_sums(np.square(values)) * each)[None])[0] / count)
            for values, each in ((x, inner), (self.hidden, own))
        ]


def _row_sums(values: Array) -> Array:
    """Sum along the rows in index order; NumPy's own order is not fixed."""
    total = np.zeros(values.shape[0])
    for column in values.T:
        total = total + column
    return total


def _cross_entropy(logits: Array, labels: Sequence[int]) -> tuple[Array, float, Array]:
    """Return probabilities, the batch mean of the loss and its gradient, each rounded once."""
    count = len(labels)
    probabilities: list[list[float]] = []
    grads: list[list[float]] = []
    loss = Decimal(0)
    with decimal.localcontext(prec=DIGITS):
        for row, label in zip(logits.tolist(), labels, strict=True):
            powers = [(Decimal(z) - Decimal(max(row))).exp() for z in row]
            total = sum(powers, start=Decimal(0))
            p = [power / total for power in powers]
            loss -= p[label].ln() / count
            probabilities.append([_double(value) for value in p])
            grads.append([_double((v - (c == label)) / count) for c, v in enumerate(p)])
        return np.array(probabilities), _double(loss), np.array(grads)


def _double(value: Decimal) -> float:
    return rounded(Fraction(value), "float64")
