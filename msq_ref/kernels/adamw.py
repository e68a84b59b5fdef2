"""Twin of `msq_ref.reference.adamw`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.updates import adamw_update

__all__ = ["adamw_step"]


def adamw_step(
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
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.adamw_step`, bit-identical [S12.2]."""
    w = checks.float_array("w", w)
    grad = checks.like("grad", grad, w)
    new_w, m = w.copy(), checks.like("mean", mean, w).copy()
    s = checks.like("square", square, w).copy()
    adamw_update(new_w, grad, m, s, lr, beta1, beta2, eps, weight_decay, step)
    return new_w, m, s
