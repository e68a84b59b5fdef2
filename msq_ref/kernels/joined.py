"""Activations that a kernel applies in a pass of its own work: a pass over memory is saved.

Which one is in the *type* of an argument, a tuple of None of some length: each is compiled once,
and Numba's cache on disk tells them apart. The operations are those of `relu` and `hard_swish`, so
that one pass gives the bits of two.
"""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["HARD_SWISH", "NOTHING", "RELU", "Activation", "activated", "through"]

Activation = tuple[None, ...]
"""The type of an activation; its length says which."""

NOTHING: Activation = ()
RELU: Activation = (None,)
HARD_SWISH: Activation = (None, None)
"""The activations there are."""


@njit(cache=True, nogil=True, error_model="numpy")
def activated(kind: Any, v: Any, zero: Any, three: Any, six: Any) -> Any:
    """Return the activation of a number; NaN stays."""
    if len(kind) == 1:
        return zero if v <= zero else v
    if len(kind) == 2:
        shifted = v + three
        shifted = zero if shifted < zero else shifted
        return v * ((six if shifted > six else shifted) / six)
    return v


@njit(cache=True, nogil=True, error_model="numpy")
def through(kind: Any, g: Any, v: Any, zero: Any, three: Any, six: Any) -> Any:
    """Return the gradient with respect to v of what follows with gradient g."""
    if len(kind) == 1:
        return g if v > zero else zero
    if len(kind) == 2:
        half, one = three / six, six / six
        bent, straight = v / three + half, zero if v < three else one
        return g * (bent if (v > -three) & (v < three) else straight)
    return g
