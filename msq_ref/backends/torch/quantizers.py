"""The unit interval to codes and back to weights [S2], [S1.2], [S1.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, tensor

__all__ = ["dequantize", "dorefa", "effective", "effective_signed", "roundclamp"]


def roundclamp(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits`` [S2.1], ``bitexact``; as `msq_ref.reference.roundclamp`."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return array(round_clamped(tensor(u), n).to(torch.int32))


def dorefa(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits - 1`` [S2.2], ``bitexact``; as `msq_ref.reference.dorefa`."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return array(torch.round((2**n - 1) * tensor(u)).to(torch.int32))


def dequantize(codes: NDArray[Any], bits: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Map codes to the unit interval [S2.3], ``bitexact``; as `msq_ref.reference.dequantize`."""
    n = checks.bit_width(bits)
    c = checks.code_array("codes", codes, n)
    kind = checks.float_dtype("dtype", dtype)
    return array(tensor(c.astype(kind)) / (2**n - 1))


def effective(q: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * (2 q - 1)`` [S1.2], ``bitexact``; as `msq_ref.reference.effective`."""
    q = checks.unit_array("q", q)
    factor = checks.positive_scale("scale", scale, q.dtype)
    return array(float(factor) * (2 * tensor(q) - 1))


def effective_signed(q: NDArray[Any], signs: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * sign * q`` [S1.4], ``bitexact``; as `msq_ref.reference.effective_signed`."""
    q = checks.unit_array("q", q)
    s = checks.sign_array("signs", signs, q.shape)
    factor = checks.positive_scale("scale", scale, q.dtype)
    return array(float(factor) * tensor(s.astype(q.dtype)) * tensor(q))


def round_clamped(u: torch.Tensor, n: int) -> torch.Tensor:
    """Return RoundClamp's codes in the dtype of `u`: whole numbers below 2^16 are exact there."""
    return torch.round(2**n * u).clamp(max=2**n - 1)
