"""Both normalizations: where the maximum lies, ties of it, saturation, ends of the range [S1]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.examples import grid_weights
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import BIG, FLOATS, MAIN, Plan, flag_name
from msq_ref.conformance.cases.points import subnormals

__all__ = ["backward_cases", "normalization_cases"]

Weights = Iterator[tuple[str, NDArray[Any]]]

SIZE = 7
"""Elements of small cases: one shape."""

FORMS_OF_ALL = ("strided", "two-axes", "four-axes")

TELLING = ("all-zero", "mixed/negative-maximum", "tie/three-mixed", "zeros-and-one")
"""Weights that are tried in each form; the others take turns."""

CLEAR = 4e-6
"""A gap relative to the maximum that is clear in float32 also behind the tanh [S1.3]."""


def normalization_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``normalize`` or ``normalize_signed``."""
    for dtype in FLOATS:
        for label, w in [*_small(dtype), *_extreme(dtype)]:
            yield from in_forms(case_of(f"{name}/{label}/{dtype}", name, w))
        for label, w in _large(plan, dtype):
            yield case_of(f"{name}/{label}/{dtype}", name, w)
        for i in range(plan.pick(0, 60, 600)):
            rng = plan.rng(name, i)
            w = rng.standard_normal(MAIN) * np.exp(rng.normal(0, 3))
            yield case_of(f"{name}/random/{i}/{dtype}", name, w.astype(dtype))


def backward_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``normalize_backward`` or ``normalize_signed_backward``.

    Weights are equal or clearly apart: near the maximum nothing else is defined [S1.3].
    """
    for dtype in FLOATS:
        for number, (label, w) in enumerate([*_small(dtype), *_tied(dtype)]):
            forms = FORMS_OF_ALL if label in TELLING else FORMS_OF_ALL[number % 3 :][:1]
            for way, grad in _gradients(w):
                if way not in ("ramp", "ones") and not label.startswith(("mixed", "tie")):
                    continue
                for case in _held_or_not(name, f"{label}/{way}/{dtype}", grad, w):
                    yield from in_forms(case, forms if way == "ramp" else ())
        for label, w in _large(plan, dtype):
            grad = plan.rng(name, label).standard_normal(w.size).astype(dtype)
            yield from _held_or_not(name, f"{label}/{dtype}", grad, w)
        w = np.where(np.arange(BIG) == BIG - 2, 1.5, 0.125).astype(dtype)
        yield from _held_or_not(name, f"long/equal/{dtype}", np.ones_like(w), w)
        for i in range(plan.pick(0, 60, 600)):
            rng = plan.rng(name, i)
            w = grid_weights(rng, (SIZE,), dtype)
            yield from _held_or_not(
                name, f"random/{i}/{dtype}", rng.standard_normal(SIZE).astype(dtype), w
            )
        for label, w in _subnormal_weights(dtype):
            grad = np.array([1, -2, 3, 0.5, -0.25, 4, 1]) * 2.0**-60
            yield from _held_or_not(name, f"{label}/{dtype}", grad.astype(dtype), w)


def _held_or_not(name: str, label: str, grad: NDArray[Any], w: NDArray[Any]) -> Iterator[Case]:
    yield case_of(f"{name}/{label}/default", name, grad, w)
    yield case_of(f"{name}/{label}/held", name, grad, w, max_gradient=False)
    if label.startswith("mixed"):
        for flag in (True, np.True_, np.False_):
            id = f"{name}/{label}/flag-{flag_name(flag)}"
            yield case_of(id, name, grad, w, max_gradient=flag)


def _small(dtype: np.dtype[Any]) -> Weights:
    """Yield weights whose maximum is positive, negative, first, last, alone or nothing."""
    rows = {
        "mixed/positive-maximum": [0.5, -0.3, 1.7, 0.01, -1.2, 0.0, 0.9],
        "mixed/negative-maximum": [0.5, -0.3, -1.7, 0.01, 1.2, 0.0, -0.9],
        "first": [1.5, 0.25, -0.5, 0.125, 0.75, -1, 0.5],
        "last": [0.25, -0.5, 0.125, 0.75, -1, 0.5, -1.5],
        "all-negative": [-0.5, -0.3, -1.7, -0.01, -1.2, -0.2, -0.9],
        "all-positive": [0.5, 0.3, 1.7, 0.01, 1.2, 0.2, 0.9],
        "all-zero": [0.0] * SIZE,
        "minus-zeros": [-0.0, 0.0, -0.0, -0.0, 0.0, 0.0, -0.0],
        "zeros-and-one": [0, 0, -0.0, 0.25, 0, 0, 0],
        "zeros-and-minus-one": [0, 0, -0.0, -0.25, 0, 0, 0],
        "below-one": [1e-3, -2e-3, 5e-4, 1e-4, -1e-3, 1.5e-3, 7e-4],
        "above-one": [4.0, -3.0, 2.5, 1.0, -0.5, 3.5, 0.1],
    }
    for label, row in rows.items():
        yield label, np.array(row, dtype)
    for value in (0.7, -0.7, 0.0, -1e-3, 5.0):
        yield f"one-element/{value:g}", np.array([value], dtype)


def _tied(dtype: np.dtype[Any]) -> Weights:
    """Yield weights of which several attain the maximum, some with opposite signs; and not quite.

    Where tanh saturates, 1 - tanh^2 cancels; where cosh overflows, the slope is 0.
    """
    rows = {
        "tie/two": [1.5, 0.25, 1.5, -0.5, 0.125, 0.75, 0],
        "tie/two-negative": [-1.5, 0.25, -1.5, -0.5, 0.125, 0.75, 0],
        "tie/opposite": [0.25, 1.5, -0.5, -1.5, 0.125, 0.75, 0],
        "tie/three-mixed": [1.5, -1.5, 0.25, 0.5, -0.125, -1.5, 0],
        "tie/all": [0.5] * SIZE,
        "tie/all-mixed": [0.5, -0.5, -0.5, 0.5, 0.5, -0.5, -0.5],
        "tie/first-and-last": [-0.75, 0.5, 0.25, 0.125, 0, -0.5, 0.75],
        "near-tie/above": [1 + CLEAR, 1, 0.25, -0.5, 0.125, 0.75, 0],
        "near-tie/below": [1, -1 + CLEAR, 0.25, -0.5, 0.125, 0.75, 0],
        "saturating": [6, 7, -0.5, 2, -5, 3, 0.25],
        "saturating/tie": [6, 7, -0.5, -7, -5, 3, 0.25],
        "saturated": [30, 0.5, -0.25, 0.125, -1, 0, 2],
        "overflowing": [-2000, 0.5, -0.25, 0.125, -1, 0, 2],
    }
    for label, row in rows.items():
        yield label, np.array(row, dtype)
    huge = float(np.finfo(dtype).max) / 4
    yield "huge", np.array([huge, 0.5, -huge / 2, 0.125, -1, 0, 2], dtype)


def _gradients(w: NDArray[Any]) -> Weights:
    """Yield gradients: all different, those that pull on one element only, large and small ones."""
    ramp = np.array([0.3, -0.7, 1.1, 0.9, -0.2, 0.45, -1.3])[: w.size]
    yield "ramp", ramp.astype(w.dtype)
    yield "ones", np.ones_like(w)
    single = np.zeros_like(w)
    single[w.size // 2] = -3
    yield "single", single
    yield "large", (ramp * 1e6).astype(w.dtype)
    yield "small", (ramp * 1e-12).astype(w.dtype)
    yield "zero", np.zeros_like(w)


def _large(plan: Plan, dtype: np.dtype[Any]) -> Weights:
    rng = plan.rng("weights", "large")
    bell = grid_weights(rng, (MAIN,), np.dtype(float)) * rng.random(MAIN)
    bell[1717] = -2.5
    yield "bell/negative-maximum", bell.astype(dtype)
    bell[-1] = 3
    yield "bell/last-maximum", bell.astype(dtype)
    ties = grid_weights(rng, (MAIN,), dtype)
    yield "bell/ties", ties
    long = grid_weights(rng, (BIG,), np.dtype(float)) * rng.random(BIG)
    long[100_003] = 2.125
    yield "bell/long", long.astype(dtype)


def _extreme(dtype: np.dtype[Any]) -> Weights:
    """Yield weights at the ends of the range, and many that saturate the tanh."""
    info = np.finfo(dtype)
    yield "saturated/many", np.array([20, -21, 22, 19.5, -30, 0.5, 25], dtype)
    yield "saturated/all", np.array([20, -21, 22, 40, -30, 100, 1000], dtype)
    largest = float(info.max)
    yield "largest", np.array([largest, -largest, largest / 3, 1, 0, -2, largest / 2], dtype)
    tiny = float(info.tiny)
    yield "smallest-normal", np.array([tiny, -2 * tiny, 3 * tiny, 0, tiny, 5 * tiny, 0], dtype)
    yield "wide-range", np.array([1e-30, 1, -1e-10, 1e-20, 0.1, -1e-5, 1e-3], dtype)
    yield from _subnormal_weights(dtype)


def _subnormal_weights(dtype: np.dtype[Any]) -> Weights:
    yield "subnormal/all", subnormals(dtype)[:SIZE] * np.array([1, -1, 1, -1, 1, -1, 1], dtype)
    least = float(np.finfo(dtype).smallest_subnormal)
    yield "subnormal/least", np.array([least, 0, -least, 0, 0, 0, 0], dtype)


