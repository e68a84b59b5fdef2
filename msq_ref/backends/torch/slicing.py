"""The low bits and the force on them [S3], [S4]."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, gradient, tensor, with_autograd
from msq_ref.backends.torch.quantizers import round_clamped

__all__ = ["lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate"]


def lsb(u: NDArray[Any], bits: int, k: int) -> NDArray[np.int32]:
    """Slice the k low bits off by rounding [S3.1], ``bitexact``; as `msq_ref.reference.lsb`."""
    return array(_checked_lsb(u, bits, k).to(torch.int32))


def lsb_l1_codes(u: NDArray[Any], bits: int, k: int) -> int:
    """Return ``sum |B_k|`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1_codes`."""
    return int(_checked_lsb(u, bits, k).abs().sum())


def lsb_l1(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``sum |B_k| / 2^n`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1`."""
    return lsb_l1_codes(u, bits, k) / 2 ** checks.bit_width(bits)


@with_autograd
def lsb_l1_grad(u: NDArray[Any], bits: int, k: int) -> NDArray[Any]:
    """Return the gradient of `lsb_l1`, ``sign(B_k)``, by autograd [S4.2], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.lsb_l1_grad`.
    """
    u, n, k = checks.slice_arguments(u, bits, k)

    def regularizer(unit: torch.Tensor) -> torch.Tensor:
        coarse = round_clamped(unit.detach(), n - k)  # constant, else the gradient is 0 [S4.2]
        return (_RoundClamp.apply(unit, n) - 2**k * coarse).abs().sum() / 2**n

    return array(gradient(regularizer, tensor(u)))


def lsb_nonzero_rate(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``nnz(B_k) / size`` [S3.4], ``bitexact``; as `msq_ref.reference.lsb_nonzero_rate`."""
    u = checks.float_array("u", u, allow_empty=False)
    return int(_checked_lsb(u, bits, k).count_nonzero()) / u.size


def _checked_lsb(u: NDArray[Any], bits: int, k: int) -> torch.Tensor:
    u, n, k = checks.slice_arguments(u, bits, k)
    unit = tensor(u)
    low = round_clamped(unit, n) - 2**k * round_clamped(unit, n - k)
    return low.to(torch.int64)


class _RoundClamp(torch.autograd.Function):
    """RoundClamp with the straight-through gradient, also where it clamps [S2.4]."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor, n: int) -> torch.Tensor:  # noqa: ANN401
        ctx.scale = 2**n
        return round_clamped(u, n)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return ctx.scale * grad, None
