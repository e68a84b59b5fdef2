"""Checks of arguments, in one place, so that the definitions stay pure mathematics [S0.2]-[S0.4].

Every function takes the argument's name first and raises a ``ValueError`` or ``TypeError`` that
names the argument, its value and what was expected. Array checks return a native-endian,
C-contiguous array of the same dtype; the caller's array is never changed.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.shapes import ConvShape, Windows, output_length

__all__ = [
    "MAX_BITS",
    "bit_width",
    "code_array",
    "code_range",
    "conv_arguments",
    "conv_sizes",
    "float_array",
    "float_dtype",
    "gradient_pair",
    "integer",
    "integer_array",
    "layer_arrays",
    "layer_gradient",
    "like",
    "no_overflow",
    "pool_arguments",
    "positive_scale",
    "product_shapes",
    "real",
    "requantize_arguments",
    "same_dtype",
    "same_shape",
    "sgd_arguments",
    "sign_array",
    "slice_width",
    "unit_array",
]

MAX_BITS = 16
"""Widest code [S0.2]."""

FloatArray = NDArray[Any]
IntArray = NDArray[Any]


def integer(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int within [low, high]; booleans and floats are not integers.

    Raises
    ------
    ValueError
        If it is not an integer or lies outside the range [S0.2].
    """
    lower = "-inf" if low is None else low
    upper = "inf" if high is None else high
    wanted = f"an integer in [{lower}, {upper}]"
    if isinstance(value, bool | np.bool_) or (isinstance(value, np.ndarray) and value.ndim):
        raise ValueError(f"{name} = {_show(value)}: expected {wanted}")
    try:
        result = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} = {_show(value)}: expected {wanted}") from None
    if (low is not None and result < low) or (high is not None and result > high):
        raise ValueError(f"{name} = {result}: expected {wanted}")
    return result


def bit_width(bits: object, low: int = 1, name: str = "bits") -> int:
    """Return a code width, an integer in [low, 16] [S0.2]."""
    return integer(name, bits, low, MAX_BITS)


def slice_width(k: object, bits: int) -> int:
    """Return the number of low bits sliced off, an integer with 1 <= k < bits [S0.2]."""
    if bits < 2:
        raise ValueError(f"k = {_show(k)}: no k with 1 <= k < bits exists for bits = {bits}")
    return integer("k", k, 1, bits - 1)


def real(
    name: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    allow_infinite: bool = False,
) -> float:
    """Return a real scalar of the range [low, high] as a float (``(low, high]`` if `open_low`).

    Raises
    ------
    TypeError
        If it is not a real number (booleans are not).
    ValueError
        If it is NaN, infinite (unless allowed) or out of range.
    """
    bracket = "(" if open_low else "["
    wanted = f"a real number in {bracket}{low}, {high}]"
    if isinstance(value, bool | np.bool_ | str | bytes | complex | np.complexfloating):
        raise TypeError(f"{name} = {_show(value)}: expected {wanted}")
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        raise TypeError(f"{name} = {_show(value)}: expected {wanted}") from None
    outside = result < low or result > high or (open_low and result == low)
    if math.isnan(result) or outside or (math.isinf(result) and not allow_infinite):
        raise ValueError(f"{name} = {result}: expected {wanted}")
    return result


def float_array(name: str, value: object, *, allow_empty: bool = True) -> FloatArray:
    """Return a finite float32 or float64 array; the dtype is kept [S0.3].

    Raises
    ------
    TypeError
        If the dtype is any other; integers are never silently promoted.
    ValueError
        If it holds NaN or infinities, or is empty where that has no meaning.
    """
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(f"{name} has dtype {array.dtype}: expected float32 or float64")
    if not allow_empty and array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: expected at least one element")
    finite = np.isfinite(array)
    if not finite.all():
        raise ValueError(
            f"{name} contains {array[~finite].flat[0]}: expected finite values"
        )
    return _plain(array)


def float_dtype(name: str, dtype: object) -> np.dtype[Any]:
    """Return float32 or float64 as a native dtype; anything else is a ``TypeError`` [S0.3]."""
    try:
        kind = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"{name} = {_show(dtype)}: expected float32 or float64") from None
    if kind.kind != "f" or kind.itemsize not in (4, 8):
        raise TypeError(f"{name} = {kind}: expected float32 or float64")
    return np.dtype(kind.newbyteorder("="))


def positive_scale(name: str, value: object, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401
    """Return a positive finite scalar rounded to `dtype`; it must stay so there [S1.2]."""
    scale = real(name, value, 0, open_low=True)
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(scale)
    if not 0 < rounded < np.inf:
        raise ValueError(f"{name} = {scale}: expected a positive finite {dtype}")
    return rounded


def unit_array(name: str, value: object) -> FloatArray:
    """Return a float array with every value in [0, 1] [S2.1]."""
    array = float_array(name, value)
    if array.size and (array.min() < 0 or array.max() > 1):
        worst = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{name} contains {worst}: expected values in [0, 1]")
    return array


def integer_array(
    name: str, value: object, low: int | None = None, high: int | None = None
) -> IntArray:
    """Return an integer array (any integer dtype, not bool) with values in [low, high].

    Raises
    ------
    TypeError
        If the dtype is not an integer one.
    ValueError
        If a value is out of range.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}: expected integers")
    if array.size:
        smallest, largest = int(array.min()), int(array.max())
        if low is not None and smallest < low:
            raise ValueError(f"{name} contains {smallest}: expected integers in [{low}, {high}]")
        if high is not None and largest > high:
            raise ValueError(f"{name} contains {largest}: expected integers in [{low}, {high}]")
    return _plain(array)


def code_array(name: str, codes: object, bits: int) -> NDArray[np.int32]:
    """Return unsigned codes of a width as int32 [S0.2]."""
    return integer_array(name, codes, 0, 2**bits - 1).astype(np.int32)


def sign_array(name: str, signs: object, shape: tuple[int, ...]) -> IntArray | FloatArray:
    """Return signs, each -1, 0 or 1, of a shape; integers or floats as `numpy.sign` gives them."""
    array = np.asarray(signs)
    if array.dtype.kind not in "if":
        raise TypeError(f"{name} has dtype {array.dtype}: expected signed integers or floats")
    same_shape(name, array.shape, shape)
    if not np.isin(array, (-1, 0, 1)).all():
        wrong = array[~np.isin(array, (-1, 0, 1))].flat[0]
        raise ValueError(f"{name} contains {wrong}: expected -1, 0 or 1")
    return _plain(array)


def same_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless two shapes are equal; nothing broadcasts silently."""
    if shape != expected:
        raise ValueError(f"{name} has shape {shape}: expected {expected}")


def same_dtype(name: str, dtype: np.dtype[Any], expected: np.dtype[Any]) -> None:
    """Raise ``TypeError`` unless two dtypes are equal; nothing is promoted silently [S0.3]."""
    if dtype != expected:
        raise TypeError(f"{name} has dtype {dtype}: expected {expected}")


def gradient_pair(grad_u: object, w: object) -> tuple[FloatArray, FloatArray]:
    """Return weights, not empty, and a gradient of the same shape and dtype [S1.3]."""
    weights = float_array("w", w, allow_empty=False)
    return weights, like("grad_u", grad_u, weights)


def sgd_arguments(
    w: object, grad: object, velocity: object, lr: object, momentum: object, weight_decay: object
) -> tuple[Any, ...]:
    """Return the arguments of `sgd_step`, its rates rounded to the dtype of `w` [S12.1]."""
    weights = float_array("w", w)
    rates = (
        weights.dtype.type(real(name, rate, 0))
        for name, rate in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay))
    )
    return weights, like("grad", grad, weights), like("velocity", velocity, weights), *rates


def layer_arrays(**arrays: object) -> list[FloatArray]:
    """Return arrays of a layer, which must be float32 or float64 and all of one dtype.

    Their values are not looked at: a layer is called thousands of times, and NaN propagates.
    """
    plain: list[FloatArray] = []
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
            raise TypeError(f"{name} has dtype {array.dtype}: expected float32 or float64")
        plain.append(_plain(array))
        same_dtype(name, plain[-1].dtype, plain[0].dtype)
    return plain


def layer_gradient(grad_y: object, shape: tuple[int, ...], x: FloatArray) -> FloatArray:
    """Return the gradient of a layer's result: its shape, and the dtype of its input `x`."""
    _, grad = layer_arrays(x=x, grad_y=grad_y)
    same_shape("grad_y", grad.shape, shape)
    return grad


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
    groups = integer("groups", groups, 1)
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


def pool_arguments(x: object, size: int, stride: int) -> tuple[FloatArray, Windows]:
    """Return the images of a pooling layer and the positions of its window."""
    (x,) = layer_arrays(x=x)
    size, stride = integer("size", size, 1), integer("stride", stride, 1)
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}: expected (batch, height, width, channels)")
    rows, columns = (output_length(length, size, stride) for length in x.shape[1:3])
    if rows < 1 or columns < 1:
        raise ValueError(f"size = {size}: larger than x of shape {x.shape}")
    return x, Windows(rows, columns, stride)


def code_range(bits: object, signed: bool) -> tuple[int, int]:
    """Return the least and greatest code of a width, two's complement if `signed` [S8.1]."""
    n = bit_width(bits)
    return (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)


def no_overflow(x: IntArray, length: int, bits: int) -> None:
    """Prove that a product of reduction length K with n-bit codes stays below 2^63 [S9.2].

    Raises
    ------
    ValueError
        If ``2 K (2^n - 1) max|x|`` does not.
    """
    largest = max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0
    bound = 2 * length * (2**bits - 1) * largest
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


def like(name: str, value: object, model: FloatArray) -> FloatArray:
    """Return a float array of the shape and dtype of `model`."""
    array = float_array(name, value)
    same_shape(name, array.shape, model.shape)
    same_dtype(name, array.dtype, model.dtype)
    return array


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Native byte order, C-contiguous, 0-d kept 0-d (a copy only where needed)."""
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
