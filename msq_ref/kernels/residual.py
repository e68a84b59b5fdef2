"""What surrounds the products of a residual branch, on rows in the cache: for compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from msq_ref.kernels.gelu import cumulative, slope
from msq_ref.kernels.layernorm import centre, means

__all__ = [  # noqa: RUF022  (in the order of use)
    "normalize", "normalize_backward", "gelu_and_slope", "multiply_by", "add_bias",
    "add_residual",
]  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def normalize(x: Any, gamma: Any, beta: Any, eps: Any, y: Any, moments: Any) -> None:
    """Set ``y = gamma (x - mean) r + beta`` and ``moments = mean, r`` of each row."""
    for i in range(x.shape[0]):
        values, results = x[i], y[i]
        mean, r = centre(values, eps, results)
        for j in range(values.size):
            results[j] = gamma[j] * (results[j] * r) + beta[j]
        moments[i, 0], moments[i, 1] = mean, r


@njit(cache=True, nogil=True, error_model="numpy")
def normalize_backward(
    grad: Any, skipped: Any, x: Any, gamma: Any, moments: Any, grad_gamma: Any, grad_beta: Any
) -> None:
    """Put ``skipped + r (u - mean(u) - h mean(h u))`` in the place of `grad`; ``u = gamma grad``.

    `skipped` is the gradient that goes past the branch, ``h = (x - mean) r``. Adds to the
    gradients of gamma and beta.
    """
    h = np.empty_like(gamma)
    for i in range(x.shape[0]):
        values, gradients, past = x[i], grad[i], skipped[i]
        mean, r = moments[i, 0], moments[i, 1]
        for j in range(h.size):
            h[j] = (values[j] - mean) * r
            grad_gamma[j] += gradients[j] * h[j]
            grad_beta[j] += gradients[j]
            gradients[j] *= gamma[j]
        middle, along = means(gradients, h)
        for j in range(h.size):
            gradients[j] = past[j] + r * (gradients[j] - middle - h[j] * along)


@njit(cache=True, nogil=True)
def add_bias(y: Any, bias: Any) -> None:
    """Add a bias to each row."""
    for i in range(y.shape[0]):
        row = y[i]
        for j in range(row.size):
            row[j] += bias[j]


@njit(cache=True, nogil=True)
def add_residual(y: Any, bias: Any, x: Any) -> None:
    """Set ``y = x + (y + bias)``."""
    for i in range(y.shape[0]):
        row, past = y[i], x[i]
        for j in range(row.size):
            row[j] = past[j] + (row[j] + bias[j])


@njit(cache=True, nogil=True)
def gelu_and_slope(h: Any, bias: Any, constants: Any, y: Any) -> None:
    """Set ``y`` to GELU of ``h + bias``, and put its derivative there in the place of h."""
    for i in range(h.shape[0]):
        values, results = h[i], y[i]
        for j in range(values.size):
            v = values[j] + bias[j]
            share = cumulative(v, constants)
            results[j] = v * share
            values[j] = slope(v, share, constants)


@njit(cache=True, nogil=True)
def multiply_by(y: Any, factors: Any) -> None:
    """Multiply each value by its factor."""
    for i in range(y.shape[0]):
        row, factor = y[i], factors[i]
        for j in range(row.size):
            row[j] *= factor[j]
