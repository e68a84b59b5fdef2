"""The update of a training step, in C [S12.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix

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
    size, shape, kind = arrays[0].size, arrays[0].shape, arrays[0].dtype
    next_w, next_v = np.empty(shape, kind), np.empty(shape, kind)
    rates = float(rate), float(mu), float(decay)
    call(f"sgd_step_{suffix(kind)}", size, *arrays, *rates, next_w, next_v)
    return next_w, next_v
