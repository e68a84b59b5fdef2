"""Twins of `msq_ref.reference.gelu`: error function and density in one pass."""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import run_chunks
from msq_ref.kernels.vector_math import erf, exp
from msq_ref.reference.sums import CHUNK

__all__ = ["gelu", "gelu_backward", "gelu_backward_tangent"]


def gelu(x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gelu`, within its class [S11.1]."""
    (x,) = checks.layer_arrays(x=x)
    y = empty(x.shape, x.dtype)
    run_chunks(_forward, x.size, constants_of(x), x.ravel(), y.ravel())
    return y


def gelu_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gelu_backward`, within its class [S11.1]."""
    (x,) = checks.layer_arrays(x=x)
    grad_y = checks.layer_gradient(grad_y, x.shape, x)
    grad_x = empty(x.shape, x.dtype)
    run_chunks(_backward, x.size, constants_of(x), grad_y.ravel(), x.ravel(), grad_x.ravel())
    return grad_x


def gelu_backward_tangent(
    grad_y: NDArray[Any], grad_y_dot: NDArray[Any], x: NDArray[Any], x_dot: NDArray[Any]
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.gelu_backward_tangent`, within its class [S5.2]."""
    arrays = checks.alike_arrays(x=x, grad_y=grad_y, grad_y_dot=grad_y_dot, x_dot=x_dot)
    grad_x_dot = empty(arrays[0].shape, arrays[0].dtype)
    flat = [array.ravel() for array in (*arrays, grad_x_dot)]
    run_chunks(_backward_tangent, grad_x_dot.size, constants_of(grad_x_dot), *flat)
    return grad_x_dot


def constants_of(x: NDArray[Any]) -> tuple[Any, ...]:
    """Return 1/2, the root of 1/2 and the density at 0 in the dtype of `x`, for speed."""
    kind = x.dtype.type
    return kind(0.5), kind(math.sqrt(0.5)), kind(1 / math.sqrt(2 * math.pi))


# Slices of a chunk, counted from 0, so that the loops become vector code.


@njit(cache=True, nogil=True)
def _forward(first: int, last: int, constants: Any, x: Any, y: Any) -> None:
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size))
        values, results = x[part], y[part]
        for i in range(values.size):
            results[i] = values[i] * cumulative(values[i], constants)


@njit(cache=True, nogil=True)
def _backward(first: int, last: int, constants: Any, grad: Any, x: Any, grad_x: Any) -> None:
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size))
        gradients, values, results = grad[part], x[part], grad_x[part]
        for i in range(values.size):
            v = values[i]
            results[i] = gradients[i] * slope(v, cumulative(v, constants), constants)


@njit(cache=True, nogil=True)
def _backward_tangent(
    first: int, last: int, constants: Any, x: Any, grad: Any, grad_dot: Any, x_dot: Any,
    grad_x_dot: Any,
) -> None:  # fmt: skip
    half, _, _ = constants
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size))
        values, dots, results = x[part], x_dot[part], grad_x_dot[part]
        gradients, gradient_dots = grad[part], grad_dot[part]
        for i in range(values.size):
            v = values[i]
            height = density(v, constants)
            first_order = cumulative(v, constants) + v * height
            second_order = height * (1 / half - v * v)
            results[i] = gradient_dots[i] * first_order + gradients[i] * dots[i] * second_order


@register_jitable(inline="always")
def cumulative(v: Any, constants: Any) -> Any:
    """Return ``Phi(v) = (1 + erf(v / sqrt 2)) / 2``."""
    half, root, _ = constants
    return half + half * erf(v * root)


@register_jitable(inline="always")
def density(v: Any, constants: Any) -> Any:
    """Return ``phi(v) = exp(-v^2 / 2) / sqrt(2 pi)``."""
    half, _, top = constants
    return top * exp(-half * v * v)


@register_jitable(inline="always")
def slope(v: Any, share: Any, constants: Any) -> Any:
    """Return the derivative of GELU, ``Phi(v) + v phi(v)``, from ``Phi(v)``."""
    return share + v * density(v, constants)
