"""A legal call of every operation: what layouts and illegal arguments are tried on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ELEMENTWISE", "OF_FLOATS", "OF_INTEGERS", "REDUCTIONS", "Call", "example"]

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments by position and by name."""
Rng = np.random.Generator
DType = np.dtype[Any]

ELEMENTWISE = (
    "normalize", "normalize_signed", "normalize_backward", "normalize_signed_backward",
    "roundclamp", "dorefa", "dequantize", "effective", "effective_signed", "lsb", "lsb_l1_grad",
    "bit_planes", "from_bit_planes", "activation_codes", "integer_weights", "requantize",
    "sgd_step",
)  # fmt: skip
"""Operations on arrays of any shape that return arrays."""

REDUCTIONS = ("lsb_l1", "lsb_l1_codes", "lsb_nonzero_rate", "sensitivity")
"""Operations on arrays of any shape that return a number."""

OF_FLOATS = (
    "normalize", "normalize_signed", "normalize_backward", "normalize_signed_backward",
    "roundclamp", "dorefa", "effective", "effective_signed", "lsb", "lsb_l1", "lsb_l1_codes",
    "lsb_l1_grad", "lsb_nonzero_rate", "sensitivity", "activation_codes", "sgd_step",
)  # fmt: skip
"""Operations whose first argument is an array of floats."""

OF_INTEGERS = (
    "dequantize", "bit_planes", "from_bit_planes", "integer_weights", "requantize",
    "integer_linear", "integer_conv2d", "bitserial_linear",
)  # fmt: skip
"""Operations whose first argument is an array of integers."""

NOT_EMPTY = (
    "normalize", "normalize_signed", "normalize_backward", "normalize_signed_backward",
    "lsb_nonzero_rate",
)  # fmt: skip


def example(
    name: str, rng: Rng, shape: tuple[int, ...] = (2, 3, 5), dtype: DType | type = np.float32,
    *, alternative: bool = False,
) -> Call | None:  # fmt: skip
    """Return the arguments of a legal call; None where none has arrays of that shape.

    Parameters
    ----------
    name : str
        Of the operation.
    rng : Generator
    shape : tuple of int
        Of the weights, codes or activations.
    dtype : float or integer dtype
        Of the arrays, whichever the operation takes.
    alternative : bool
        Use the other form: signed codes, signs, a constant maximum.
    """
    if not np.prod(shape) and name in NOT_EMPTY:
        return None
    return _EXAMPLES[name](rng, shape, np.dtype(dtype), alternative)


def grid_weights(rng: Rng, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    """Return weights that are equal or clearly apart, so that ties are no matter of rounding."""
    return np.asarray(rng.integers(-128, 129, shape) / 64).astype(dtype)


def some_codes(rng: Rng, shape: tuple[int, ...], dtype: DType, low: int, high: int) -> NDArray[Any]:
    """Return integers in [low, high], as far as the dtype can hold them."""
    info = np.iinfo(dtype)
    return np.asarray(
        rng.integers(max(low, info.min), min(high, info.max), shape, endpoint=True)
    ).astype(dtype)


def _unit(rng: Rng, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    return np.asarray(rng.random(shape)).astype(dtype)


def _normal(rng: Rng, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    return np.asarray(rng.standard_normal(shape)).astype(dtype)


def _signs(rng: Rng, shape: tuple[int, ...], dtype: type = np.int16) -> NDArray[Any]:
    return np.asarray(rng.integers(-1, 2, shape)).astype(dtype)


def _weights(rng: Rng, shape: tuple[int, ...], dtype: DType, _other: bool) -> Call:
    return (_normal(rng, shape, dtype),), {}


def _backward(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    arguments = _normal(rng, shape, dtype), grid_weights(rng, shape, dtype)
    return arguments, {"max_gradient": False} if other else {}


def _quantizer(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    return (_unit(rng, shape, dtype), 11 if other else 5), {}


def _slice(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    return (_unit(rng, shape, dtype), 11 if other else 6, 4 if other else 2), {}


def _dequantize(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    codes = some_codes(rng, shape, dtype, 0, 127)
    return (codes, 7), {"dtype": "float64"} if other else {}


def _effective(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    return (_unit(rng, shape, dtype), 1 if other else 0.3), {}


def _effective_signed(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    signs = _signs(rng, shape)
    return (_unit(rng, shape, dtype), signs.astype(dtype) if other else signs, 0.3), {}


def _bit_planes(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    if other:
        return (some_codes(rng, shape, dtype, -64, 63), 7), {"signed": True}
    return (some_codes(rng, shape, dtype, 0, 127), 7), {}


def _from_planes(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    return (some_codes(rng, (7, *shape), dtype, 0, 1),), {"signed": True} if other else {}


def _sensitivity(rng: Rng, shape: tuple[int, ...], dtype: DType, _other: bool) -> Call:
    return (0.7, _normal(rng, shape, dtype), _normal(rng, shape, dtype)), {}


def _activation(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    return (_normal(rng, shape, dtype), 0.02, 7, other), {}


def _integer_weights(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    codes = some_codes(rng, shape, dtype, 0, 63)
    return (codes, 7), {"signs": _signs(rng, shape)} if other else {}


def _linear(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call | None:
    if not shape:
        return None
    filters = (shape[-1], 4)
    x, codes = some_codes(rng, shape, dtype, -100, 127), some_codes(rng, filters, dtype, 0, 63)
    return (x, codes, 7), {"signs": _signs(rng, filters)} if other else {}


def _bitserial(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call | None:
    if not shape:
        return None
    planes = some_codes(rng, (5, shape[-1], 4), dtype, 0, 1)
    return (some_codes(rng, shape, dtype, -100, 127), planes), {"signed": True} if other else {}


def _conv(rng: Rng, _shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    x, filters = some_codes(rng, (2, 5, 6, 4), dtype, -100, 127), (3, 2, 2 if other else 4, 6)
    codes = some_codes(rng, filters, dtype, 0, 63)
    if not other:
        return (x, codes, 7), {}
    signs = _signs(rng, filters)
    return (x, codes, 7), {"stride": 2, "padding": 1, "groups": 2, "signs": signs}


def _requantize(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    acc = some_codes(rng, shape, dtype, -100_000, 100_000)
    if not other or not shape:
        return (acc, 3 * 2**29 + 1, 36 if dtype.itemsize > 1 else 30, 3, 8, other), {}
    channels = shape[-1]
    multipliers = rng.integers(2**30, 2**31, channels)
    shifts, zeros = rng.integers(28, 40, channels), rng.integers(-128, 128, channels)
    return (acc, multipliers, shifts, zeros, 8, True), {}


def _sgd(rng: Rng, shape: tuple[int, ...], dtype: DType, other: bool) -> Call:
    arrays = tuple(_normal(rng, shape, dtype) for _ in range(3))
    return (*arrays, *((0.1, 0.9, 1e-4) if other else (0.3, 0.0, 0.01))), {}


def _assign(_rng: Rng, _shape: tuple[int, ...], _dtype: DType, _other: bool) -> Call:
    return ([0.3, 0.1, 0.7],), {}


def _prune(_rng: Rng, _shape: tuple[int, ...], _dtype: DType, _other: bool) -> Call:
    return ([8, 7, 6], [0.2, 0.4, 0.1], [2, 1, 2], [30, 20, 10], 0.3, 16.0, 1), {}


def _compression(_rng: Rng, _shape: tuple[int, ...], _dtype: DType, _other: bool) -> Call:
    return ([30, 20, 10], [8, 7, 6]), {}


_EXAMPLES: dict[str, Callable[[Rng, tuple[int, ...], DType, bool], Call | None]] = {
    "normalize": _weights,
    "normalize_signed": _weights,
    "normalize_backward": _backward,
    "normalize_signed_backward": _backward,
    "roundclamp": _quantizer,
    "dorefa": _quantizer,
    "dequantize": _dequantize,
    "effective": _effective,
    "effective_signed": _effective_signed,
    "lsb": _slice,
    "lsb_l1": _slice,
    "lsb_l1_codes": _slice,
    "lsb_l1_grad": _slice,
    "lsb_nonzero_rate": _slice,
    "bit_planes": _bit_planes,
    "from_bit_planes": _from_planes,
    "sensitivity": _sensitivity,
    "assign_k": _assign,
    "prune_step": _prune,
    "compression": _compression,
    "activation_codes": _activation,
    "integer_weights": _integer_weights,
    "integer_linear": _linear,
    "integer_conv2d": _conv,
    "bitserial_linear": _bitserial,
    "requantize": _requantize,
    "sgd_step": _sgd,
}
