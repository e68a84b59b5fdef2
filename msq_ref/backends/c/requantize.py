"""From an accumulator back to a code, in C [S9.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call

__all__ = ["requantize"]


def requantize(
    acc: NDArray[Any],
    multiplier: int | NDArray[Any],
    shift: int | NDArray[Any],
    zero_point: int | NDArray[Any],
    bits: int,
    signed: bool,
) -> NDArray[np.int32]:
    """Return ``((acc * m + 2^(s-1)) >> s) + z``, clamped [S9.4], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.requantize`.
    """
    a, *parameters, low, high = checks.requantize_arguments(
        acc, multiplier, shift, zero_point, bits, signed
    )
    channels = np.broadcast_shapes((1,), *(value.shape for value in parameters))
    each = (np.ascontiguousarray(np.broadcast_to(value, channels)) for value in parameters)
    codes = np.empty(a.shape, np.int32)
    call("requantize", a.size, *channels, a, *each, low, high, codes)
    return codes
