"""Wrong arrays of integers: out of range, also where a narrower dtype hides it [S0.2]."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.cases.wrong.floats import other_shapes
from msq_ref.conformance.cases.wrong.scalars import not_whole
from msq_ref.conformance.cases.wrong.value import EITHER, Wrong, put

__all__ = [
    "accumulators", "codes", "filters", "images", "integers",
    "parameter", "planes", "signs", "x",
]  # fmt: skip


def not_integers(legal: NDArray[Any]) -> Iterator[Wrong]:
    """Yield arrays of other dtypes."""
    for dtype in (np.float32, np.float64, np.complex64, bool, "U1", object):
        yield Wrong(f"dtype-{np.dtype(dtype).name}", np.ones(legal.shape).astype(dtype), EITHER)
    yield Wrong("floats", legal.astype(np.float64), EITHER)
    yield Wrong("none", None, EITHER)


def integers_in(
    legal: NDArray[Any], low: int, high: int, wraps: tuple[int, ...] = (8, 16, 32)
) -> Iterator[Wrong]:
    """Yield integers just outside of a range, and those that a narrower dtype makes legal."""
    wide = legal.astype(np.int64)
    places = (("first", 0), ("inside", legal.size // 2), ("last", -1))
    for where, place in places:
        yield Wrong(f"one-below-{where}", put(wide, low - 1, place))
        yield Wrong(f"one-above-{where}", put(wide, high + 1, place))
    for bits in wraps:
        if 2**bits > high:
            yield Wrong(f"wraps-{bits}-bits", put(wide, 2**bits + max(low, 0)))
            yield Wrong(f"wraps-negative-{bits}-bits", put(wide, high - 2 ** (bits + 1)))
    yield Wrong("int64-least", put(wide, -(2**63)))
    yield Wrong("int64-largest", put(wide, 2**63 - 1))
    unsigned = np.maximum(wide, 0).astype(np.uint64)
    yield Wrong("uint64-largest", put(unsigned, 2**64 - 1))
    yield Wrong("uint64-wraps", put(unsigned, 2**63 + 1))


def codes(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong codes."""
    yield from not_integers(legal)
    yield from integers_in(legal, 0, 2 ** int(bits or 0) - 1)


def filters(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong codes of a matrix or of filters."""
    yield from codes(legal, bits)
    yield Wrong("shape-flat", legal.ravel().copy())
    yield Wrong("shape-one-axis-more", legal[np.newaxis].copy())
    yield Wrong("shape-other-length", legal[..., :-1, :].copy())
    yield Wrong("shape-0-d", legal.ravel()[0].reshape(()).copy())


def planes(legal: NDArray[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong bit planes."""
    yield from not_integers(legal)
    yield from integers_in(legal, 0, 1)
    rest = legal.shape[1:]
    yield Wrong("no-planes", np.zeros((0, *rest), np.uint8))
    yield Wrong("17-planes", np.zeros((17, *rest), np.uint8))
    yield Wrong("0-d", np.array(1, np.uint8))


def signs(legal: NDArray[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong signs."""
    for value in (2, -2, 127, -128):
        yield Wrong(f"{value}", put(legal, value))
    wide = legal.astype(np.int64)
    for value in (256, 2**32, 2**32 - 1, -(2**63)):  # legal when cut to fewer bits
        yield Wrong(f"{value}", put(wide, value))
    for fraction in (0.5, -0.99, 1.5, math.nan, math.inf, -math.inf, 1 + 2.0**-52):
        yield Wrong(f"float-{fraction}", put(legal.astype(np.float64), fraction))
    for dtype in (np.complex64, "U1", bool, np.uint8, np.uint64, object):
        yield Wrong(f"dtype-{np.dtype(dtype).name}", np.ones(legal.shape).astype(dtype), EITHER)
    yield from other_shapes(legal)
    for axis in range(legal.ndim):  # each would broadcast
        yield Wrong(f"shape-one-in-axis-{axis}", np.take(legal, [0], axis))
        yield Wrong(f"shape-without-axis-{axis}", np.take(legal, 0, axis))


def x(legal: NDArray[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield arrays that no product takes."""
    yield from not_integers(legal)
    yield Wrong("int64-least", put(legal.astype(np.int64), -(2**63)))
    yield Wrong("int64-largest", put(legal.astype(np.int64), 2**63 - 1))
    yield Wrong("uint64-largest", put(np.maximum(legal, 0).astype(np.uint64), 2**64 - 1))


def integers(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong activations of a matrix product."""
    yield from x(legal, bits)
    yield Wrong("shape-0-d", legal.ravel()[0].reshape(()).copy())
    yield Wrong("shape-shorter", legal[..., :-1].copy())
    yield Wrong("shape-longer", np.concatenate([legal, legal[..., :1]], axis=-1))
    yield Wrong("shape-twice", np.concatenate([legal, legal], axis=-1))
    yield Wrong("shape-one", legal[..., :1].copy())
    yield Wrong("shape-transposed", np.ascontiguousarray(np.swapaxes(legal, 0, -1)))


def images(legal: NDArray[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong images."""
    yield from x(legal, bits)
    yield Wrong("shape-no-batch", legal[0].copy())
    yield Wrong("shape-flat", legal.ravel().copy())
    yield Wrong("shape-one-channel-less", legal[..., :-1].copy())
    yield Wrong("shape-one-channel-more", np.concatenate([legal, legal[..., :1]], axis=-1))
    yield Wrong("shape-channels-twice", np.concatenate([legal, legal], axis=-1))
    yield Wrong("shape-nchw", np.ascontiguousarray(legal.transpose(0, 3, 1, 2)))
    yield Wrong("shape-one-axis-more", legal[np.newaxis].copy())


def accumulators(legal: NDArray[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong accumulators."""
    yield from not_integers(legal)
    yield from integers_in(legal, -(2**31) + 1, 2**31 - 1, wraps=(32,))
    yield Wrong("uint32", np.full(legal.shape, 2**31, np.uint32))
    yield Wrong("int32-least", np.full(legal.shape, -(2**31), np.int32))


def parameter(low: int, high: int, usual: int) -> Callable[[Any, int | None], Iterator[Wrong]]:
    """Return the wrong values of an integer that is one number or one per channel."""

    def wrong(legal: Any, _bits: int | None) -> Iterator[Wrong]:
        numbers = (low - 1, high + 1, low - 2**32, high + 2**32, -(2**63), 2**63 - 1, -high)
        for value in dict.fromkeys(numbers):
            yield Wrong(f"{value}", value)
        yield from (
            wrong for wrong in not_whole(usual, EITHER)
            if wrong.label not in ("array", f"list-[{usual}]", f"tuple-({usual},)")
        )  # fmt: skip
        channels = np.full(5, usual, np.int64)
        for value in (low - 1, high + 1):
            yield Wrong(f"channels-{value}", put(channels, value))
        yield Wrong("channels-floats", channels.astype(np.float64), EITHER)
        yield Wrong("channels-fewer", channels[:-1].copy())
        yield Wrong("channels-more", np.append(channels, usual))
        yield Wrong("channels-one", channels[:1].copy())
        yield Wrong("channels-none", channels[:0].copy())
        yield Wrong("channels-2-d", channels.reshape(1, 5).copy())

    return wrong
