"""Depthwise convolution: one input channel a group, no matrix product in it [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref.shapes import ConvShape

__all__ = ["depthwise", "depthwise_backward"]


def depthwise(x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int) -> NDArray[Any]:
    """Return ``conv2d(x, w, groups=channels)`` for arguments that are checked already."""
    y = np.zeros(shape.output, x.dtype)
    _forward(np.ascontiguousarray(x), _taps(w), y, shape.group_outputs, shape.stride, padding)
    return y


def depthwise_backward(
    grad_y: NDArray[Any], x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the gradients of `depthwise` with respect to `x` and `w`."""
    taps = _taps(w)
    grad_x, grad_taps = np.zeros(x.shape, x.dtype), np.zeros(taps.shape, w.dtype)
    _backward(
        np.ascontiguousarray(grad_y), np.ascontiguousarray(x), taps, grad_x, grad_taps,
        shape.group_outputs, shape.stride, padding,
    )  # fmt: skip
    return grad_x, grad_taps.reshape(w.shape)


def _taps(w: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(w.reshape(w.shape[0], w.shape[1], w.shape[3]))


@njit(cache=True, nogil=True)
def _forward(x: Any, taps: Any, y: Any, per_group: int, stride: int, padding: int) -> None:
    batch, rows, cols, outputs = y.shape
    kh, kw, _ = taps.shape
    for b in range(batch):
        for p in range(rows):
            for q in range(cols):
                for i in range(kh):
                    r = p * stride + i - padding
                    for j in range(kw):
                        s = q * stride + j - padding
                        if 0 <= r < x.shape[1] and 0 <= s < x.shape[2]:
                            for m in range(outputs):
                                y[b, p, q, m] += x[b, r, s, m // per_group] * taps[i, j, m]


@njit(cache=True, nogil=True)
def _backward(
    grad_y: Any, x: Any, taps: Any, grad_x: Any, grad_taps: Any, per_group: int, stride: int,
    padding: int,
) -> None:  # fmt: skip
    batch, rows, cols, outputs = grad_y.shape
    kh, kw, _ = taps.shape
    for b in range(batch):
        for p in range(rows):
            for q in range(cols):
                for i in range(kh):
                    r = p * stride + i - padding
                    for j in range(kw):
                        s = q * stride + j - padding
                        if 0 <= r < x.shape[1] and 0 <= s < x.shape[2]:
                            for m in range(outputs):
                                g = grad_y[b, p, q, m]
                                grad_x[b, r, s, m // per_group] += g * taps[i, j, m]
                                grad_taps[i, j, m] += g * x[b, r, s, m // per_group]
