"""Illegal input that many operations have in common [S0.2], [S0.3]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.points import neighbours

__all__ = [
    "bad_codes", "bad_floats", "bad_scales", "bad_signs", "bad_slices", "bad_units", "bad_widths",
]  # fmt: skip


def bad_widths(author: Author, argument: str = "bits", low: int = 1, **others: Any) -> None:
    """Write widths that are no integer from `low` to 16."""
    values: list[tuple[Any, str]] = [
        (low - 1, "one below the least width"),
        (17, "one above the greatest width"),
        (-1, "a negative width"),
        (2**32 + 8, "a width that is legal in its low 32 bits"),
        (True, "a boolean is no width"),
        (8.0, "a float is no width"),
    ]
    for value, comment in values:
        kind = "WrongType" if isinstance(value, bool | float) else "WrongWidth"
        author.illegal(comment, kind, clauses=("S0.2",), **_with(others, argument, value))


def bad_slices(author: Author, **others: Any) -> None:
    """Write slices that are no integer with 1 <= k < bits."""
    values: list[tuple[int, Any, str]] = [
        (4, 0, "k = 0 slices nothing off"),
        (4, 4, "k = bits leaves nothing"),
        (4, 5, "k above bits"),
        (4, -1, "a negative k"),
        (1, 1, "a code of one bit has no slice"),
        (16, 16, "k = bits at the greatest width"),
        (4, True, "a boolean is no k"),
        (4, 1.0, "a float is no k"),
    ]
    for bits, k, comment in values:
        kind = "WrongType" if isinstance(k, bool | float) else "WrongWidth"
        author.illegal(comment, kind, clauses=("S0.2",), **others, bits=bits, k=k)


def bad_floats(author: Author, argument: str, good: list[float], **others: Any) -> None:
    """Write arrays that are not float32 or float64, or not finite."""
    for dtype in ("float32", "float64"):
        for bad in (math.nan, math.inf, -math.inf):
            author.illegal(
                f"{bad} among legal values, {dtype}", "NotFinite", clauses=("S0.3",),
                **_with(others, argument, np.array([*good, bad, *good], dtype)),
            )  # fmt: skip
    for dtype, errors in (
        ("int32", ("TypeError",)), ("int64", ("TypeError",)), ("uint8", ("TypeError",)),
        ("bool", ANY_ERROR), ("float16", ANY_ERROR),
    ):  # fmt: skip
        author.illegal(
            f"dtype {dtype}: nothing is promoted to float silently", "WrongType",
            errors=errors, clauses=("S0.3",), **_with(others, argument, np.array([0, 1], dtype)),
        )  # fmt: skip


def bad_units(author: Author, argument: str, clauses: tuple[str, ...], **others: Any) -> None:
    """Write these, and arrays of floats that leave the unit interval."""
    for dtype in ("float32", "float64"):
        for bad, comment in (
            (neighbours(0.0, dtype)[0], "the nearest number below 0"),
            (neighbours(1.0, dtype)[1], "the nearest number above 1"),
            (-0.5, "negative"),
            (255.0, "not scaled to the unit interval"),
        ):
            author.illegal(
                f"{comment}, {dtype}", "OutOfRange", clauses=clauses,
                **_with(others, argument, np.array([0.25, bad, 0.5], dtype)),
            )  # fmt: skip
    bad_floats(author, argument, [0.25, 0.5], **others)


def bad_codes(
    author: Author, argument: str, low: int, high: int, shape: tuple[int, ...] = (3,), **others: Any
) -> None:
    """Write codes outside their range, or no integers."""

    def codes(value: int, dtype: str) -> Any:
        array = np.full(shape, max(low, 0), dtype)
        array.flat[-1] = value
        return array

    for value, dtype, comment in (
        (low - 1, "int32", "one below the least code"),
        (high + 1, "int32", "one above the greatest code"),
        (2**32 + high, "int64", "a code that is legal in its low 32 bits"),
    ):
        author.illegal(
            comment, "OutOfRange", clauses=("S0.2",), **_with(others, argument, codes(value, dtype))
        )
    for dtype in ("float32", "float64", "bool"):
        author.illegal(
            f"codes of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",),
            **_with(others, argument, codes(high, dtype)),
        )  # fmt: skip


def bad_signs(author: Author, shape: tuple[int, ...], **others: Any) -> None:
    """Write signs that are not -1, 0 or 1, or not of the shape of the codes."""
    size = int(np.prod(shape))

    def signs(value: float, dtype: str) -> Any:
        return np.array([1] * (size - 1) + [value], dtype).reshape(shape)

    for value, dtype in ((2, "int32"), (-2, "int8"), (0.5, "float32"), (math.nan, "float64")):
        author.illegal(
            f"a sign of {value}", "OutOfRange", clauses=("S1.4",), **others,
            signs=signs(value, dtype),
        )  # fmt: skip
    author.illegal(
        "signs of another shape: nothing broadcasts", "WrongShape", clauses=("S1.4",), **others,
        signs=np.ones((*shape[:-1], 1) if shape[-1] > 1 else (*shape, 1), np.int32),
    )  # fmt: skip
    author.illegal(
        "signs of an unsigned dtype", "WrongType", errors=ANY_ERROR, clauses=("S1.4",), **others,
        signs=np.ones(shape, np.uint8),
    )  # fmt: skip


def bad_scales(author: Author, clauses: tuple[str, ...], **others: Any) -> None:
    """Write scales that are not positive and finite, in the arrays' dtype (float32) too."""
    for value, kind, comment in (
        (0.0, "OutOfRange", "zero"),
        (-0.0, "OutOfRange", "negative zero"),
        (-1.0, "OutOfRange", "negative"),
        (math.inf, "NotFinite", "infinite"),
        (math.nan, "NotFinite", "not a number"),
        (2.0**-150, "OutOfRange", "rounds to 0 in float32 (a tie, to even)"),
        (2.0**128, "OutOfRange", "rounds to infinity in float32"),
    ):
        author.illegal(f"a scale that is {comment}", kind, clauses=clauses, **others, scale=value)
    author.illegal(
        "a boolean is no scale", "WrongType", errors=ANY_ERROR, clauses=clauses, **others,
        scale=True,
    )  # fmt: skip


def _with(others: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**others, name: value}
