"""Twin of `msq_ref.reference.sgd`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.updates import sgd_update

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
    w, grad, velocity, *_ = checks.sgd_arguments(w, grad, velocity, lr, momentum, weight_decay)
    new_w, new_v = w.copy(), velocity.copy()
    sgd_update(new_w, grad, new_v, lr, momentum, weight_decay)
    return new_w, new_v
