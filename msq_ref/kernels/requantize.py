"""Twin of `msq_ref.reference.requantize`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.requantize import requantize_factor

__all__ = ["requantize", "requantize_factor"]


def requantize(
    acc: NDArray[Any],
    multiplier: int | NDArray[Any],
    shift: int | NDArray[Any],
    zero_point: int | NDArray[Any],
    bits: int,
    signed: bool,
) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.requantize`, bit-identical [S9.4]."""
    a, m, s, z, low, high = checks.requantize_arguments(
        acc, multiplier, shift, zero_point, bits, signed
    )
    channels = a.shape[-1] if a.ndim else 1
    m, s, z = (np.ascontiguousarray(np.broadcast_to(value, (channels,))) for value in (m, s, z))
    codes = np.empty(a.shape, np.int32)
    lines = a.size // channels if channels else 0
    _requantize(a.reshape(lines, channels), m, s, z, low, high, codes.reshape(lines, channels))
    return codes


@njit(cache=True, nogil=True)
def _requantize(acc: Any, m: Any, s: Any, z: Any, low: int, high: int, codes: Any) -> None:
    for line in range(acc.shape[0]):
        for c in range(acc.shape[1]):
            rounded = (acc[line, c] * m[c] + (np.int64(1) << (s[c] - 1))) >> s[c]
            codes[line, c] = min(max(rounded + z[c], low), high)
