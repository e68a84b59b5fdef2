"""The linear layer's product and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["linear", "linear_backward"]


def linear(x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Return ``x @ w``.

    Parameters
    ----------
    x : ndarray, float32 or float64, (..., K)
    w : ndarray, the dtype of `x`, (K, M)

    Returns
    -------
    ndarray, (..., M)

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, w = checks.layer_arrays(x=x, w=w)
    checks.product_shapes(x.shape, w.shape)
    return np.asarray(x @ w)


def linear_backward(
    grad_y: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the gradients of `linear`: ``dL/dx = grad_y w'`` and ``dL/dw = x' grad_y``.

    Parameters
    ----------
    grad_y : ndarray, (..., M)

    Raises
    ------
    TypeError, ValueError
        As `linear`.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, w = checks.layer_arrays(x=x, w=w)
    checks.product_shapes(x.shape, w.shape)
    grad_y = checks.layer_gradient(grad_y, (*x.shape[:-1], w.shape[1]), x)
    rows = math.prod(x.shape[:-1])
    flat_x, flat_grad = x.reshape(rows, w.shape[0]), grad_y.reshape(rows, w.shape[1])
    return np.asarray(grad_y @ w.T), flat_x.T @ flat_grad
