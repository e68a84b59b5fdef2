"""The operations with a tolerance, evaluated in wider precision: what theirs is measured from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.contract import BITEXACT, operation
from msq_ref.reference.normalize import attains_maximum

__all__ = ["GRADIENT_EPS", "UNIT_EPS", "Bound", "bound_of"]

UNIT_EPS = 2
"""Error of u that is allowed, in eps of its dtype [S1.1]."""

GRADIENT_EPS = 16
"""Error of a gradient that is allowed, in eps times the largest gradient [S1.3]."""


@dataclass(frozen=True)
class Bound:
    """The result as exactly as it can be had, and how far from it another may be."""

    exact: NDArray[Any]
    allowed: float


def bound_of(name: str, required: Sequence[Any], optional: Mapping[str, Any]) -> Bound | None:
    """Return the bound of a legal call; None if the operation is ``bitexact``.

    float32 is evaluated in float64, float64 in ``long double``; where that is no wider, the result
    is only as good as the definition's own.

    Parameters
    ----------
    name : str
    required, optional
        The arguments.

    Notes
    -----
    [S1.1]; [S1.3] and [S1.4], where the largest gradient is the larger of that of the whole
    expression and that with the maximum held constant: the first may cancel to nothing.
    """
    if operation(name).exactness == BITEXACT:
        return None
    with np.errstate(all="ignore"):
        if name == "normalize":
            return _normalize(*required)
        return _backward(name, *required, **optional)


def _normalize(w: NDArray[Any]) -> Bound:
    t = np.tanh(_widened(w))
    m = np.abs(t).max()
    u = t / (2 * m) + 0.5 if m else np.full_like(t, 0.5)
    return Bound(np.asarray(u), UNIT_EPS * _eps(w))


def _backward(
    name: str, grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> Bound:
    wide, grad = _widened(w), _widened(grad_u)
    if name == "normalize_backward":
        attained = attains_maximum(w, np.tanh(w))
        t, slope = np.tanh(wide), 0.5 / np.cosh(wide) ** 2
    else:
        attained = attains_maximum(w, w)
        t, slope, grad = wide, np.ones_like(wide), grad * np.sign(wide)
    m = np.abs(t).max()
    if not m:
        return Bound(np.zeros_like(wide), 0.0)
    pull = (grad * (t / m)).sum() / np.count_nonzero(attained)
    held = grad / m * slope
    whole = (grad - np.where(attained, np.sign(t) * pull, 0)) / m * slope
    largest = float(max(np.abs(held).max(), np.abs(whole).max()))
    # Nothing can be nearer than the step of subnormal numbers.
    allowed = max(GRADIENT_EPS * _eps(w) * largest, float(np.finfo(w.dtype).smallest_subnormal))
    return Bound(whole if max_gradient else held, allowed)


def _widened(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float64 if values.dtype.itemsize == 4 else np.longdouble)


def _eps(values: NDArray[Any]) -> float:
    return float(np.finfo(values.dtype).eps)
