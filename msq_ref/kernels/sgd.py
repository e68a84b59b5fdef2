"""Twin of `msq_ref.reference.sgd`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

__all__ = ["sgd_step"]


def sgd_step(
    w: NDArray[Any],
    grad: NDArray[Any],
    velocity: NDArray[Any],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.sgd_step`, bit-identical [S12.1]."""
    w, grad, velocity, rate, mu, decay = checks.sgd_arguments(
        w, grad, velocity, lr, momentum, weight_decay
    )
    new_w, new_v = np.empty_like(w), np.empty_like(w)
    run_chunks(
        _sgd_step, w.size, w.ravel(), grad.ravel(), velocity.ravel(), rate, mu, decay,
        new_w.ravel(), new_v.ravel(),
    )  # fmt: skip
    return new_w, new_v


@njit(cache=True, nogil=True)
def _sgd_step(
    first: int, last: int, w: Any, grad: Any, velocity: Any,
    lr: Any, momentum: Any, weight_decay: Any, new_w: Any, new_v: Any,
) -> None:  # fmt: skip
    for i in range(first * CHUNK, min(last * CHUNK, w.size)):
        g = grad[i] + weight_decay * w[i]
        v = momentum * velocity[i] + g
        new_v[i] = v
        new_w[i] = w[i] - lr * v
