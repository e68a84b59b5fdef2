"""Activations, integer weights and integer products [S8], [S9]."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax.exact import divided
from msq_ref.backends.jax.planes import from_bit_planes, plane_weights
from msq_ref.backends.jax.run import bucket, elementwise, flat, padded, run
from msq_ref.shapes import ConvShape

__all__ = [
    "activation_codes",
    "bitserial_linear",
    "integer_conv2d",
    "integer_linear",
    "integer_weights",
]

LEAST = 16
"""Length that the axes of small products are padded to."""


def activation_codes(x: NDArray[Any], scale: float, bits: int, signed: bool) -> NDArray[np.int32]:
    """Quantize activations [S8.1], ``bitexact``; as `msq_ref.reference.activation_codes`."""
    x = checks.float_array("x", x)
    low, high = checks.code_range(bits, signed)
    divisor = checks.positive_scale("scale", scale, x.dtype)
    return np.asarray(elementwise(_activation_codes, [x], divisor, low, high))


def integer_weights(
    codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int32]:
    """Return ``2c - (2^n - 1)`` or ``sign * c`` [S9.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.integer_weights`.
    """
    if signs is None:
        n = checks.bit_width(bits)
        return np.asarray(elementwise(_offset_weights, [checks.code_array("codes", codes, n)], n))
    n = checks.bit_width(bits, low=2)
    c = checks.code_array("codes", codes, n - 1)
    s = checks.sign_array("signs", signs, c.shape).astype(np.int32)
    return np.asarray(elementwise(_signed_weights, [c, s]))


def integer_linear(
    x: NDArray[Any], codes: NDArray[Any], bits: int, signs: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Multiply with integer weights [S9.1], ``bitexact``; as `msq_ref.reference.integer_linear`."""
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, v.shape)
    checks.no_overflow(x, v.shape[0], bits)
    lines = x.astype(np.int64).reshape(math.prod(x.shape[:-1]), v.shape[0])
    p, k, m = _axes(len(lines), *v.shape)
    y = run(_matmul, padded(lines, p, k), padded(v.astype(np.int64), k, m))
    return _cut(y, (len(lines), v.shape[1])).reshape(*x.shape[:-1], v.shape[1])


def integer_conv2d(
    x: NDArray[Any],
    codes: NDArray[Any],
    bits: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    signs: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Cross-correlate with integer weights [S9.1], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.integer_conv2d`.
    """
    v = integer_weights(codes, bits, signs)
    x = checks.integer_array("x", x)
    shape = checks.conv_sizes(x.shape, v.shape, stride, padding, groups)
    length = math.prod(v.shape[:3])
    checks.no_overflow(x, length, bits)
    filters = v.astype(np.int64).reshape(length, shape.groups, shape.group_outputs).swapaxes(0, 1)
    taps = _taps(x.shape, shape, v.shape[:2], int(padding))
    g = bucket(shape.groups, 1)
    p, k, m = _axes(shape.positions, length, shape.group_outputs)
    images = flat(np.append(0, x.astype(np.int64)))  # element 0 is the padding's
    y = run(_gather_matmul, images, padded(taps, g, p, k), padded(filters, g, k, m))
    y = _cut(y, (shape.groups, shape.positions, shape.group_outputs))
    return np.ascontiguousarray(y.swapaxes(0, 1)).reshape(shape.output)


def bitserial_linear(
    x: NDArray[Any], planes: NDArray[Any], signed: bool = False
) -> NDArray[np.int64]:
    """Return the plane sum [S9.3], ``bitexact``; as `msq_ref.reference.bitserial_linear`."""
    planes = np.asarray(planes)
    from_bit_planes(planes, signed)  # checks the values and the number of planes
    x = checks.integer_array("x", x)
    checks.product_shapes(x.shape, planes.shape[1:])
    n, length, outputs = planes.shape
    checks.no_overflow(x, length, n)
    lines = x.astype(np.int64).reshape(math.prod(x.shape[:-1]), length)
    p, k, m = _axes(len(lines), length, outputs)
    every = padded(planes.astype(np.int64), checks.MAX_BITS, k, m)
    y = run(_bitserial, padded(lines, p, k), every, n, bool(signed))
    return _cut(y, (len(lines), outputs)).reshape(*x.shape[:-1], outputs)


def _axes(*lengths: int) -> list[int]:
    return [bucket(length, LEAST) for length in lengths]


def _cut(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.array(array[tuple(slice(length) for length in shape)], order="C")


def _taps(
    x: tuple[int, ...], shape: ConvShape, kernel: tuple[int, ...], padding: int
) -> NDArray[np.int32]:
    """Return where each tap looks, (groups, positions, kernel * kernel * group inputs).

    In a flat array that holds a zero, then the images; taps over the padding look at the zero.
    """
    places = np.arange(1, math.prod(x) + 1, dtype=np.int32).reshape(x)
    wide = np.pad(places, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = [shape.window(wide, i, j) for i in range(kernel[0]) for j in range(kernel[1])]
    sizes = shape.groups, shape.positions, len(windows) * shape.group_inputs
    taps = np.stack(windows, axis=3).reshape(
        shape.positions, len(windows), shape.groups, shape.group_inputs
    )
    return taps.transpose(2, 0, 1, 3).reshape(sizes)


@jax.jit
def _activation_codes(
    x: jax.Array, scale: jax.Array, low: jax.Array, high: jax.Array
) -> jax.Array:
    code = jnp.rint(divided(x, scale))  # may be infinite: clamped first
    return jnp.clip(code, low.astype(x.dtype), high.astype(x.dtype)).astype(jnp.int32)


@jax.jit
def _offset_weights(codes: jax.Array, bits: jax.Array) -> jax.Array:
    return 2 * codes - ((jnp.ones_like(codes) << bits) - 1)


@jax.jit
def _signed_weights(codes: jax.Array, signs: jax.Array) -> jax.Array:
    return signs * codes


@jax.jit
def _matmul(x: jax.Array, v: jax.Array) -> jax.Array:
    return x @ v


@jax.jit
def _gather_matmul(images: jax.Array, taps: jax.Array, filters: jax.Array) -> jax.Array:
    return images[taps] @ filters


@jax.jit
def _bitserial(
    x: jax.Array, planes: jax.Array, bits: jax.Array, signed: jax.Array
) -> jax.Array:
    weights = plane_weights(bits, signed).astype(jnp.int64)

    def add_plane(j: int, y: jax.Array) -> jax.Array:
        return y + weights[j] * (x @ planes[j])

    y = jnp.zeros((x.shape[0], planes.shape[2]), jnp.int64)
    return jax.lax.fori_loop(0, bits, add_plane, y)
