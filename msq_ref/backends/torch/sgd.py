"""The update of a training step [S12.1]."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, tensor

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
    weights, gradient, before = (tensor(values) for values in arrays)
    # Products and sums apart: add(alpha=), add_ and addcmul may fuse them.
    total = gradient + float(decay) * weights
    after = float(mu) * before + total
    return array(weights - float(rate) * after), array(after)
