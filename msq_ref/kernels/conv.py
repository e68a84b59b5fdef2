"""Twin of `msq_ref.reference.conv`: patches gathered once, then one matrix product a group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.depthwise import depthwise, depthwise_backward
from msq_ref.shapes import ConvShape

__all__ = ["conv2d", "conv2d_backward", "patches"]


def conv2d(
    x: NDArray[Any], w: NDArray[Any], stride: int = 1, padding: int = 0, groups: int = 1
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.conv2d`, within its class [S11.1]."""
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    if _is_depthwise(shape):
        return depthwise(x, w, shape, padding)
    y = np.empty(shape.output, x.dtype)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        columns = patches(x[..., inputs], w.shape[:2], shape, padding)
        flat = columns @ w[..., outputs].reshape(columns.shape[1], shape.group_outputs)
        y[..., outputs] = flat.reshape(*shape.output[:3], shape.group_outputs)
    return y


def conv2d_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    w: NDArray[Any],
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Twin of `msq_ref.reference.conv2d_backward`, within its class [S11.1]."""
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    grad_y = checks.layer_gradient(grad_y, shape.output, x)
    if _is_depthwise(shape):
        return depthwise_backward(grad_y, x, w, shape, padding)
    grad_x, grad_w = np.empty(x.shape, x.dtype), np.empty(w.shape, w.dtype)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        columns = patches(x[..., inputs], w.shape[:2], shape, padding)
        filters = w[..., outputs].reshape(columns.shape[1], shape.group_outputs)
        flat = grad_y[..., outputs].reshape(shape.positions, shape.group_outputs)
        grad_w[..., outputs] = (columns.T @ flat).reshape(*w.shape[:3], shape.group_outputs)
        grad_columns = flat @ filters.T
        part = np.zeros((*x.shape[:3], shape.group_inputs), x.dtype)
        _scatter(
            grad_columns, part, shape.rows, shape.columns, w.shape[0], w.shape[1], shape.stride,
            padding,
        )  # fmt: skip
        grad_x[..., inputs] = part
    return grad_x, grad_w


def patches(
    x: NDArray[Any], kernel: tuple[int, ...], shape: ConvShape, padding: int
) -> NDArray[Any]:
    """Return what each output position sees, (batch * rows * columns, kernel * kernel * channels).

    Any dtype; taps over the padding are 0.
    """
    x = np.ascontiguousarray(x)
    positions = x.shape[0] * shape.rows * shape.columns
    columns = np.empty((positions, kernel[0] * kernel[1] * x.shape[3]), x.dtype)
    _gather(x, columns, shape.rows, shape.columns, kernel[0], kernel[1], shape.stride, padding)
    return columns


def _is_depthwise(shape: ConvShape) -> bool:
    return shape.groups > 1 and shape.group_inputs == 1


@njit(cache=True, nogil=True)
def _gather(
    x: Any, columns: Any, rows: int, cols: int, kh: int, kw: int, stride: int, padding: int
) -> None:
    batch, height, width, channels = x.shape
    line = 0
    for b in range(batch):
        for p in range(rows):
            for q in range(cols):
                at = 0
                for i in range(kh):
                    r = p * stride + i - padding
                    for j in range(kw):
                        s = q * stride + j - padding
                        if 0 <= r < height and 0 <= s < width:
                            for c in range(channels):
                                columns[line, at + c] = x[b, r, s, c]
                        else:
                            for c in range(channels):
                                columns[line, at + c] = 0
                        at += channels
                line += 1


@njit(cache=True, nogil=True)
def _scatter(
    columns: Any, x: Any, rows: int, cols: int, kh: int, kw: int, stride: int, padding: int
) -> None:
    batch, height, width, channels = x.shape
    line = 0
    for b in range(batch):
        for p in range(rows):
            for q in range(cols):
                at = 0
                for i in range(kh):
                    r = p * stride + i - padding
                    for j in range(kw):
                        s = q * stride + j - padding
                        if 0 <= r < height and 0 <= s < width:
                            for c in range(channels):
                                x[b, r, s, c] += columns[line, at + c]
                        at += channels
                line += 1
