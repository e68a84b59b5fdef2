"""Twins of `msq_ref.reference.pooling`: one pass over the images; parts are images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.memory import empty
from msq_ref.kernels.threads import cut, run_parts
from msq_ref.shapes import Windows

__all__ = [
    "avgpool2d",
    "avgpool2d_backward",
    "global_avgpool",
    "global_avgpool_backward",
    "maxpool2d",
    "maxpool2d_backward",
    "maxpool2d_take",
]

PART = 2**15
"""Values of a part: some 20 microseconds."""

GLOBAL_PART = 2**18
"""Values of a part where all positions are one window: some 70 microseconds."""


def avgpool2d(x: NDArray[Any], size: int, stride: int) -> NDArray[Any]:
    """Twin of `msq_ref.reference.avgpool2d`, within its class."""
    x, windows = checks.pool_arguments(x, size, stride)
    y = empty(windows.over(x.shape), x.dtype)
    _over_images(_average, x, x, y, size, stride)
    return y


def avgpool2d_backward(
    grad_y: NDArray[Any], x: NDArray[Any], size: int, stride: int
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.avgpool2d_backward`, within its class."""
    x, windows = checks.pool_arguments(x, size, stride)
    grad_y = checks.layer_gradient(grad_y, windows.over(x.shape), x)
    grad_x = empty(x.shape, x.dtype)
    _over_images(_spread, x, grad_y, grad_x, size, stride)
    return grad_x


def maxpool2d(
    x: NDArray[Any], size: int, stride: int, padding: int = 0
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Twin of `msq_ref.reference.maxpool2d`, bit-identical [S5.2]."""
    x, windows = checks.pool_arguments(x, size, stride, padding)
    y, where = empty(windows.over(x.shape), x.dtype), empty(windows.over(x.shape), np.int64)
    _over_images(_maximum, x, x, y, where, size, stride, padding)
    return y, where


def maxpool2d_take(
    x: NDArray[Any], where: NDArray[np.int64], size: int, stride: int, padding: int = 0
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.maxpool2d_take`, bit-identical [S5.2]."""
    x, windows = checks.pool_arguments(x, size, stride, padding)
    where = _taken(where, windows, x, size)
    y = empty(where.shape, x.dtype)
    _over_images(_take, x, x, where, y, size, stride, padding)
    return y


def maxpool2d_backward(
    grad_y: NDArray[Any],
    where: NDArray[np.int64],
    x: NDArray[Any],
    size: int,
    stride: int,
    padding: int = 0,
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.maxpool2d_backward`, within its class [S5.2]."""
    x, windows = checks.pool_arguments(x, size, stride, padding)
    grad_y = checks.layer_gradient(grad_y, windows.over(x.shape), x)
    where = _taken(where, windows, x, size)
    grad_x = empty(x.shape, x.dtype)
    _over_images(_route, x, grad_y, where, grad_x, size, stride, padding)
    return grad_x


def global_avgpool(x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.global_avgpool`, within its class; sums in float64."""
    x, _ = checks.pool_arguments(x, 1, 1)
    y = empty((len(x), x.shape[3]), x.dtype)
    _over_images(_mean, x, _positions(x), y, part=GLOBAL_PART)
    return y


def global_avgpool_backward(grad_y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.global_avgpool_backward`, bit-identical."""
    x, _ = checks.pool_arguments(x, 1, 1)
    grad_y = checks.layer_gradient(grad_y, (x.shape[0], x.shape[3]), x)
    grad_x = empty(x.shape, x.dtype)
    share = grad_y / x.dtype.type(x.shape[1] * x.shape[2])
    _over_images(_share, x, share, _positions(grad_x), part=GLOBAL_PART)
    return grad_x


def _positions(x: NDArray[Any]) -> NDArray[Any]:
    """Return a view with all positions in one axis."""
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])


def _over_images(
    kernel: Callable[..., None], x: NDArray[Any], *arguments: Any, part: int = PART
) -> None:
    images = cut(len(x), -(-part // max(1, x[:1].size)))
    run_parts(lambda part: kernel(*images[part], *arguments), len(images))


def _taken(where: object, windows: Windows, x: NDArray[Any], size: int) -> NDArray[np.int64]:
    taps = checks.integer_array("where", where, 0, size * size - 1).astype(np.int64, copy=False)
    checks.same_shape("where", taps.shape, windows.over(x.shape))
    return taps


@njit(cache=True, nogil=True)
def _mean(first: int, last: int, x: Any, y: Any) -> None:
    total = np.empty(x.shape[2])
    for b in range(first, last):
        total[:] = 0
        for p in range(x.shape[1]):
            seen = x[b, p]
            for c in range(seen.size):
                total[c] += seen[c]
        mean = y[b]
        for c in range(mean.size):
            mean[c] = total[c] / x.shape[1]


@njit(cache=True, nogil=True)
def _share(first: int, last: int, share: Any, grad_x: Any) -> None:
    for b in range(first, last):
        for p in range(grad_x.shape[1]):
            out, one = grad_x[b, p], share[b]
            for c in range(out.size):
                out[c] = one[c]


@njit(cache=True, nogil=True)
def _average(first: int, last: int, x: Any, y: Any, size: int, stride: int) -> None:
    _, rows, cols, depth = y.shape
    count = x.dtype.type(size * size)
    for b in range(first, last):
        for p in range(rows):
            for q in range(cols):
                to = y[b, p, q]
                to[:] = 0
                for i in range(size):
                    for j in range(size):
                        seen = x[b, p * stride + i, q * stride + j]
                        for c in range(depth):
                            to[c] += seen[c]
                for c in range(depth):
                    to[c] /= count


@njit(cache=True, nogil=True)
def _spread(first: int, last: int, grad: Any, grad_x: Any, size: int, stride: int) -> None:
    _, rows, cols, depth = grad.shape
    count = grad.dtype.type(size * size)
    for b in range(first, last):
        grad_x[b] = 0
        for p in range(rows):
            for q in range(cols):
                share = grad[b, p, q]
                for i in range(size):
                    for j in range(size):
                        to = grad_x[b, p * stride + i, q * stride + j]
                        for c in range(depth):
                            to[c] += share[c] / count


@njit(cache=True, nogil=True)
def _maximum(
    first: int, last: int, x: Any, y: Any, where: Any, size: int, stride: int, padding: int
) -> None:
    _, rows, cols, depth = y.shape
    for b in range(first, last):
        for p in range(rows):
            for q in range(cols):
                best, tap, new = y[b, p, q], where[b, p, q], True
                for i in range(size):
                    r = p * stride + i - padding
                    for j in range(size):
                        s = q * stride + j - padding
                        if 0 <= r < x.shape[1] and 0 <= s < x.shape[2]:
                            seen = x[b, r, s]
                            for c in range(depth):
                                v, m = seen[c], best[c]
                                # The first maximum stays, and the first NaN wins.
                                if new or v > m or (v != v and m == m):
                                    best[c] = v
                                    tap[c] = i * size + j
                            new = False


@njit(cache=True, nogil=True)
def _take(
    first: int, last: int, x: Any, where: Any, y: Any, size: int, stride: int, padding: int
) -> None:
    _, rows, cols, depth = y.shape
    for b in range(first, last):
        for p in range(rows):
            for q in range(cols):
                for c in range(depth):
                    r = p * stride + where[b, p, q, c] // size - padding
                    s = q * stride + where[b, p, q, c] % size - padding
                    inside = 0 <= r < x.shape[1] and 0 <= s < x.shape[2]
                    y[b, p, q, c] = x[b, r, s, c] if inside else 0


@njit(cache=True, nogil=True)
def _route(
    first: int, last: int, grad: Any, where: Any, grad_x: Any, size: int, stride: int, padding: int
) -> None:
    _, rows, cols, depth = grad.shape
    for b in range(first, last):
        grad_x[b] = 0
        for p in range(rows):
            for q in range(cols):
                for c in range(depth):
                    r = p * stride + where[b, p, q, c] // size - padding
                    s = q * stride + where[b, p, q, c] % size - padding
                    if 0 <= r < grad_x.shape[1] and 0 <= s < grad_x.shape[2]:
                        grad_x[b, r, s, c] += grad[b, p, q, c]
