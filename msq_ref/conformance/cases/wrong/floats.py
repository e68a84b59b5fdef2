"""Wrong arrays of floats: other dtypes, NaN, infinities, out of range, other shapes [S0.3]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.cases.wrong.value import EITHER, TYPE, Wrong, put

__all__ = ["floats", "gradient", "not_finite", "other_shapes", "unit", "weights"]


def not_floats(legal: NDArray[Any]) -> Iterator[Wrong]:
    """Yield arrays of other dtypes; integers are never promoted [S0.3]."""
    for dtype in (np.int64, np.int32, np.int8, np.uint8):
        yield Wrong(f"dtype-{np.dtype(dtype)}", np.ones(legal.shape, dtype), TYPE)
    for other in (np.float16, np.complex64, np.complex128, bool, "U1", object):
        name = np.dtype(other).name
        yield Wrong(f"dtype-{name}", np.ones(legal.shape).astype(other), EITHER)
    if np.dtype(np.longdouble).itemsize > 8:
        yield Wrong("dtype-longdouble", legal.astype(np.longdouble), EITHER)
    yield Wrong("none", None, EITHER)
    yield Wrong("text", "0.5", EITHER)


def not_finite(legal: NDArray[Any]) -> Iterator[Wrong]:
    """Yield arrays with NaN or an infinity first, inside or last."""
    for label, value in (("nan", np.nan), ("inf", np.inf), ("minus-inf", -np.inf)):
        for where, place in (("first", 0), ("inside", legal.size // 2), ("last", -1)):
            yield Wrong(f"{label}-{where}", put(legal, value, place))


def floats(legal: NDArray[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong arrays of floats."""
    yield from not_finite(legal)
    yield from not_floats(legal)


def weights(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong weights: they may not be empty either."""
    yield from floats(legal, bits)
    yield Wrong("empty", legal[:0].copy())
    yield Wrong("empty-2-d", np.zeros((3, 0), legal.dtype))


def unit(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong numbers for [0, 1]."""
    kind = legal.dtype.type
    yield from floats(legal, bits)
    outside = {
        "ulp-above-one": np.nextafter(kind(1), kind(2)), "two": 2, "minus-one": -1,
        "slightly-negative": -np.finfo(legal.dtype).eps, "least-normal-negative":
        -np.finfo(legal.dtype).tiny, "large": 1e30, "least-negative":
        -np.finfo(legal.dtype).smallest_subnormal,
    }  # fmt: skip
    for label, value in outside.items():
        for where, place in (("first", 0), ("inside", legal.size // 2), ("last", -1)):
            yield Wrong(f"{label}-{where}", put(legal, value, place))


def gradient(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong gradients: their shape and dtype are given."""
    yield from floats(legal, bits)
    other = np.float32 if legal.dtype == np.float64 else np.float64
    yield Wrong(f"dtype-{np.dtype(other)}", legal.astype(other), EITHER)
    yield from other_shapes(legal)


def other_shapes(legal: NDArray[Any]) -> Iterator[Wrong]:
    """Yield other shapes, also those that would broadcast."""
    first = legal.ravel()[:1].copy()
    yield Wrong("shape-shorter", legal.ravel()[:-1].copy())
    yield Wrong("shape-longer", np.append(legal.ravel(), first))
    yield Wrong("shape-one", first)
    yield Wrong("shape-0-d", first.reshape(()))
    yield Wrong("shape-row", legal.reshape(1, *legal.shape).copy())
    yield Wrong("shape-column", legal.reshape(*legal.shape, 1).copy())
    yield Wrong("shape-empty", legal.ravel()[:0].copy())
