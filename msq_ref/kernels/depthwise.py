"""Depthwise convolution: one input channel a group, no matrix product in it [S11.1].

Parts are images. Blocks of channels in registers where filters and processor allow it, else plain
loops. Both leave padding out, which is right while no value that would meet its zeros is an
infinity or a NaN; where one is, the images are padded first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels import depthwise_blocks, depthwise_plain
from msq_ref.kernels.memory import empty
from msq_ref.kernels.products import worthwhile
from msq_ref.kernels.threads import cut
from msq_ref.shapes import ConvShape

__all__ = ["depthwise", "depthwise_input_gradient", "depthwise_weight_gradient"]

PARTIAL_SUMS = 16
"""Of the weight gradient, at most."""

READING = 4
"""Multiplications in the time that it takes to read or write a value of the images."""


def depthwise(x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int) -> NDArray[Any]:
    """Return ``conv2d(x, w, groups=channels)`` for arguments that are checked already."""
    y, x, taps = empty(shape.output, x.dtype), _repeated(x, shape), w[:, :, 0]
    if padding and not np.isfinite(w).all():
        x, padding = _padded(x, padding), 0
    way = _way(taps, shape, padding)
    way.forward(x, taps, y, shape.stride, padding, cut(shape.batch, _worth(shape, x, w)))
    return y


def depthwise_input_gradient(
    grad_y: NDArray[Any], x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int
) -> NDArray[Any]:
    """Return the gradient of `depthwise` with respect to `x`."""
    repeated, taps = empty((*x.shape[:3], w.shape[3]), x.dtype), w[:, :, 0]
    way, parts = _way(taps, shape, padding), cut(shape.batch, _worth(shape, x, w))
    grad_y = np.ascontiguousarray(grad_y)
    way.input_gradient(grad_y, taps, repeated, shape.stride, padding, parts)
    if shape.group_outputs == 1:
        return repeated
    return np.asarray(repeated.reshape(*x.shape, shape.group_outputs).sum(axis=4))


def depthwise_weight_gradient(
    grad_y: NDArray[Any], x: NDArray[Any], w: NDArray[Any], shape: ConvShape, padding: int
) -> NDArray[Any]:
    """Return the gradient of `depthwise` with respect to `w`: sums of parts, then of those."""
    grad_w, x, grad_y = empty(w.shape, w.dtype), _repeated(x, shape), np.ascontiguousarray(grad_y)
    parts = cut(shape.batch, max(_worth(shape, x, w), -(-shape.batch // PARTIAL_SUMS)))
    taps = grad_w[:, :, 0]
    if padding < min(w.shape[:2]):
        way = _way(taps, shape, padding)
        way.weight_gradient(grad_y, x, taps, shape.stride, padding, parts)
        # Every position sees some value that is no padding: a gradient that is not finite shows.
        if not padding or np.isfinite(taps).all():
            return grad_w
    x = _padded(x, padding)
    _way(taps, shape, 0).weight_gradient(grad_y, x, taps, shape.stride, 0, parts)
    return grad_w


def _way(taps: NDArray[Any], shape: ConvShape, padding: int) -> Any:
    """Return the module that does it."""
    by_blocks = depthwise_blocks.suits(taps, shape.stride, padding)
    return depthwise_blocks if by_blocks else depthwise_plain


def _worth(shape: ConvShape, x: NDArray[Any], w: NDArray[Any]) -> int:
    """Return how many images make a part: some 70 microseconds, as waking a thread may cost."""
    work = shape.rows * shape.columns * w.size + READING * x[:1].size
    return 2 * worthwhile(work)


def _repeated(x: NDArray[Any], shape: ConvShape) -> NDArray[Any]:
    """Return every input channel as often as it has outputs; almost always once."""
    x = x if shape.group_outputs == 1 else np.repeat(x, shape.group_outputs, axis=3)
    return np.ascontiguousarray(x)


def _padded(x: NDArray[Any], padding: int) -> NDArray[Any]:
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
