"""Wrong widths and numbers: out of range, and of another type [S0.2]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.cases.wrong.value import EITHER, VALUE, Errors, Wrong

__all__ = [
    "dtype", "flag", "low_bits", "no_number", "no_width", "not_finite_number", "not_whole",
    "rate", "real", "scale", "size", "target", "width",
]  # fmt: skip


def not_whole(legal: int, errors: Errors = VALUE) -> Iterator[Wrong]:
    """Yield what is no integer, though it may stand for the legal one."""
    others: tuple[Any, ...] = (
        float(legal), legal + 0.5, True, False, str(legal), None, math.nan, math.inf,
        complex(legal), [legal], (legal,),
    )  # fmt: skip
    for value in others:
        yield Wrong(f"{type(value).__name__}-{value}".lower(), value, errors)
    numbers: tuple[Any, ...] = (
        np.float64(legal), np.float32(legal), np.True_, np.complex64(legal),
    )  # fmt: skip
    for value in numbers:
        yield Wrong(f"numpy-{value.dtype}-{value}".lower(), value, errors)
    yield Wrong("fraction", Fraction(legal), errors)
    yield Wrong("bytes", str(legal).encode(), errors)
    yield Wrong("array", np.array([legal, legal]), errors)


def no_width(legal: int = 4) -> Iterator[Wrong]:
    """Yield what is no width: a ``ValueError`` whatever its type [S0.2]."""
    for value in (0, -1, 17, 18, 32, 64, 2**31, 2**32 + legal, -(2**31), 256 + legal):
        yield Wrong(f"{value}", value)
    for number in (np.int8(-legal), np.uint8(17), np.int64(0)):
        yield Wrong(f"numpy-{number.dtype}-{number}", number)
    yield from not_whole(legal)


def width(legal: int, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong widths."""
    return no_width(legal)


def low_bits(legal: int, bits: int | None) -> Iterator[Wrong]:
    """Yield wrong numbers of low bits."""
    n = int(bits or 0)
    for value in (0, -1, n, n + 1, 16, 17, 2**32 + 1, 256 + legal):
        yield Wrong(f"{value}", value)
    for number in (np.int8(-1), np.uint8(n)):
        yield Wrong(f"numpy-{number.dtype}-{number}", number)
    yield from not_whole(legal)


def flag(_legal: Any, _bits: int | None) -> Iterator[Wrong]:
    """Yield nothing: what is no boolean is left open."""
    return iter(())


def dtype(_legal: Any, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong dtypes."""
    for value in ("float16", "int32", "complex64", "nonsense", np.float16, np.int64, bool):
        label = value if isinstance(value, str) else value.__name__
        yield Wrong(f"{label}-{type(value).__name__}", value, EITHER)


def no_number(legal: float = 0.5) -> Iterator[Wrong]:
    """Yield what is no real number, though it may stand for the legal one."""
    others: tuple[Any, ...] = (
        str(legal), str(legal).encode(), None, complex(legal), np.complex128(legal), 1j, [legal],
        (legal,), np.array([legal, legal]), {},
    )  # fmt: skip
    for value in others:
        label = f"{value}" if isinstance(value, complex) else ""
        yield Wrong(f"{type(value).__name__}{label}", value, EITHER)


def not_finite_number() -> Iterator[Wrong]:
    """Yield NaN and infinities."""
    for value in (math.nan, math.inf, -math.inf, np.float32(np.nan), np.float64(np.inf)):
        yield Wrong(f"{type(value).__name__}-{value}".lower(), value)


def scale(legal: float, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong scales."""
    yield from rate(legal, None)
    for label, zero in (("zero", 0.0), ("minus-zero", -0.0), ("integer-zero", 0)):
        yield Wrong(label, zero)


def rate(legal: float, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong rates."""
    yield from not_finite_number()
    yield from no_number(legal)
    for value in (-1.0, -1e-30, -1e30, -1):
        yield Wrong(f"{type(value).__name__}-{value:g}", value)


def real(legal: float, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong numbers."""
    yield from not_finite_number()
    yield from no_number(legal)


def target(legal: float, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong targets: an infinite one is legal."""
    for value in (math.nan, -math.inf, 0.0, -0.0, 0, -1, -4.0, -1e-300):
        yield Wrong(f"{type(value).__name__}-{value}".lower(), value)
    yield from no_number(legal)


def size(legal: int, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong strides, paddings and groups."""
    for value in (-1, -(2**31), np.int8(-1), -legal - 2):
        yield Wrong(f"{type(value).__name__}-{value}-from-{legal}", value)
    for wrong in not_whole(legal, EITHER):
        yield wrong._replace(label=f"{wrong.label}-for-{legal}")
    yield Wrong("pair", (legal, legal), EITHER)
