"""Checks of arguments that belong together: those of layers, updates and integer products."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from msq_ref.checks.arrays import (
    FloatArray,
    IntArray,
    float_array,
    integer_array,
    like,
    native,
    same_dtype,
    same_shape,
    unit_array,
)
from msq_ref.checks.scalars import bit_width, code_range, integer, real, slice_width
from msq_ref.shapes import ConvShape, Windows, output_length

__all__ = [
    "alike_arrays",
    "channel_arrays",
    "conv_arguments",
    "conv_sizes",
    "gradient_pair",
    "layer_arrays",
    "layer_gradient",
    "loss_arguments",
    "no_overflow",
    "pool_arguments",
    "product_shapes",
    "requantize_arguments",
    "rounded_rates",
    "sgd_arguments",
    "slice_arguments",
    "some_values",
    "strided_arrays",
]


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def gradient_pair(grad_u: object, w: object) -> tuple[FloatArray, FloatArray]:
    """Return weights, not empty, and a gradient of the same shape and dtype [S1.3]."""
    weights = float_array("w", w, allow_empty=False)
    return weights, like("grad_u", grad_u, weights)


def slice_arguments(u: object, bits: object, k: object) -> tuple[FloatArray, int, int]:
    """Return values in [0, 1], their width, and how many low bits are sliced off [S3.1]."""
    n = bit_width(bits)
    k = slice_width(k, n)
    return unit_array("u", u), n, k


def sgd_arguments(
    w: object, grad: object, velocity: object, lr: object, momentum: object, weight_decay: object
) -> tuple[Any, ...]:
    """Return the arguments of `sgd_step`, its rates rounded to the dtype of `w` [S12.1]."""
    weights = float_array("w", w)
    arrays = weights, like("grad", grad, weights), like("velocity", velocity, weights)
    return *arrays, *rounded_rates(weights.dtype, lr, momentum, weight_decay)


def rounded_rates(
    dtype: np.dtype[Any], lr: object, momentum: object, weight_decay: object
) -> tuple[Any, ...]:
    """Return the rates of `sgd_step`, not negative, rounded to a dtype [S12.1]."""
    kind = dtype.type
    return (
        kind(real("lr", lr, 0)), kind(real("momentum", momentum, 0)),
        kind(real("weight_decay", weight_decay, 0)),
    )  # fmt: skip


def layer_arrays(**arrays: object) -> list[FloatArray]:
    """Return arrays of a layer, which must be float32 or float64 and all of one dtype.

    Their values are not looked at: a layer is called thousands of times, and NaN propagates.
    """
    found: list[Any] = [*arrays.values()]
    if _usual(found):
        return found
    return [native(array) for array in _layer_arrays(arrays)]


def _usual(arrays: list[Any]) -> bool:
    """Tell in little time what holds in almost every call: there is nothing to check or convert."""
    kind = getattr(arrays[0], "dtype", None)
    if kind is not _FLOAT32 and kind is not _FLOAT64:
        return False
    return all(
        type(array) is np.ndarray and array.dtype is kind and array.flags.c_contiguous
        for array in arrays
    )


def strided_arrays(**arrays: object) -> list[FloatArray]:
    """Return arrays as `layer_arrays` does, but as they lie in memory where their rows allow it.

    A row, the last axis, lies in one piece; rows may lie anywhere, as in a view.
    """
    return [
        array if array.dtype.isnative and array.strides[-1:] == (array.itemsize,) else native(array)
        for array in _layer_arrays(arrays)
    ]


def _layer_arrays(arrays: dict[str, object]) -> list[FloatArray]:
    plain: list[FloatArray] = []
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
            raise TypeError(f"{name} has dtype {array.dtype}: expected float32 or float64")
        if plain and array.dtype != plain[0].dtype:  # perhaps only in byte order
            same_dtype(name, *(one.dtype.newbyteorder("=") for one in (array, plain[0])))
        plain.append(array)
    return plain


def layer_gradient(grad_y: object, shape: tuple[int, ...], x: FloatArray) -> FloatArray:
    """Return the gradient of a layer's result: its shape, and the dtype of its input `x`."""
    _, grad = layer_arrays(x=x, grad_y=grad_y)
    same_shape("grad_y", grad.shape, shape)
    return grad


def alike_arrays(**arrays: object) -> list[FloatArray]:
    """Return arrays of a layer, all of the shape of the first."""
    first, *others = found = layer_arrays(**arrays)
    for name, other in zip([*arrays][1:], others, strict=True):
        same_shape(name, other.shape, first.shape)
    return found


def channel_arrays(x: object, **channels: object) -> list[FloatArray]:
    """Return an array (..., channels), and arrays of one value per channel [S11.1]."""
    values, *others = layer_arrays(x=x, **channels)
    if not values.ndim:
        raise ValueError("x has shape (): expected (..., channels)")
    for name, other in zip(channels, others, strict=True):
        same_shape(name, other.shape, values.shape[-1:])
    return [values, *others]


def some_values(x: FloatArray) -> None:
    """Raise ``ValueError`` for an empty batch, of which there are no statistics."""
    if not x.size:
        raise ValueError(f"x has shape {x.shape}: a batch of nothing has no statistics")


def conv_arguments(
    x: object, w: object, stride: int, padding: int, groups: int
) -> tuple[FloatArray, FloatArray, ConvShape]:
    """Return the arrays of a convolution of floats and its sizes [S11.1]."""
    images, filters = layer_arrays(x=x, w=w)
    return images, filters, conv_sizes(images.shape, filters.shape, stride, padding, groups)


def conv_sizes(
    x: tuple[int, ...], w: tuple[int, ...], stride: int, padding: int, groups: int
) -> ConvShape:
    """Check the shapes of a convolution, NHWC and HWIO, and return its sizes [S11.1]."""
    stride, padding = integer("stride", stride, 1), integer("padding", padding, 0)
    return _conv_sizes(x, w, stride, padding, integer("groups", groups, 1))


@functools.lru_cache(1024)
def _conv_sizes(
    x: tuple[int, ...], w: tuple[int, ...], stride: int, padding: int, groups: int
) -> ConvShape:
    if len(x) != 4:
        raise ValueError(f"x has shape {x}: expected (batch, height, width, channels)")
    if len(w) != 4 or min(w[:2]) < 1 or w[2] * groups != x[3] or w[3] % groups:
        raise ValueError(
            f"w has shape {w}: expected (kernel, kernel, {x[3]} / {groups}, "
            f"a multiple of {groups})"
        )
    rows = output_length(x[1], w[0], stride, padding)
    columns = output_length(x[2], w[1], stride, padding)
    if rows < 1 or columns < 1:
        raise ValueError(f"w has shape {w}: larger than x of shape {x} with padding {padding}")
    return ConvShape(rows, columns, stride, x[0], w[2], w[3] // groups, groups)


def product_shapes(x: tuple[int, ...], w: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless x is (..., K) and w is (K, M)."""
    if len(w) != 2 or not x or x[-1] != w[0]:
        raise ValueError(f"x has shape {x}, w has shape {w}: expected (..., K) and (K, M)")


def pool_arguments(
    x: object, size: int, stride: int, padding: int = 0
) -> tuple[FloatArray, Windows]:
    """Return the images of a pooling layer and the positions of its window.

    A padding of at most half the window leaves something of the image in every window.
    """
    (x,) = layer_arrays(x=x)
    size, stride = integer("size", size, 1), integer("stride", stride, 1)
    padding = integer("padding", padding, 0, size // 2)
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}: expected (batch, height, width, channels)")
    rows, columns = (output_length(length, size, stride, padding) for length in x.shape[1:3])
    if rows < 1 or columns < 1:
        padded = f" with padding {padding}" if padding else ""
        raise ValueError(f"size = {size}: larger than x of shape {x.shape}{padded}")
    return x, Windows(rows, columns, stride)


def loss_arguments(logits: object, labels: object) -> tuple[FloatArray, IntArray]:
    """Return logits, (batch, classes), and the class of each image of the batch [S11.1]."""
    (values,) = layer_arrays(logits=logits)
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"logits has shape {values.shape}: expected (batch, classes), at least one of each"
        )
    classes = integer_array("labels", labels, 0, values.shape[1] - 1)
    same_shape("labels", classes.shape, values.shape[:1])
    return values, classes


def no_overflow(x: IntArray, length: int, bits: int) -> None:
    """Prove that a product of reduction length K with n-bit codes stays below 2^63 [S9.2].

    Raises
    ------
    ValueError
        If ``2 K (2^n - 1) max|x|`` does not.
    """
    largest = max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0
    bound = 2 * length * (2 ** int(bits) - 1) * largest  # a NumPy integer could wrap
    if bound >= 2**63:
        raise ValueError(
            f"x contains a magnitude of {largest}: with reduction length {length} and bits = "
            f"{bits} the sum could overflow int64, expected 2 K (2^n - 1) |x| < 2^63"
        )


def requantize_arguments(
    acc: object, multiplier: object, shift: object, zero_point: object, bits: object, signed: bool
) -> tuple[Any, ...]:
    """Return the arguments of `requantize` as int64 arrays, and the output range [S9.4]."""
    low, high = code_range(bits, signed)
    a = integer_array("acc", acc, -(2**31) + 1, 2**31 - 1).astype(np.int64)
    arrays = []
    for name, value, least, most in (
        ("multiplier", multiplier, 2**30, 2**31 - 1),
        ("shift", shift, 1, 62),
        ("zero_point", zero_point, low, high),
    ):
        array = integer_array(name, value, least, most).astype(np.int64)
        if array.ndim:
            same_shape(name, array.shape, a.shape[-1:])
        arrays.append(array)
    return a, *arrays, low, high
