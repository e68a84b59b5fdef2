"""``x + mlp(norm(x))`` of a transformer block and its gradients, slices of rows in the cache."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.branch_parts import ROWS, Gradients, parts_of, slices_of
from msq_ref.kernels.dense import add_gradients, pack, product
from msq_ref.kernels.gelu import constants_of
from msq_ref.kernels.memory import empty, scratch
from msq_ref.kernels.residual import (
    add_residual,
    gelu_and_slope,
    multiply_by,
    normalize,
    normalize_backward,
)
from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles.support import tile

__all__ = ["mlp_branch", "mlp_branch_backward"]

Pair = tuple[NDArray[Any], NDArray[Any]]


def mlp_branch(
    x: NDArray[Any], norm: Pair, fc1: Pair, fc2: Pair, eps: float
) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    """Return ``x + fc2(gelu(fc1(layernorm(x))))``, the composition of the definitions [S11.1].

    Parameters
    ----------
    x : ndarray, (batch, ..., features)
        Served by tiles: see `branch_suits`.
    norm, fc1, fc2 : (ndarray, ndarray)
        Gamma and beta of the normalization; weights, (inputs, outputs), and biases.
    eps : float
        Of the normalization.

    Returns
    -------
    (ndarray, tuple of ndarray)
        The sum, and what `mlp_branch_backward` needs: x, what the normalization returned, its
        moments, the derivative of GELU and its value.
    """
    (rows, features), hidden = (x.size // x.shape[-1], x.shape[-1]), fc1[0].shape[1]
    y, n = empty(x.shape, x.dtype), empty((rows, features), x.dtype)
    moments = empty((rows, 2), x.dtype)
    slope, a = empty((rows, hidden), x.dtype), empty((rows, hidden), x.dtype)
    by_row = x.reshape(rows, features), n, moments, slope, a, y.reshape(rows, features)
    weights = *norm, x.dtype.type(eps), pack(fc1[0]), fc1[1], pack(fc2[0]), fc2[1]
    parts, shape, constants = parts_of(rows // ROWS), tile(), constants_of(x)

    def run(part: int) -> None:
        for s in _slices(parts[part], rows):
            _forward(shape, *(array[s] for array in by_row), *weights, constants)

    run_parts(run, len(parts))
    return y, (x, n, moments, slope, a)


def mlp_branch_backward(
    grad_y: NDArray[Any], kept: tuple[NDArray[Any], ...], norm: Pair, fc1: Pair, fc2: Pair
) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Return dL/dx, and the gradients of gamma, beta, and weight and bias of both layers.

    Parameters
    ----------
    grad_y : ndarray, C-contiguous, the shape of x
    kept
        What `mlp_branch` returned.
    """
    x, *others = kept
    rows, hidden = others[-1].shape
    flat = rows, x.shape[-1]
    grad_x, sums = empty(x.shape, x.dtype), parts_of(rows // ROWS)
    by_row = grad_y.reshape(flat), x.reshape(flat), *others, grad_x.reshape(flat)
    gradients = Gradients(len(sums), *norm, *fc1, *fc2)
    weights, shape = (norm[0], pack(fc1[0].T), pack(fc2[0].T)), tile()

    def run(part: int) -> None:
        own = gradients.of(part)
        for s in _slices(sums[part], rows):
            room = scratch("hidden", (s.stop - s.start, hidden), x.dtype)
            _backward(shape, *(array[s] for array in by_row), *weights, room, *own)

    run_parts(run, len(sums))
    return grad_x, gradients.total()


def _slices(part: tuple[int, int], rows: int) -> list[slice]:
    """Return slices of rows of a part of units; the last of all has what fills no unit."""
    slices = [slice(s.start * ROWS, s.stop * ROWS) for s in slices_of(part, ROWS)]
    if part[1] == rows // ROWS:
        slices[-1] = slice(slices[-1].start, rows)
    return slices


@njit(cache=True, nogil=True)
def _forward(
    tile: Any, x: Any, n: Any, moments: Any, slope: Any, a: Any, y: Any,
    gamma: Any, beta: Any, eps: Any, fc1: Any, bias1: Any, fc2: Any, bias2: Any, constants: Any,
) -> None:  # fmt: skip
    normalize(x, gamma, beta, eps, n, moments)
    product(tile, n, fc1, slope)
    gelu_and_slope(slope, bias1, constants, a)
    product(tile, a, fc2, y)
    add_residual(y, bias2, x)


@njit(cache=True, nogil=True)
def _backward(
    tile: Any, grad: Any, x: Any, n: Any, moments: Any, slope: Any, a: Any, grad_x: Any,
    gamma: Any, fc1: Any, fc2: Any, grad_h: Any,
    grad_gamma: Any, grad_beta: Any, grad_fc1: Any, grad_b1: Any, grad_fc2: Any, grad_b2: Any,
) -> None:  # fmt: skip
    add_gradients(tile, grad, a, grad_fc2, grad_b2)
    product(tile, grad, fc2, grad_h)
    multiply_by(grad_h, slope)
    add_gradients(tile, grad_h, n, grad_fc1, grad_b1)
    product(tile, grad_h, fc1, grad_x)
    normalize_backward(grad_x, grad, x, gamma, moments, grad_gamma, grad_beta)
