"""Convolution and its derivatives [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["conv2d", "conv2d_backward"]


def conv2d(
    x: NDArray[Any], w: NDArray[Any], stride: int = 1, padding: int = 0, groups: int = 1
) -> NDArray[Any]:
    """Cross-correlate images with filters, padded with zeros on all sides.

    ``y[b, p, q, m] = sum_{i, j, c} x[b, p s + i - pad, q s + j - pad, c] w[i, j, c, m]``

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    w : ndarray, the dtype of `x`, (kernel height, kernel width, channels / groups, outputs)
        Depthwise: ``groups = channels``, one input channel a group.
    stride, padding, groups : int

    Returns
    -------
    ndarray, (batch, (height + 2 padding - kernel height) // stride + 1, ..., outputs)

    Raises
    ------
    TypeError
        If a dtype is not float32 or float64, or the two differ.
    ValueError
        If shapes do not fit or an integer is out of range.

    Notes
    -----
    [S11.1], class ``tolerance``. Values are not looked at: NaN propagates.
    """
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    padded = _pad(x, padding)
    y = np.zeros(shape.output, dtype=x.dtype)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                window = shape.window(padded, i, j)[..., inputs]
                y[..., outputs] += window @ w[i, j, :, outputs]
    return y


def conv2d_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    w: NDArray[Any],
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the gradients of `conv2d` with respect to `x` and `w`.

    Parameters
    ----------
    grad_y : ndarray
        Gradient of the result of ``conv2d(x, w, ...)``, its shape and dtype.

    Returns
    -------
    (ndarray, ndarray)
        ``dL/dx`` and ``dL/dw``.

    Raises
    ------
    TypeError, ValueError
        As `conv2d`; also if `grad_y` has not the shape and dtype of its result.

    Notes
    -----
    [S11.1], class ``tolerance``.
    """
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    grad_y = checks.layer_gradient(grad_y, shape.output, x)
    positions = shape.positions
    padded = _pad(x, padding)
    grad_padded, grad_w = np.zeros_like(padded), np.zeros_like(w)
    for group in range(groups):
        inputs, outputs = shape.channels(group)
        flat_grad = grad_y[..., outputs].reshape(positions, shape.group_outputs)
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                window = shape.window(padded, i, j)[..., inputs]
                flat_window = window.reshape(positions, shape.group_inputs)
                grad_w[i, j, :, outputs] = flat_window.T @ flat_grad
                target = shape.window(grad_padded, i, j)[..., inputs]
                target += grad_y[..., outputs] @ w[i, j, :, outputs].T
    height, width = x.shape[1:3]
    inner = grad_padded[:, padding : padding + height, padding : padding + width]
    return np.ascontiguousarray(inner), grad_w


def _pad(x: NDArray[Any], padding: int) -> NDArray[Any]:
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
