"""The update of a training step [S12.1]."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax.exact import ZERO, rounded
from msq_ref.backends.jax.run import elementwise

__all__ = ["sgd_step"]


def sgd_step(
    w: NDArray[Any],
    grad: NDArray[Any],
    velocity: NDArray[Any],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Take one step of gradient descent with momentum and weight decay [S12.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.sgd_step`.
    """
    *arrays, rate, mu, decay = checks.sgd_arguments(w, grad, velocity, lr, momentum, weight_decay)
    next_w, next_v = elementwise(_sgd_step, arrays, rate, mu, decay, ZERO)
    return np.asarray(next_w), np.asarray(next_v)


@jax.jit
def _sgd_step(
    w: jax.Array, grad: jax.Array, velocity: jax.Array,
    lr: jax.Array, momentum: jax.Array, weight_decay: jax.Array, zero: jax.Array,
) -> tuple[jax.Array, jax.Array]:  # fmt: skip
    g = grad + rounded(weight_decay * w, zero)
    v = rounded(momentum * velocity, zero) + g
    return w - rounded(lr * v, zero), v
