"""Wrong sequences, one entry a layer: a wrong entry, or another length [S0.2]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from msq_ref.conformance.cases.wrong.scalars import (
    no_number,
    no_width,
    not_finite_number,
    not_whole,
    real,
)
from msq_ref.conformance.cases.wrong.value import EITHER, Wrong

__all__ = [
    "rates", "sensitivities", "sizes", "steps", "thresholds",
    "widths",
]  # fmt: skip


def in_sequence(items: list[Any], wrong: list[Wrong]) -> Iterator[Wrong]:
    """Yield sequences with one wrong entry: the first, one inside, or the last."""
    for i, entry in enumerate(wrong):
        changed = list(items)
        changed[(0, 1, -1)[i % 3]] = entry.value
        yield Wrong(f"entry-{entry.label}", changed, entry.errors)


def other_lengths(items: list[Any]) -> Iterator[Wrong]:
    """Yield sequences of another length."""
    yield Wrong("shorter", items[:-1])
    yield Wrong("longer", [*items, items[-1]])
    yield Wrong("empty", [])
    yield Wrong("one", items[:1])


def widths(legal: list[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong widths, one a layer."""
    yield from in_sequence(legal, list(no_width()))
    yield from other_lengths(legal)


def rates(legal: list[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong nonzero rates, one a layer."""
    not_finite = (wrong.value for wrong in not_finite_number())
    numbers = [-0.1, 1.1, math.nextafter(1, 2), -1e-300, -1, 2, *not_finite]
    wrong = [Wrong(f"{type(value).__name__}-{value}".lower(), value) for value in numbers]
    yield from in_sequence(legal, [*wrong, *no_number()])
    yield from other_lengths(legal)


def steps(legal: list[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong numbers of bits to drop, one a layer."""
    wrong = [Wrong(f"{value}", value) for value in (-1, -(2**40))]
    wrong.append(Wrong("int8--1", np.int8(-1)))
    yield from in_sequence(legal, [*wrong, *not_whole(legal[0], EITHER)])
    yield from other_lengths(legal)


def sizes(legal: list[Any], bits: int | None) -> Iterator[Wrong]:
    """Yield wrong sizes, one a layer."""
    yield from steps(legal, bits)
    yield Wrong("all-zero", [0] * len(legal))


def thresholds(_legal: Any, _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong thresholds, one or one a layer."""
    yield from real(0.3, None)
    yield from in_sequence([0.3, 0.2, 0.1], [*not_finite_number(), Wrong("text", "x", EITHER)])
    yield from other_lengths([0.3, 0.2, 0.1])


def sensitivities(legal: list[Any], _bits: int | None) -> Iterator[Wrong]:
    """Yield wrong sensitivities, one a layer."""
    yield Wrong("empty", [])
    yield Wrong("empty-tuple", ())
    yield from in_sequence(legal, [*not_finite_number(), *no_number()])
