"""What holds for both normalizations and their derivatives, whoever computes them [S1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import (
    Scope,
    dtypes,
    finite_arrays,
    grid_arrays,
    shapes,
)

__all__: list[str] = []

Array = NDArray[Any]


@st.composite
def _weights(draw: Any, scope: Scope) -> tuple[Array]:
    dtype, shape = draw(dtypes()), draw(shapes(scope, empty=False))
    return (draw(finite_arrays(scope, shape, dtype, draw(st.sampled_from([1e-3, 2.0, 1e6])))),)


@st.composite
def _gradients(draw: Any, scope: Scope) -> tuple[Array, Array]:
    dtype, shape = draw(dtypes()), draw(shapes(scope, empty=False))
    grad = draw(finite_arrays(scope, shape, dtype, 1e3))
    # The tolerances are of normal numbers.
    grad = np.where(np.abs(grad) < 1e-6, 0, grad).astype(dtype)
    return grad, draw(grid_arrays(shape, dtype))


def _eps(w: Array) -> float:
    return float(np.finfo(w.dtype).eps)


def _close(one: Array, other: Array, allowed: float) -> bool:
    return bool((np.abs(np.asarray(one, np.float64) - other) <= allowed).all())


@about("normalize", clauses="S1.1", given=_weights)
def odd_about_half(call: Calls, w: Array) -> bool:
    """The sum of u of w and of -w is 1."""
    there, back = call("normalize", w), call("normalize", -w)
    return _close(np.asarray(there, np.float64) + back, np.ones(w.shape), 4 * _eps(w))


@about("normalize", clauses="S1.1", given=_weights)
def in_unit_interval(call: Calls, w: Array) -> bool:
    """U lies in [0, 1], what is largest in magnitude at an end, 0 in the middle."""
    u = np.asarray(call("normalize", w), np.float64)
    m = np.abs(w).max()
    ends = np.where(w > 0, 1.0, 0.0) if m else np.full(w.shape, 0.5)
    at_end = np.where(np.abs(w) == m, np.abs(u - ends), 0) <= 2 * _eps(w)
    middle = np.where(w == 0, np.abs(u - 0.5), 0) <= 2 * _eps(w)
    return bool(((u >= 0) & (u <= 1) & at_end & middle).all())


@about("normalize", clauses="S1.1", given=_weights)
def permuted(call: Calls, w: Array) -> bool:
    """Reversed weights give reversed results."""
    there = np.asarray(call("normalize", w.ravel()), np.float64)
    return _close(call("normalize", w.ravel()[::-1].copy())[::-1], there, 4 * _eps(w))


@about("normalize_signed", clauses="S1.4", given=_weights)
def even(call: Calls, w: Array) -> bool:
    """The magnitude does not depend on the sign, lies in [0, 1], and is 1 at the largest."""
    u = np.asarray(call("normalize_signed", w))
    m = np.abs(w).max()
    largest = np.where(np.abs(w) == m, u == (1 if m else 0), True)
    inside = (u >= 0) & (u <= 1)
    return bool((u == call("normalize_signed", -w)).all() and (largest & inside).all())


@st.composite
def _scaled(draw: Any, scope: Scope) -> tuple[Array, int]:
    dtype, shape = draw(dtypes()), draw(shapes(scope, empty=False))
    return draw(grid_arrays(shape, dtype)), draw(st.integers(-20, 20))


@about("normalize_signed", clauses="S1.4", given=_scaled)
def scale_free(call: Calls, w: Array, shift: int) -> bool:
    """Weights times a power of two have the same magnitudes, to the bit."""
    scaled = w * w.dtype.type(2.0**shift)
    return bool((call("normalize_signed", w) == call("normalize_signed", scaled)).all())


@about("normalize_signed_backward", clauses="S1.4", given=_gradients)
def orthogonal(call: Calls, grad: Array, w: Array) -> bool:
    """The derivative has no part along w: the scale of the weights does not matter."""
    terms = np.asarray(call("normalize_signed_backward", grad, w), np.float64) * w
    largest = np.abs(grad).max() * max(np.abs(w).size, 1)
    return bool(abs(terms.sum()) <= 64 * _eps(w) * largest)


@about("normalize_signed_backward", clauses="S1.4", given=_gradients)
def nothing_at_zero(call: Calls, grad: Array, w: Array) -> bool:
    """An exactly zero weight gets no gradient."""
    held = call("normalize_signed_backward", grad, w, max_gradient=False)
    whole = call("normalize_signed_backward", grad, w)
    return not np.any(np.where(w == 0, held, 0)) and not np.any(np.where(w == 0, whole, 0))


@about("normalize_signed_backward", clauses="S1.4", given=_gradients)
def held_maximum(call: Calls, grad: Array, w: Array) -> bool:
    """With the maximum held constant, the derivative is that of |w| over a constant."""
    m = float(np.abs(w).max())
    expected = np.sign(w).astype(np.float64) * grad / m if m else np.zeros(w.shape)
    got = call("normalize_signed_backward", grad, w, max_gradient=False)
    return _close(got, expected, 16 * _eps(w) * float(np.abs(expected).max()))


@about("normalize_backward", clauses="S1.3", given=_gradients)
def orthogonal_behind_tanh(call: Calls, grad: Array, w: Array) -> bool:
    """The derivative with respect to tanh(w) has no part along tanh(w)."""
    wide = w.astype(np.float64)
    through = np.asarray(call("normalize_backward", grad, w), np.float64) * np.cosh(wide) ** 2
    # The slope at |w| <= 3 is at least 1/100 of that at 0.
    largest = np.abs(grad).max() * 100 * w.size
    return bool(abs((through * np.tanh(wide)).sum()) <= 64 * _eps(w) * largest)


@about("normalize_backward", clauses="S1.3", given=_gradients)
def held_maximum_behind_tanh(call: Calls, grad: Array, w: Array) -> bool:
    """With the maximum held constant, the derivative is that of tanh(w) over a constant."""
    wide = w.astype(np.float64)
    m = float(np.abs(np.tanh(wide)).max())
    expected = grad / (2 * m * np.cosh(wide) ** 2) if m else np.zeros(w.shape)
    got = call("normalize_backward", grad, w, max_gradient=False)
    return _close(got, expected, 16 * _eps(w) * float(np.abs(expected).max()))


@about("normalize_backward", clauses="S1.3", given=_gradients)
def linear(call: Calls, grad: Array, w: Array) -> bool:
    """A gradient times -4 gives a derivative times -4."""
    once = np.asarray(call("normalize_backward", grad, w), np.float64)
    more = np.asarray(call("normalize_backward", -4 * grad, w), np.float64)
    held = np.asarray(call("normalize_backward", grad, w, max_gradient=False), np.float64)
    largest = float(max(np.abs(once).max(), np.abs(held).max()))
    return _close(more, -4 * once, 128 * _eps(w) * largest)


@about("normalize_backward", "normalize", clauses="S1.3", given=_gradients)
def slope_of_normalize(call: Calls, grad: Array, w: Array) -> bool:
    """In float64 the derivative is the slope of `normalize`, by central differences."""
    w, grad = w.astype(np.float64).ravel(), grad.astype(np.float64).ravel()
    magnitude = np.sort(np.abs(w))
    if magnitude[-1] == 0 or (w.size > 1 and magnitude[-1] == magnitude[-2]):
        return True  # a kink
    direction = np.cos(np.arange(w.size) + 1.0)
    step = 2.0**-14
    ahead = call("normalize", w + step * direction)
    behind = call("normalize", w - step * direction)
    slope = float((grad * (ahead - behind)).sum()) / (2 * step)
    derivative = float((call("normalize_backward", grad, w) * direction).sum())
    # The maximum is at least 1/8: the third derivative is below 10^4.
    return abs(slope - derivative) <= 1e-4 * float(np.abs(grad).sum()) / magnitude[-1] ** 2
