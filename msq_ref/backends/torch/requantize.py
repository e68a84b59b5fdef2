"""From an accumulator back to a code [S9.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, integers

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
    *arrays, low, high = checks.requantize_arguments(
        acc, multiplier, shift, zero_point, bits, signed
    )
    a, m, s, z = (integers(values) for values in arrays)
    half = torch.ones_like(s) << (s - 1)
    scaled = (a * m + half) >> s  # of int64, which is arithmetic in PyTorch
    return array((scaled + z).clamp(low, high).to(torch.int32))
