"""Twins of `msq_ref.reference.layernorm`: one pass over each row while it is in the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.rows import dot, total
from msq_ref.kernels.threads import cut, run_parts

__all__ = [
    "layernorm",
    "layernorm_backward",
    "layernorm_backward_tangent",
    "layernorm_tangent",
]

PART = 2**17
"""Elements of a part forward, half as many backward: 0.1 ms, waking a thread costs 0.03."""


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
    grad_x, parts = empty(x.shape, x.dtype), _parts(x, PART // 2)
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


def _parts(x: NDArray[Any], size: int) -> list[slice]:
    return [slice(*edges) for edges in cut(x.size // x.shape[-1], -(-size // x.shape[-1]))]


def _run(function: Callable[[slice], None], x: NDArray[Any]) -> None:
    parts = _parts(x, PART)
    run_parts(lambda index: function(parts[index]), len(parts))


@register_jitable(inline="always")
def centre(x: Any, eps: Any, h: Any) -> Any:
    """Write ``h = x - mean`` of a row and return the mean and ``r = 1 / sqrt(variance + eps)``."""
    count = x.dtype.type(x.size)
    mean = total(x) / count
    for j in range(x.size):
        h[j] = x[j] - mean
    return mean, x.dtype.type(1) / np.sqrt(dot(h, h) / count + x.dtype.type(eps))


@register_jitable(inline="always")
def _normalize(x: Any, eps: Any, h: Any) -> Any:
    """Write ``h = (x - mean) r`` of a row and return r."""
    _, r = centre(x, eps, h)
    for j in range(x.size):
        h[j] *= r
    return r


@register_jitable(inline="always")
def means(u: Any, h: Any) -> Any:
    """Return ``mean(u)`` and ``mean(h u)``, of which ``P(u) = u - mean(u) - h mean(h u)``."""
    count = u.dtype.type(u.size)
    return total(u) / count, dot(h, u) / count


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(x: Any, gamma: Any, beta: Any, eps: Any, y: Any) -> None:
    h = np.empty_like(gamma)
    for i in range(x.shape[0]):
        _normalize(x[i], eps, h)
        for j in range(h.size):
            y[i, j] = gamma[j] * h[j] + beta[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _backward(
    grad: Any, x: Any, grad_x: Any, gamma: Any, eps: Any, grad_gamma: Any, grad_beta: Any
) -> None:
    h, u = np.empty_like(gamma), np.empty_like(gamma)
    for i in range(x.shape[0]):
        r = _normalize(x[i], eps, h)
        for j in range(h.size):
            u[j] = gamma[j] * grad[i, j]
            grad_gamma[j] += grad[i, j] * h[j]
            grad_beta[j] += grad[i, j]
        mean, along = means(u, h)
        for j in range(h.size):
            grad_x[i, j] = r * (u[j] - mean - h[j] * along)


@njit(cache=True, nogil=True, error_model="numpy")
def _tangent(x_dot: Any, x: Any, gamma: Any, eps: Any, y_dot: Any) -> None:
    h = np.empty_like(gamma)
    for i in range(x.shape[0]):
        r = _normalize(x[i], eps, h)
        mean, along = means(x_dot[i], h)
        for j in range(h.size):
            y_dot[i, j] = gamma[j] * (r * (x_dot[i, j] - mean - h[j] * along))


@njit(cache=True, nogil=True, error_model="numpy")
def _backward_tangent(
    grad: Any, grad_dot: Any, x: Any, x_dot: Any, grad_x_dot: Any, gamma: Any, eps: Any
) -> None:
    h, h_dot = np.empty_like(gamma), np.empty_like(gamma)
    u, v = np.empty_like(gamma), np.empty_like(gamma)
    count = gamma.dtype.type(gamma.size)
    for i in range(x.shape[0]):
        r = _normalize(x[i], eps, h)
        mean, shrinking = means(x_dot[i], h)  # r_dot = -r^2 mean(h x_dot)
        for j in range(h.size):
            h_dot[j] = r * (x_dot[i, j] - mean - h[j] * shrinking)
            u[j] = gamma[j] * grad[i, j]
            v[j] = gamma[j] * grad_dot[i, j]
        (u_mean, u_along), (v_mean, v_along) = means(u, h), means(v, h)
        turning = dot(h_dot, u) / count
        for j in range(h.size):
            through_h = h_dot[j] * u_along + h[j] * turning
            through_r = r * shrinking * (u[j] - u_mean - h[j] * u_along)
            grad_x_dot[i, j] = r * (v[j] - v_mean - h[j] * v_along - through_h - through_r)
