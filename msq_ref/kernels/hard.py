"""Twins of `msq_ref.reference.hard`: one pass over the numbers each, the same operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

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
    """Twin of `msq_ref.reference.relu6`, equal to it [S11.1]."""
    return _pass(_relu6, x)


def relu6_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.relu6_backward`, equal to it [S11.1]."""
    return _pass(_relu6_backward, x, grad_y)


def hard_sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.hard_sigmoid`, equal to it [S11.1]."""
    return _pass(_hard_sigmoid, x)


def hard_sigmoid_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.hard_sigmoid_backward`, equal to it [S11.1]."""
    return _pass(_hard_sigmoid_backward, x, grad_y)


def hard_swish(x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.hard_swish`, equal to it [S11.1]."""
    return _pass(_hard_swish, x)


def hard_swish_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.hard_swish_backward`, equal to it [S11.1]."""
    return _pass(_hard_swish_backward, x, grad_y)


def hard_swish_backward_tangent(
    grad_y: NDArray[Any], grad_y_dot: NDArray[Any], x: NDArray[Any], x_dot: NDArray[Any]
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.hard_swish_backward_tangent`, equal to it [S5.2]."""
    arrays = checks.layer_arrays(x=x, grad_y=grad_y, grad_y_dot=grad_y_dot, x_dot=x_dot)
    for name, array in zip(("grad_y", "grad_y_dot", "x_dot"), arrays[1:], strict=True):
        checks.same_shape(name, array.shape, arrays[0].shape)
    return _run(_hard_swish_backward_tangent, *arrays)


def _pass(kernel: Callable[..., None], x: NDArray[Any], *grad: NDArray[Any]) -> NDArray[Any]:
    (x,) = checks.layer_arrays(x=x)
    return _run(kernel, x, *(checks.layer_gradient(value, x.shape, x) for value in grad))


def _run(kernel: Callable[..., None], x: NDArray[Any], *others: NDArray[Any]) -> NDArray[Any]:
    y = np.empty(x.shape, x.dtype)
    kind = x.dtype.type
    constants = kind(0), kind(3), kind(6)
    run_chunks(kernel, x.size, *constants, x.ravel(), *(a.ravel() for a in others), y.ravel())
    return y


# Constants come in the dtype of the arrays: a literal would make float32 float64.


@njit(cache=True, nogil=True, error_model="numpy")
def _relu6(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        v = x[i]
        v = zero if v < zero else v  # NaN goes through
        y[i] = six if v > six else v


@njit(cache=True, nogil=True, error_model="numpy")
def _relu6_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        y[i] = grad[i] if zero < x[i] < six else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_sigmoid(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        v = x[i] + three
        v = zero if v < zero else v
        y[i] = (six if v > six else v) / six


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_sigmoid_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        y[i] = grad[i] / six if -three < x[i] < three else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        v = x[i] + three
        v = zero if v < zero else v
        y[i] = x[i] * ((six if v > six else v) / six)


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    half, one = three / six, six / six
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        slope = zero if x[i] < three else one
        if -three < x[i] < three:
            slope = x[i] / three + half
        y[i] = grad[i] * slope


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish_backward_tangent(
    first: int, last: int, zero: Any, three: Any, six: Any,
    x: Any, grad: Any, grad_dot: Any, x_dot: Any, y: Any,
) -> None:  # fmt: skip
    half, one = three / six, six / six
    for i in range(first * CHUNK, min(last * CHUNK, x.size)):
        slope, bent = zero if x[i] < three else one, zero
        if -three < x[i] < three:
            slope, bent = x[i] / three + half, x_dot[i] / three
        y[i] = grad_dot[i] * slope + grad[i] * bent
