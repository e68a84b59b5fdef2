"""Squeeze-and-excitation's product: images times one factor per image and channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.pooling import global_avgpool_backward

__all__ = ["gate", "gate_backward", "gate_factors_gradient", "gate_input_gradient"]


def gate(x: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Multiply images by one factor per image and channel.

    ``y[b, p, q, c] = x[b, p, q, c] factors[b, c]``

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    factors : ndarray, the dtype of `x`, (batch, channels)

    Returns
    -------
    ndarray, the shape of `x`

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, factors = checks.gate_arguments(x, factors)
    return np.asarray(x * factors[:, None, None, :])


def gate_backward(
    grad_y: NDArray[Any], x: NDArray[Any], factors: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the gradients of `gate` with respect to `x` and `factors`.

    The second is a sum over positions, ``sum_{p, q} g[b, p, q, c] x[b, p, q, c]``.

    Parameters
    ----------
    grad_y : ndarray
        Gradient of the result of ``gate(x, factors)``, its shape and dtype.

    Raises
    ------
    TypeError, ValueError
        As `gate`; also if `grad_y` has not the shape and dtype of its result.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, factors = checks.gate_arguments(x, factors)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.asarray(grad_y * factors[:, None, None, :]), (grad_y * x).sum(axis=(1, 2))


def gate_factors_gradient(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return the second result of `gate_backward` alone; errors and class are its [S11.1]."""
    x, grad_y = checks.alike_images(x, grad_y)
    return np.asarray((grad_y * x).sum(axis=(1, 2)))


def gate_input_gradient(
    grad_y: NDArray[Any], factors: NDArray[Any], grad_means: NDArray[Any]
) -> NDArray[Any]:
    """Return the gradient with respect to `x` of ``gate(x, f(means))``, means those of `x`.

    Through the product, as `gate_backward`, and through the means over all positions, on which the
    factors depend: ``g[b, p, q, c] factors[b, c] + grad_means[b, c] / positions``.

    Parameters
    ----------
    grad_y : ndarray, float32 or float64, (batch, height, width, channels)
    factors, grad_means : ndarray, the dtype of `grad_y`, (batch, channels)
        The factors, and the gradient with respect to the means.

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    grad_y, factors, grad_means = checks.excitation_gradients(grad_y, factors, grad_means)
    through = global_avgpool_backward(grad_means, grad_y)
    return np.asarray(grad_y * factors[:, None, None, :] + through)
