"""Checks of what an optimizer is given [S12]."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_ref.checks.arguments import layer_arrays, rounded_rates
from msq_ref.checks.arrays import FloatArray, same_shape
from msq_ref.checks.scalars import integer, positive_scale, real

__all__ = ["AdamWFactors", "adamw_factors", "in_place", "sgd_rates"]


class AdamWFactors(NamedTuple):
    """The scalars of a step of AdamW, computed in float64 and rounded to one dtype [S12.2]."""

    keep: Any
    """``1 - lr * weight_decay``."""
    beta1: Any
    rest1: Any
    """``1 - beta1``."""
    beta2: Any
    rest2: Any
    """``1 - beta2``."""
    root: Any
    """``sqrt(1 - beta2^step)``."""
    eps: Any
    rate: Any
    """``lr / (1 - beta1^step)``."""


def sgd_rates(
    dtype: np.dtype[Any], lr: object, momentum: object, weight_decay: object
) -> tuple[Any, ...]:
    """Return `rounded_rates`, without a word where one becomes infinite: IEEE decides [S12.1]."""
    with np.errstate(over="ignore"):
        return rounded_rates(dtype, lr, momentum, weight_decay)


def adamw_factors(
    dtype: np.dtype[Any], lr: object, beta1: object, beta2: object, eps: object,
    weight_decay: object, step: object,
) -> AdamWFactors:  # fmt: skip
    """Check the scalars of `adamw_step` and return what its equations need [S12.2].

    Raises
    ------
    TypeError
        If a scalar is not a real number.
    ValueError
        If a beta is not in [0, 1), `eps` is not positive in the dtype, `lr` or `weight_decay` is
        negative, or `step` is not a positive integer.
    """
    rate, decay = real("lr", lr, 0), real("weight_decay", weight_decay, 0)
    first, second = (real(name, beta, 0) for name, beta in (("beta1", beta1), ("beta2", beta2)))
    for name, beta in (("beta1", first), ("beta2", second)):
        if beta >= 1:
            raise ValueError(f"{name} = {beta}: expected a real number in [0, 1)")
    count = integer("step", step, 1)
    small = positive_scale("eps", eps, dtype)
    wide = (
        1 - rate * decay, first, 1 - first, second, 1 - second, math.sqrt(1 - second**count),
        float(small), rate / (1 - first**count),
    )  # fmt: skip
    with np.errstate(over="ignore"):  # IEEE decides
        return AdamWFactors(*(dtype.type(value) for value in wide))


def in_place(w: FloatArray, grad: object, **moments: FloatArray) -> FloatArray:
    """Check arrays that an update overwrites, and return the gradient, C-contiguous.

    Raises
    ------
    TypeError
        If dtypes differ or are not float32 or float64.
    ValueError
        If shapes differ, or an array to overwrite is not one that can be: an ndarray in native
        byte order, C-contiguous and writable.
    """
    *_, gradient = layer_arrays(w=w, **moments, grad=grad)
    same_shape("grad", gradient.shape, w.shape)
    written: dict[str, NDArray[Any]] = {"w": w, **moments}
    for name, array in written.items():
        same_shape(name, array.shape, w.shape)
        flags = array.flags
        if not (flags.c_contiguous and flags.writeable and array.dtype.isnative):
            raise ValueError(
                f"{name} cannot be updated in place: expected a writable, C-contiguous array in "
                f"native byte order"
            )
    return gradient
