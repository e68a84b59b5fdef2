"""``x + proj(attend(qkv(norm(x))))`` of a transformer block and its gradients, image by image.

Slices of a few images stay in the cache from the normalization to the sum.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from msq_ref.kernels.branch_parts import Gradients, parts_of, slices_of
from msq_ref.kernels.dense import add_gradients, pack, product
from msq_ref.kernels.heads import attend, attend_backward
from msq_ref.kernels.memory import empty, scratch
from msq_ref.kernels.residual import add_bias, add_residual, normalize, normalize_backward
from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles.support import tile

__all__ = ["attention_branch", "attention_branch_backward"]

Pair = tuple[NDArray[Any], NDArray[Any]]


def attention_branch(
    x: NDArray[Any], norm: Pair, qkv: Pair, proj: Pair, heads: int, scale: float, eps: float
) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    """Return ``x + proj(attention(qkv(layernorm(x))))``, the composition of the definitions.

    Parameters
    ----------
    x : ndarray, (batch, tokens, features)
        Served by tiles: see `branch_suits`.
    norm, qkv, proj : (ndarray, ndarray)
        Gamma and beta of the normalization; weights, (inputs, outputs), and biases.
    heads : int
    scale : float
        Of the scores.
    eps : float
        Of the normalization.

    Returns
    -------
    (ndarray, tuple of ndarray)
        The sum, and what `attention_branch_backward` needs: x, what the normalization returned,
        its moments, queries to values, probabilities, and what attention returned.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    batch, tokens, features = x.shape
    shape, width = tile(), _width(x)
    y, n, z = (empty(x.shape, x.dtype) for _ in range(3))
    moments = empty((batch, tokens, 2), x.dtype)
    values = empty((batch, tokens, 3 * features), x.dtype)
    p = empty((batch, heads, tokens, width), x.dtype)
    by_image, parts = (x, n, moments, values, p, z, y), parts_of(batch)
    weights = *norm, x.dtype.type(eps), pack(qkv[0]), qkv[1], pack(proj[0]), proj[1]

    def run(part: int) -> None:
        turned = scratch("turned", (features // heads, width), x.dtype)
        for s in slices_of(parts[part], tokens):
            arrays = (array[s] for array in by_image)
            _forward(shape, *arrays, *weights, x.dtype.type(scale), turned)

    run_parts(run, len(parts))
    return y, (x, n, moments, values, p, z)


def attention_branch_backward(
    grad_y: NDArray[Any], kept: tuple[NDArray[Any], ...], norm: Pair, qkv: Pair, proj: Pair,
    scale: float,
) -> tuple[NDArray[Any], list[NDArray[Any]]]:  # fmt: skip
    """Return dL/dx, and the gradients of gamma, beta, and weight and bias of both layers.

    Parameters
    ----------
    grad_y : ndarray, C-contiguous, the shape of x
    kept
        What `attention_branch` returned.
    scale : float
    """
    x, p = kept[0], kept[4]
    batch, tokens, features = x.shape
    heads, width = p.shape[1], p.shape[3]
    grad_x, parts = empty(x.shape, x.dtype), parts_of(batch)
    gradients = Gradients(len(parts), *norm, *qkv, *proj)
    by_image, weights = (grad_y, *kept, grad_x), (norm[0], pack(qkv[0].T), pack(proj[0].T))
    shape = tile()

    def run(part: int) -> None:
        own = gradients.of(part)
        turned = scratch("turned", (features // heads, width), x.dtype)
        grad_p = scratch("probabilities", (tokens, width), x.dtype)
        for s in slices_of(parts[part], tokens):
            images, arrays = s.stop - s.start, (array[s] for array in by_image)
            grad_z = scratch("attended", (images, tokens, features), x.dtype)
            room = scratch("qkv", (images, tokens, 3 * features), x.dtype)
            rooms = turned, grad_p, grad_z, room
            _backward(shape, *arrays, *weights, x.dtype.type(scale), *rooms, *own)

    run_parts(run, len(parts))
    return grad_x, gradients.total()


def _width(x: NDArray[Any]) -> int:
    """Return the length of a row of probabilities: the tokens, filled up to whole blocks."""
    lanes = 64 // x.itemsize
    return -(-x.shape[1] // lanes) * lanes


@njit(cache=True, nogil=True)
def _rows(x: Any) -> Any:
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])


@njit(cache=True, nogil=True)
def _forward(
    tile: Any, x: Any, n: Any, moments: Any, values: Any, p: Any, z: Any, y: Any,
    gamma: Any, beta: Any, eps: Any, qkv: Any, qkv_bias: Any, proj: Any, proj_bias: Any,
    scale: Any, turned: Any,
) -> None:  # fmt: skip
    normalize(_rows(x), gamma, beta, eps, _rows(n), _rows(moments))
    product(tile, _rows(n), qkv, _rows(values))
    add_bias(_rows(values), qkv_bias)
    for image in range(x.shape[0]):
        attend(tile, values[image], scale, turned, p[image], z[image])
    product(tile, _rows(z), proj, _rows(y))
    add_residual(_rows(y), proj_bias, _rows(x))


@njit(cache=True, nogil=True)
def _backward(
    tile: Any, grad: Any, x: Any, n: Any, moments: Any, values: Any, p: Any, z: Any, grad_x: Any,
    gamma: Any, qkv: Any, proj: Any, scale: Any, turned: Any, grad_p: Any, grad_z: Any,
    grad_values: Any, grad_gamma: Any, grad_beta: Any, grad_qkv: Any, grad_qkv_bias: Any,
    grad_proj: Any, grad_proj_bias: Any,
) -> None:  # fmt: skip
    add_gradients(tile, _rows(grad), _rows(z), grad_proj, grad_proj_bias)
    product(tile, _rows(grad), proj, _rows(grad_z))
    for image in range(x.shape[0]):
        attend_backward(
            tile, grad_z[image], values[image], p[image], scale, turned, grad_p, grad_values[image]
        )
    add_gradients(tile, _rows(grad_values), _rows(n), grad_qkv, grad_qkv_bias)
    product(tile, _rows(grad_values), qkv, _rows(grad_x))
    normalize_backward(
        _rows(grad_x), _rows(grad), _rows(x), gamma, _rows(moments), grad_gamma, grad_beta
    )
