"""Activations of straight pieces and a parabola, for small devices, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = [
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_swish",
    "hard_swish_backward",
    "hard_swish_backward_tangent",
    "relu6",
    "relu6_backward",
]


def relu6(x: NDArray[Any]) -> NDArray[Any]:
    """Return ``min(max(x, 0), 6)``; float32 or float64, any shape [S11.1]."""
    (x,) = checks.layer_arrays(x=x)
    return _clipped(x)


def relu6_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return ``grad_y`` where ``0 < x < 6``, else 0: at both kinks the derivative is 0 [S5.2]."""
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.where((x > 0) & (x < 6), grad_y, x.dtype.type(0))


def hard_sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """Return ``relu6(x + 3) / 6``; float32 or float64, any shape [S11.1]."""
    (x,) = checks.layer_arrays(x=x)
    return _gate(x)


def hard_sigmoid_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return ``grad_y / 6`` where ``-3 < x < 3``, else 0: 0 at both kinks [S5.2]."""
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.where(_between(x), grad_y / x.dtype.type(6), x.dtype.type(0))


def hard_swish(x: NDArray[Any]) -> NDArray[Any]:
    """Return ``x relu6(x + 3) / 6``; float32 or float64, any shape [S11.1]."""
    (x,) = checks.layer_arrays(x=x)
    return np.asarray(x * _gate(x))


def hard_swish_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return ``grad_y`` times the slope: ``x / 3 + 1 / 2`` in (-3, 3), 0 below and 1 above.

    At the kinks it is that of the straight piece, as in PyTorch: 0 at -3, and 1 at 3 [S5.2].
    """
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    return np.asarray(grad_y * _slope(x))


def hard_swish_backward_tangent(
    grad_y: NDArray[Any], grad_y_dot: NDArray[Any], x: NDArray[Any], x_dot: NDArray[Any]
) -> NDArray[Any]:
    """Return the tangent of `hard_swish_backward`: ``grad_y_dot slope + grad_y x_dot second``.

    The second derivative is 1/3 in (-3, 3) and 0 elsewhere, the kinks included, as in PyTorch
    [S5.2].

    Parameters
    ----------
    grad_y, grad_y_dot, x, x_dot : ndarray, float32 or float64, one shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes differ.
    """
    x, grad_y, grad_y_dot, x_dot = checks.alike_arrays(
        x=x, grad_y=grad_y, grad_y_dot=grad_y_dot, x_dot=x_dot
    )
    bent = np.where(_between(x), x_dot / x.dtype.type(3), x.dtype.type(0))
    return np.asarray(grad_y_dot * _slope(x) + grad_y * bent)


def _clipped(x: NDArray[Any]) -> NDArray[Any]:
    kind = x.dtype.type
    return np.asarray(np.minimum(np.maximum(x, kind(0)), kind(6)))


def _gate(x: NDArray[Any]) -> NDArray[Any]:
    kind = x.dtype.type
    return np.asarray(_clipped(x + kind(3)) / kind(6))


def _between(x: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((x > -3) & (x < 3))


def _slope(x: NDArray[Any]) -> NDArray[Any]:
    """Return the derivative of `hard_swish`."""
    kind = x.dtype.type
    straight = np.where(x < 3, kind(0), kind(1))
    return np.where(_between(x), x / kind(3) + kind(0.5), straight)
