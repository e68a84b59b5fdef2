"""Layer normalization over the last axis, its derivatives and their tangents [S11.1], [S5.2]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = [
    "layernorm",
    "layernorm_backward",
    "layernorm_backward_tangent",
    "layernorm_tangent",
]


def layernorm(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float
) -> NDArray[Any]:
    """Normalize each row: ``y = gamma h + beta``, ``h = (x - mean) / sqrt(variance + eps)``.

    Parameters
    ----------
    x : ndarray, float32 or float64, (..., features)
    gamma, beta : ndarray, the dtype of `x`, (features,)
    eps : float
        Added to the variance, which is biased.

    Returns
    -------
    ndarray, the shape of `x`

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, shapes do not fit, or `eps` is negative.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    eps, (x, gamma, beta) = checks.feature_arrays(eps, x, like_x={}, gamma=gamma, beta=beta)
    h, _ = _normalized(x, eps)
    return np.asarray(gamma * h + beta)


def layernorm_backward(
    grad_y: NDArray[Any], x: NDArray[Any], gamma: NDArray[Any], eps: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `layernorm` with respect to `x`, `gamma` and `beta`.

    ``dL/dx = r P(gamma grad_y)`` with ``r = 1 / sqrt(variance + eps)`` and the symmetric
    ``P(u) = u - mean(u) - h mean(h u)``, over each row.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    eps, (x, grad_y, gamma) = checks.feature_arrays(
        eps, x, like_x={"grad_y": grad_y}, gamma=gamma
    )
    h, r = _normalized(x, eps)
    rows = tuple(range(x.ndim - 1))
    grad_x = r * _projected(gamma * grad_y, h)
    return grad_x, (grad_y * h).sum(axis=rows), grad_y.sum(axis=rows)


def layernorm_tangent(
    x_dot: NDArray[Any], x: NDArray[Any], gamma: NDArray[Any], eps: float
) -> NDArray[Any]:
    """Return the tangent of `layernorm` along that of `x`: ``gamma r P(x_dot)`` [S5.2]."""
    eps, (x, x_dot, gamma) = checks.feature_arrays(eps, x, like_x={"x_dot": x_dot}, gamma=gamma)
    h, r = _normalized(x, eps)
    return np.asarray(gamma * (r * _projected(x_dot, h)))


def layernorm_backward_tangent(
    grad_y: NDArray[Any],
    grad_y_dot: NDArray[Any],
    x: NDArray[Any],
    x_dot: NDArray[Any],
    gamma: NDArray[Any],
    eps: float,
) -> NDArray[Any]:
    """Return the tangent of dL/dx of `layernorm_backward`, along those of `grad_y` and `x`.

    With ``u = gamma grad_y`` and ``h_dot = r P(x_dot)``, the product rule on ``r P(u)`` gives
    ``r (P(u_dot) - h_dot mean(h u) - h mean(h_dot u) - r mean(h x_dot) P(u))``, since
    ``r_dot = -r^2 mean(h x_dot)``.

    Notes
    -----
    [S5.2], class ``tolerance``.
    """
    eps, (x, grad_y, grad_y_dot, x_dot, gamma) = checks.feature_arrays(
        eps, x, like_x={"grad_y": grad_y, "grad_y_dot": grad_y_dot, "x_dot": x_dot}, gamma=gamma
    )
    h, r = _normalized(x, eps)
    u, u_dot, h_dot = gamma * grad_y, gamma * grad_y_dot, r * _projected(x_dot, h)
    through_h = h_dot * _mean(h * u) + h * _mean(h_dot * u)
    through_r = r * _mean(h * x_dot) * _projected(u, h)
    return np.asarray(r * (_projected(u_dot, h) - through_h - through_r))


def _normalized(x: NDArray[Any], eps: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ``h`` and ``r``."""
    centred = x - _mean(x)
    r = 1 / np.sqrt(_mean(np.square(centred)) + x.dtype.type(eps))
    return centred * r, r


def _projected(u: NDArray[Any], h: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(u - _mean(u) - h * _mean(h * u))


def _mean(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(values.mean(axis=-1, keepdims=True))
