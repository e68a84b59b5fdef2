"""Twins of `msq_ref.reference.updates`: one pass over the arrays, which also looks for NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

__all__ = ["adamw_update", "sgd_update"]


def sgd_update(
    w: NDArray[Any],
    grad: NDArray[Any],
    velocity: NDArray[Any],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> bool:
    """Twin of `msq_ref.reference.sgd_update`, bit-identical [S12.1]."""
    g = checks.in_place(w, grad, velocity=velocity)
    rates = checks.sgd_rates(w.dtype, lr, momentum, weight_decay)
    return _run(_sgd, w, g, velocity, *rates)


def adamw_update(
    w: NDArray[Any],
    grad: NDArray[Any],
    mean: NDArray[Any],
    square: NDArray[Any],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    step: int,
) -> bool:
    """Twin of `msq_ref.reference.adamw_update`, bit-identical [S12.2]."""
    g = checks.in_place(w, grad, mean=mean, square=square)
    factors = checks.adamw_factors(w.dtype, lr, beta1, beta2, eps, weight_decay, step)
    return _run(_adamw, w, g, mean, square, *factors)


def _run(kernel: Callable[..., None], *arguments: Any) -> bool:
    """Run a kernel over the chunks of flat views; return whether all that it wrote is finite."""
    flat = [value.reshape(-1) if isinstance(value, np.ndarray) else value for value in arguments]
    size = flat[0].size
    wrong = np.zeros(-(-size // CHUNK), np.bool_)
    run_chunks(kernel, size, *flat, wrong)
    return not np.count_nonzero(wrong)


# Slices of a chunk, counted from 0, and a flag of integers: so that the loops become vector code.
# A number minus itself is 0, unless it is infinite or NaN. A velocity or mean that is one of these
# makes the weight one of them, so that weights and squares tell all.


@njit(cache=True, nogil=True)
def _sgd(
    first: int, last: int, w: Any, grad: Any, velocity: Any,
    lr: Any, momentum: Any, weight_decay: Any, wrong: Any,
) -> None:  # fmt: skip
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, w.size))
        weights, gradients, velocities = w[part], grad[part], velocity[part]
        bad = np.int64(0)
        for i in range(weights.size):
            g = gradients[i] + weight_decay * weights[i]
            v = momentum * velocities[i] + g
            new = weights[i] - lr * v
            velocities[i] = v
            weights[i] = new
            bad |= np.int64(new - new != 0)
        wrong[chunk] = bad != 0


@njit(cache=True, nogil=True, error_model="numpy")
def _adamw(
    first: int, last: int, w: Any, grad: Any, mean: Any, square: Any,
    keep: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any, root: Any, eps: Any, rate: Any,
    wrong: Any,
) -> None:  # fmt: skip
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, w.size))
        weights, gradients, means, squares = w[part], grad[part], mean[part], square[part]
        bad = np.int64(0)
        for i in range(weights.size):
            g = gradients[i]
            m = beta1 * means[i] + rest1 * g
            s = beta2 * squares[i] + rest2 * (g * g)
            d = np.sqrt(s) / root + eps
            new = keep * weights[i] - rate * (m / d)
            means[i] = m
            squares[i] = s
            weights[i] = new
            bad |= np.int64(new - new != 0) | np.int64(s - s != 0)
        wrong[chunk] = bad != 0
