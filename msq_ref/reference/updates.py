"""The updates of a training step, in place: as an optimizer of a large network wants them [S12]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.adamw import adapted
from msq_ref.reference.sgd import descended

__all__ = ["adamw_update", "sgd_update"]


def sgd_update(
    w: NDArray[Any],
    grad: NDArray[Any],
    velocity: NDArray[Any],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> bool:
    """Overwrite `w` and `velocity` with what `sgd_step` returns; values are not looked at before.

    Parameters
    ----------
    w, velocity : ndarray, float32 or float64
        Overwritten; native, C-contiguous, of one shape and dtype.
    grad : ndarray, of that shape and dtype
    lr, momentum, weight_decay : float
        As in `sgd_step`.

    Returns
    -------
    bool
        Whether everything that was written is finite.

    Raises
    ------
    TypeError, ValueError
        As `sgd_step`, but not of values; also if an array cannot be overwritten.

    Notes
    -----
    [S12.1], ``bitexact``.
    """
    g = checks.in_place(w, grad, velocity=velocity)
    rate, mu, decay = checks.sgd_rates(w.dtype, lr, momentum, weight_decay)
    with np.errstate(all="ignore"):
        w[...], velocity[...] = descended(w, g, velocity, rate, mu, decay)
    return _finite(w, velocity)


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
    """Overwrite `w`, `mean` and `square` with what `adamw_step` returns; else as `sgd_update`.

    Parameters are those of `adamw_step`; returns and errors those of `sgd_update`.

    Notes
    -----
    [S12.2], ``bitexact`` given the scalars.
    """
    g = checks.in_place(w, grad, mean=mean, square=square)
    f = checks.adamw_factors(w.dtype, lr, beta1, beta2, eps, weight_decay, step)
    with np.errstate(all="ignore"):
        w[...], mean[...], square[...] = adapted(w, g, mean, square, f)
    return _finite(w, mean, square)


def _finite(*arrays: NDArray[Any]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)
