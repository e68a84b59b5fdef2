"""The update of AdamW: Adam with decoupled weight decay [S12.2]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

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
    """Take one step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).

    ``m = beta1 m + (1 - beta1) g``, ``s = beta2 s + (1 - beta2) (g g)``,
    ``d = sqrt(s) / sqrt(1 - beta2^t) + eps``,
    ``w = (1 - lr weight_decay) w - (lr / (1 - beta1^t)) (m / d)``.

    Parameters
    ----------
    w, grad : ndarray, float32 or float64, the same shape and dtype
    mean, square : ndarray, those of `w`
        The moments m and s of the gradient; 0 before the first step.
    lr, weight_decay : float
        Not negative.
    beta1, beta2 : float
        In [0, 1).
    eps : float
        Positive, in the dtype of `w` too.
    step : int
        t: the number of this step, counted from 1.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        The next weights and moments.

    Raises
    ------
    TypeError
        If dtypes differ or are not float32 or float64, or a scalar is not a real number.
    ValueError
        If shapes differ, a value is not finite, or a scalar is out of range.

    Notes
    -----
    [S12.2], ``bitexact`` given the scalars: ``1 - lr weight_decay``, ``1 - beta1``, ``1 - beta2``,
    ``sqrt(1 - beta2^t)`` and ``lr / (1 - beta1^t)`` are computed in float64 and rounded to the
    dtype of `w`; then every operation is rounded there, no fused multiply-add.
    """
    w = checks.float_array("w", w)
    g, m, s = (
        checks.like(name, value, w)
        for name, value in (("grad", grad), ("mean", mean), ("square", square))
    )
    f = checks.adamw_factors(w.dtype, lr, beta1, beta2, eps, weight_decay, step)
    with np.errstate(over="ignore", invalid="ignore"):  # IEEE decides; the loop looks for NaN
        return adapted(w, g, m, s, f)


def adapted(
    w: NDArray[Any], g: NDArray[Any], m: NDArray[Any], s: NDArray[Any], f: checks.AdamWFactors
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the next weights and moments, of arguments that are checked already [S12.2]."""
    m = f.beta1 * m + f.rest1 * g
    s = f.beta2 * s + f.rest2 * (g * g)
    d = np.sqrt(s) / f.root + f.eps
    return np.asarray(f.keep * w - f.rate * (m / d)), np.asarray(m), np.asarray(s)
