"""Twins of `msq_ref.reference.regularizer`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.fused import sliced

__all__ = ["lsb_l1", "lsb_l1_codes", "lsb_l1_grad"]


def lsb_l1_codes(u: NDArray[Any], bits: int, k: int) -> int:
    """Twin of `msq_ref.reference.lsb_l1_codes`, bit-identical [S4.1]."""
    return sliced(u, bits, k).l1_codes


def lsb_l1(u: NDArray[Any], bits: int, k: int) -> float:
    """Twin of `msq_ref.reference.lsb_l1`, bit-identical [S4.1]."""
    return lsb_l1_codes(u, bits, k) / 2 ** checks.bit_width(bits)


def lsb_l1_grad(u: NDArray[Any], bits: int, k: int) -> NDArray[Any]:
    """Twin of `msq_ref.reference.lsb_l1_grad`, bit-identical [S4.2]."""
    return sliced(u, bits, k).lsb_grad
