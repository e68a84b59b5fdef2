"""Twins of `msq_ref.reference.hard`: one pass over the numbers each, the same operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.joined import HARD_SWISH, activated, through
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts

__all__ = [
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_swish",
    "hard_swish_backward",
    "hard_swish_backward_tangent",
    "relu6",
    "relu6_backward",
]

PART = 2**19
"""Values of a part: some 70 microseconds; waking a thread may cost as much."""


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
    arrays = checks.alike_arrays(x=x, grad_y=grad_y, grad_y_dot=grad_y_dot, x_dot=x_dot)
    return _run(_hard_swish_backward_tangent, *arrays)


def _pass(kernel: Callable[..., None], x: NDArray[Any], *grad: NDArray[Any]) -> NDArray[Any]:
    (x,) = checks.layer_arrays(x=x)
    return _run(kernel, x, *(checks.layer_gradient(value, x.shape, x) for value in grad))


def _run(kernel: Callable[..., None], x: NDArray[Any], *others: NDArray[Any]) -> NDArray[Any]:
    y = empty(x.shape, x.dtype)
    kind = x.dtype.type
    constants = kind(0), kind(3), kind(6)
    flat = [array.reshape(-1) for array in (x, *others, y)]
    parts = cut(x.size, PART)
    run_parts(lambda part: kernel(*parts[part], *constants, *flat), len(parts))
    return y


# Constants come in the dtype of the arrays: a literal would make float32 float64. Parts are taken
# as slices, so that indices start at 0 and are known not to be negative, and values are chosen
# between rather than branched on: both let vector instructions do the work.


@njit(cache=True, nogil=True, error_model="numpy")
def _relu6(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        v = zero if x[i] < zero else x[i]  # NaN goes through
        y[i] = six if v > six else v


@njit(cache=True, nogil=True, error_model="numpy")
def _relu6_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    x, y = x[first:last], y[first:last]
    grad = grad[first:last]
    for i in range(x.size):
        y[i] = grad[i] if (x[i] > zero) & (x[i] < six) else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_sigmoid(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        v = x[i] + three
        v = zero if v < zero else v
        y[i] = (six if v > six else v) / six


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_sigmoid_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    x, y = x[first:last], y[first:last]
    grad = grad[first:last]
    for i in range(x.size):
        share = grad[i] / six
        y[i] = share if (x[i] > -three) & (x[i] < three) else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish(first: int, last: int, zero: Any, three: Any, six: Any, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = activated(HARD_SWISH, x[i], zero, three, six)


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish_backward(
    first: int, last: int, zero: Any, three: Any, six: Any, x: Any, grad: Any, y: Any
) -> None:
    x, y = x[first:last], y[first:last]
    grad = grad[first:last]
    for i in range(x.size):
        y[i] = through(HARD_SWISH, grad[i], x[i], zero, three, six)


@njit(cache=True, nogil=True, error_model="numpy")
def _hard_swish_backward_tangent(
    first: int, last: int, zero: Any, three: Any, six: Any,
    x: Any, grad: Any, grad_dot: Any, x_dot: Any, y: Any,
) -> None:  # fmt: skip
    half, one = three / six, six / six
    x, y = x[first:last], y[first:last]
    grad, grad_dot = grad[first:last], grad_dot[first:last]
    x_dot = x_dot[first:last]
    for i in range(x.size):
        between = (x[i] > -three) & (x[i] < three)
        bent, straight = x[i] / three + half, zero if x[i] < three else one
        turn = x_dot[i] / three
        y[i] = grad_dot[i] * (bent if between else straight) + grad[i] * (turn if between else zero)
