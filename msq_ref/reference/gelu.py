"""The Gaussian error linear unit, its derivatives and their tangent [S11.1], [S5.2]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["gelu", "gelu_backward", "gelu_backward_tangent"]


def gelu(x: NDArray[Any]) -> NDArray[Any]:
    """Return ``x Phi(x)``, ``Phi(x) = (1 + erf(x / sqrt 2)) / 2``: the exact form, by erf.

    Parameters
    ----------
    x : ndarray, float32 or float64, any shape

    Returns
    -------
    ndarray, the shape of `x`

    Raises
    ------
    TypeError
        If the dtype is another.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    (x,) = checks.layer_arrays(x=x)
    return np.asarray(x * _cumulative(x))


def gelu_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return ``grad_y (Phi(x) + x phi(x))``, phi the standard normal density [S11.1].

    The same map takes a tangent of `x` to that of `gelu`.
    """
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.asarray(grad_y * (_cumulative(x) + x * _density(x)))


def gelu_backward_tangent(
    grad_y: NDArray[Any], grad_y_dot: NDArray[Any], x: NDArray[Any], x_dot: NDArray[Any]
) -> NDArray[Any]:
    """Return the tangent of `gelu_backward`, along those of `grad_y` and `x`.

    ``grad_y_dot (Phi(x) + x phi(x)) + grad_y x_dot phi(x) (2 - x^2)``

    Notes
    -----
    [S5.2], class ``tolerance``.
    """
    x, grad_y, grad_y_dot, x_dot = checks.alike_arrays(
        x=x, grad_y=grad_y, grad_y_dot=grad_y_dot, x_dot=x_dot
    )
    first = _cumulative(x) + x * _density(x)
    second = _density(x) * (2 - np.square(x))
    return np.asarray(grad_y_dot * first + grad_y * x_dot * second)


def _cumulative(x: NDArray[Any]) -> NDArray[Any]:
    from scipy.special import erf  # noqa: PLC0415  (importing msq_ref must not load SciPy)

    return np.asarray((1 + erf(x * x.dtype.type(np.sqrt(0.5)))) / 2)


def _density(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.exp(np.square(x) / -2) * x.dtype.type(1 / np.sqrt(2 * np.pi)))
