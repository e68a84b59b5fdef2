"""``QuantizeLinear`` and ``DequantizeLinear`` on constants, of every version of ONNX.

onnx's own evaluator knows their later versions only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["dequantized", "less_zero", "quantized", "width"]

DEFAULT_AXIS = 1


def width(dtype: np.dtype[Any]) -> int:
    """Return the bits of an integer type of 16 at most; 0 for others."""
    name = dtype.name.removeprefix("u")
    bits = name.removeprefix("int")
    return int(bits) if name.startswith("int") and bits.isdigit() and int(bits) <= 16 else 0


def less_zero(
    codes: NDArray[Any], zero: NDArray[Any] | None, axis: int = DEFAULT_AXIS, block: int = 0
) -> NDArray[np.int32]:
    """Return integers less their zero points, 0 if there is none.

    Parameters
    ----------
    codes : ndarray of integers
    zero : ndarray of integers, optional
        One, one for each place on an axis, or one for each block of places.
    axis, block : int
        The axis, and the places of a block.
    """
    wide = codes.astype(np.int32)
    if zero is None:
        return wide
    return np.asarray(wide - _spread(zero.astype(np.int32), wide.shape, axis, block))


def dequantized(
    inputs: list[NDArray[Any]], attributes: dict[str, Any]
) -> NDArray[np.floating]:
    """Return ``(x - zero point) * scale`` of the inputs x, scale and zero point."""
    codes, scale, *zero = inputs
    axis, block = _places(attributes)
    integers = less_zero(codes, zero[0] if zero else None, axis, block)
    return np.asarray(integers * _spread(scale, codes.shape, axis, block), scale.dtype)


def quantized(inputs: list[NDArray[Any]], attributes: dict[str, Any]) -> NDArray[np.integer]:
    """Return ``rint(x / scale) + zero point`` within the range of the zero point's type."""
    x, scale, *rest = inputs
    zero = rest[0] if rest else np.zeros((), np.uint8)
    axis, block = _places(attributes)
    bits, low = width(zero.dtype), 0 if zero.dtype.name.startswith("u") else 1
    codes = np.rint(x / _spread(scale, x.shape, axis, block))
    codes = codes + _spread(zero.astype(np.int32), x.shape, axis, block)
    lowest = -low * 2 ** (bits - 1)
    return np.asarray(np.clip(codes, lowest, lowest + 2**bits - 1).astype(zero.dtype))


def _places(attributes: dict[str, Any]) -> tuple[int, int]:
    return int(attributes.get("axis", DEFAULT_AXIS)), int(attributes.get("block_size", 0))


def _spread(
    values: NDArray[Any], shape: tuple[int, ...], axis: int, block: int
) -> NDArray[Any]:
    """Return what stands for all, for a place or for a block, as it meets an array of a shape."""
    if values.size == 1:
        return values.reshape(())
    if values.ndim == 1:
        return np.expand_dims(values, tuple(a for a in range(len(shape)) if a != axis % len(shape)))
    return np.repeat(values, block or 1, axis).take(range(shape[axis]), axis)
