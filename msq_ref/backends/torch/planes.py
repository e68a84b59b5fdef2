"""Bit planes of finished codes [S3.3], [S9.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, integers

__all__ = ["bit_planes", "from_bit_planes"]


def bit_planes(codes: NDArray[Any], bits: int, signed: bool = False) -> NDArray[np.uint8]:
    """Split codes into bit planes [S3.3], ``bitexact``; as `msq_ref.reference.bit_planes`."""
    n = checks.bit_width(bits)
    c = integers(checks.integer_array("codes", codes, *checks.code_range(n, signed)))
    # An arithmetic shift of a two's complement number shows its bits, the sign's included.
    return array(torch.stack([(c >> j) & 1 for j in range(n)]).to(torch.uint8))


def from_bit_planes(planes: NDArray[Any], signed: bool = False) -> NDArray[np.int32]:
    """Put codes together [S3.3], ``bitexact``; as `msq_ref.reference.from_bit_planes`."""
    b = checks.integer_array("planes", planes, 0, 1)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (bits, ...)")
    n = checks.bit_width(b.shape[0], name="planes.shape[0]")
    weights = plane_weights(n, signed).reshape(n, *(1,) * (b.ndim - 1))
    return array((weights * integers(b)).sum(0).to(torch.int32))


def plane_weights(n: int, signed: bool) -> torch.Tensor:
    """Return what each plane counts: powers of two, the last one negative if `signed`."""
    weights = [1 << j for j in range(n)]
    if signed:
        weights[-1] = -weights[-1]
    return torch.tensor(weights, dtype=torch.int64, device="cpu")
