"""Twin of `msq_ref.reference.conv`: by tiles in registers, else by slices of the patch matrix.

`tiles` say where they serve. Where they do not, positions are cut into slices by shape. A slice of
the patch matrix is gathered into scratch space that a second-level cache holds, multiplied, and
the product written in place: the whole matrix, kernel * kernel times the images, never exists.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels import tiles
from msq_ref.kernels.depthwise import (
    depthwise,
    depthwise_input_gradient,
    depthwise_weight_gradient,
)
from msq_ref.kernels.memory import empty
from msq_ref.kernels.patches import Patches, patches
from msq_ref.kernels.products import gradient_product, product
from msq_ref.kernels.slices import patches_gradient, patches_product, weight_gradient
from msq_ref.shapes import ConvShape

__all__ = [
    "conv2d",
    "conv2d_backward",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
    "patches",
]


def conv2d(
    x: NDArray[Any], w: NDArray[Any], stride: int = 1, padding: int = 0, groups: int = 1
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.conv2d`, within its class [S11.1]."""
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    if _is_depthwise(shape):
        return depthwise(x, w, shape, padding)
    y = empty(shape.output, x.dtype)
    if _is_product(w, shape, padding):
        product(_matrix(x), _matrix(w), _matrix(y))
        return y
    if groups == 1 and tiles.forward(x, w, y, stride, padding):
        return y
    for group, source in enumerate(_sources(x, w, shape, padding)):
        _, outputs = shape.channels(group)
        patches_product(source, _matrix(w)[:, outputs], _matrix(y)[:, outputs])
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
    grad_x = conv2d_input_gradient(grad_y, x, w, stride, padding, groups)
    return grad_x, conv2d_weight_gradient(grad_y, x, w, stride, padding, groups)


def conv2d_input_gradient(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    w: NDArray[Any],
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> NDArray[Any]:
    """Return the first result of `conv2d_backward` alone, the same bits; `x` gives its shape."""
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    grad_y = checks.layer_gradient(grad_y, shape.output, x)
    if _is_depthwise(shape):
        return depthwise_input_gradient(grad_y, x, w, shape, padding)
    grad_x = empty(x.shape, x.dtype)
    if _is_product(w, shape, padding):
        product(_matrix(grad_y), _matrix(w).T, _matrix(grad_x))
    elif groups == 1 and tiles.input_gradient(grad_y, w, grad_x, stride, padding):
        pass
    elif shape.stride == 1 and np.isfinite(w).all():
        _turned(grad_y, w, shape, padding, grad_x)
    else:
        outputs = [shape.channels(group)[1] for group in range(groups)]
        filters = [_matrix(w)[:, channels] for channels in outputs]
        patches_gradient(_matrix(grad_y), filters, _sources(grad_x, w, shape, padding))
    return grad_x


def conv2d_weight_gradient(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    w: NDArray[Any],
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> NDArray[Any]:
    """Return the second result of `conv2d_backward` alone, the same bits; `w` gives its shape."""
    x, w, shape = checks.conv_arguments(x, w, stride, padding, groups)
    grad_y = checks.layer_gradient(grad_y, shape.output, x)
    if _is_depthwise(shape):
        return depthwise_weight_gradient(grad_y, x, w, shape, padding)
    grad_w = empty(w.shape, w.dtype)
    if _is_product(w, shape, padding):
        gradient_product(_matrix(x), _matrix(grad_y), _matrix(grad_w))
        return grad_w
    if groups == 1 and tiles.weight_gradient(grad_y, x, grad_w, stride, padding):
        return grad_w
    for group, source in enumerate(_sources(x, w, shape, padding)):
        _, outputs = shape.channels(group)
        weight_gradient(source, _matrix(grad_y)[:, outputs], _matrix(grad_w)[:, outputs])
    return grad_w


def _turned(
    grad_y: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int, grad_x: NDArray[Any]
) -> None:
    """With stride 1 the gradient is a convolution itself, by the weight turned by 180 degrees.

    Around `grad_y` it meets zeros, which the definition does not: weights have to be finite.
    """
    kernel = w.shape[0], w.shape[1]
    around = kernel[0] - 1 - padding, kernel[1] - 1 - padding
    for group in range(shape.groups):
        inputs, outputs = shape.channels(group)
        filters = w[::-1, ::-1, :, outputs].swapaxes(2, 3).reshape(-1, shape.group_inputs)
        source = Patches(grad_y, (grad_x.shape[1], grad_x.shape[2]), kernel, 1, around, outputs)
        patches_product(source, filters, _matrix(grad_x)[:, inputs])


def _sources(x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int) -> list[Patches]:
    """Return the patch matrix of every group."""
    grid, kernel = (shape.rows, shape.columns), (w.shape[0], w.shape[1])
    around = padding, padding
    return [
        Patches(x, grid, kernel, shape.stride, around, shape.channels(group)[0])
        for group in range(shape.groups)
    ]


def _matrix(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _is_depthwise(shape: ConvShape) -> bool:
    return shape.groups > 1 and shape.group_inputs == 1 and shape.group_outputs > 0


def _is_product(w: NDArray[Any], shape: ConvShape, padding: int) -> bool:
    """Whether every position sees itself only: images are then their own patch matrix."""
    return w.shape[:2] == (1, 1) and shape.stride == 1 and not padding and shape.groups == 1
