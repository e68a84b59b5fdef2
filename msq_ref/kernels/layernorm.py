"""Twins of `msq_ref.reference.layernorm`: one pass over each row while it is in the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts

__all__ = [
    "layernorm",
    "layernorm_backward",
    "layernorm_backward_tangent",
    "layernorm_tangent",
]

PART = 2**17
"""Elements of a part: some tenths of a millisecond."""

# Sums of a row in any order, so that they become vector code; in float64, so that it is enough.
_compiled = njit(cache=True, nogil=True, fastmath={"reassoc"})


def layernorm(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.layernorm`, within its class [S11.1]."""
    eps, (x, gamma, beta) = checks.feature_arrays(eps, x, like_x={}, gamma=gamma, beta=beta)
    y = empty(x.shape, x.dtype)
    _run(lambda part: _forward(_rows(x)[part], gamma, beta, eps, _rows(y)[part]), x)
    return y


def layernorm_backward(
    grad_y: NDArray[Any], x: NDArray[Any], gamma: NDArray[Any], eps: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.layernorm_backward`, within its class [S11.1]."""
    eps, (x, grad_y, gamma) = checks.feature_arrays(
        eps, x, like_x={"grad_y": grad_y}, gamma=gamma
    )
    grad_x, parts = empty(x.shape, x.dtype), _parts(x)
    sums = np.zeros((len(parts), 2, x.shape[-1]))

    def run(index: int) -> None:
        arrays = (_rows(array)[parts[index]] for array in (grad_y, x, grad_x))
        _backward(*arrays, gamma, eps, *sums[index])

    run_parts(run, len(parts))
    # Parts are added in their order, whoever was done first.
    grad_gamma, grad_beta = functools.reduce(np.add, sums)
    return grad_x, grad_gamma.astype(x.dtype), grad_beta.astype(x.dtype)


def layernorm_tangent(
    x_dot: NDArray[Any], x: NDArray[Any], gamma: NDArray[Any], eps: float
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.layernorm_tangent`, within its class [S5.2]."""
    eps, (x, x_dot, gamma) = checks.feature_arrays(eps, x, like_x={"x_dot": x_dot}, gamma=gamma)
    y_dot = empty(x.shape, x.dtype)
    _run(lambda part: _tangent(_rows(x_dot)[part], _rows(x)[part], gamma, eps, _rows(y_dot)[part]),
         x)  # fmt: skip
    return y_dot


def layernorm_backward_tangent(
    grad_y: NDArray[Any],
    grad_y_dot: NDArray[Any],
    x: NDArray[Any],
    x_dot: NDArray[Any],
    gamma: NDArray[Any],
    eps: float,
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.layernorm_backward_tangent`, within its class [S5.2]."""
    eps, (x, grad_y, grad_y_dot, x_dot, gamma) = checks.feature_arrays(
        eps, x, like_x={"grad_y": grad_y, "grad_y_dot": grad_y_dot, "x_dot": x_dot}, gamma=gamma
    )
    grad_x_dot = empty(x.shape, x.dtype)
    rows = [_rows(array) for array in (grad_y, grad_y_dot, x, x_dot, grad_x_dot)]
    _run(lambda part: _backward_tangent(*(array[part] for array in rows), gamma, eps), x)
    return grad_x_dot


def _rows(x: NDArray[Any]) -> NDArray[Any]:
    return x.reshape(x.size // x.shape[-1], x.shape[-1])


def _parts(x: NDArray[Any]) -> list[slice]:
    return [slice(*edges) for edges in cut(x.size // x.shape[-1], -(-PART // x.shape[-1]))]


def _run(function: Callable[[slice], None], x: NDArray[Any]) -> None:
    parts = _parts(x)
    run_parts(lambda index: function(parts[index]), len(parts))


@_compiled
def _statistics(x: Any, eps: float) -> Any:
    total = 0.0
    for j in range(x.size):
        total += x[j]
    mean = total / x.size
    squares = 0.0
    for j in range(x.size):
        squares += (x[j] - mean) ** 2
    return mean, 1 / np.sqrt(squares / x.size + eps)


@_compiled
def _forward(x: Any, gamma: Any, beta: Any, eps: float, y: Any) -> None:
    for i in range(x.shape[0]):
        mean, r = _statistics(x[i], eps)
        for j in range(x.shape[1]):
            y[i, j] = gamma[j] * ((x[i, j] - mean) * r) + beta[j]


@_compiled
def _backward(
    grad: Any, x: Any, grad_x: Any, gamma: Any, eps: float, grad_gamma: Any, grad_beta: Any
) -> None:
    count = x.shape[1]
    for i in range(x.shape[0]):
        mean, r = _statistics(x[i], eps)
        u_sum, hu_sum = 0.0, 0.0
        for j in range(count):
            h = (x[i, j] - mean) * r
            g = np.float64(grad[i, j])
            grad_gamma[j] += g * h
            grad_beta[j] += g
            u_sum += g * gamma[j]
            hu_sum += g * gamma[j] * h
        u_sum, hu_sum = u_sum / count, hu_sum / count
        for j in range(count):
            h = (x[i, j] - mean) * r
            grad_x[i, j] = r * (np.float64(gamma[j]) * grad[i, j] - u_sum - h * hu_sum)


@_compiled
def _tangent(x_dot: Any, x: Any, gamma: Any, eps: float, y_dot: Any) -> None:
    count = x.shape[1]
    for i in range(x.shape[0]):
        mean, r = _statistics(x[i], eps)
        d_sum, hd_sum = 0.0, 0.0
        for j in range(count):
            d_sum += x_dot[i, j]
            hd_sum += x_dot[i, j] * ((x[i, j] - mean) * r)
        d_sum, hd_sum = d_sum / count, hd_sum / count
        for j in range(count):
            h = (x[i, j] - mean) * r
            y_dot[i, j] = gamma[j] * (r * (x_dot[i, j] - d_sum - h * hd_sum))


@_compiled
def _backward_tangent(
    grad: Any, grad_dot: Any, x: Any, x_dot: Any, grad_x_dot: Any, gamma: Any, eps: float
) -> None:
    count = x.shape[1]
    for i in range(x.shape[0]):
        mean, r = _statistics(x[i], eps)
        d, hd, u, hu, v, hv, du = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(count):
            h = (x[i, j] - mean) * r
            u_j, v_j = np.float64(gamma[j]) * grad[i, j], np.float64(gamma[j]) * grad_dot[i, j]
            d += x_dot[i, j]
            hd += h * x_dot[i, j]
            u += u_j
            hu += h * u_j
            v += v_j
            hv += h * v_j
            du += x_dot[i, j] * u_j
        d, hd, u, hu = d / count, hd / count, u / count, hu / count
        v, hv, du = v / count, hv / count, du / count
        # mean(h_dot u) with h_dot = r (x_dot - d - h hd), from the means above.
        h_dot_u = r * (du - d * u - hd * hu)
        for j in range(count):
            h = (x[i, j] - mean) * r
            h_dot = r * (x_dot[i, j] - d - h * hd)
            u_j, v_j = np.float64(gamma[j]) * grad[i, j], np.float64(gamma[j]) * grad_dot[i, j]
            through_r = r * hd * (u_j - u - h * hu)
            grad_x_dot[i, j] = r * (v_j - v - h * hv - h_dot * hu - h * h_dot_u - through_r)
