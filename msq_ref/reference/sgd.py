"""The update of a training step [S12.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["sgd_step"]


def sgd_step(
    w: NDArray[Any],
    grad: NDArray[Any],
    velocity: NDArray[Any],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Take one step of gradient descent with momentum and weight decay.

    ``g = grad + weight_decay * w``, ``v = momentum * velocity + g``, ``w - lr * v``, where `grad`
    is ``g_ce + lambda * g_R``.

    Parameters
    ----------
    w, grad, velocity : ndarray, float32 or float64, the same shape and dtype
    lr, momentum, weight_decay : float
        Not negative; rounded to the dtype of `w`.

    Returns
    -------
    (ndarray, ndarray)
        The next weights and velocity.

    Raises
    ------
    TypeError
        If dtypes differ or are not float32 or float64, or a rate is not a real number.
    ValueError
        If shapes differ, a value is not finite, or a rate is negative.

    Notes
    -----
    [S12.1], ``bitexact``: every operation is rounded in the dtype of `w`, no fused multiply-add.
    """
    w, grad, velocity, rate, mu, decay = checks.sgd_arguments(
        w, grad, velocity, lr, momentum, weight_decay
    )
    with np.errstate(over="ignore", invalid="ignore"):  # IEEE decides; the loop looks for NaN
        return descended(w, grad, velocity, rate, mu, decay)


def descended(
    w: NDArray[Any], grad: NDArray[Any], velocity: NDArray[Any], rate: Any, mu: Any, decay: Any  # noqa: ANN401
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the next weights and velocity, of arguments that are checked already [S12.1]."""
    g = grad + decay * w
    v = mu * velocity + g
    return np.asarray(w - rate * v), np.asarray(v)
