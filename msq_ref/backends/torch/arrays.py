"""Between NumPy and PyTorch, and the one order of sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from msq_ref.reference.sums import CHUNK, LANES

__all__ = ["array", "gradient", "integers", "ordered_sum", "tensor", "with_autograd"]


Operation = TypeVar("Operation", bound=Callable[..., Any])


def tensor(values: NDArray[Any]) -> torch.Tensor:
    """Return a tensor of its own memory: the caller's array may be read-only or unaligned."""
    return torch.from_numpy(np.array(values, order="C"))


def integers(values: NDArray[Any]) -> torch.Tensor:
    """Return an int64 tensor; PyTorch has few operations on unsigned numbers."""
    return torch.from_numpy(np.array(values, dtype=np.int64, order="C"))


def array(result: torch.Tensor) -> NDArray[Any]:
    """Return a NumPy array of its own memory, C-contiguous."""
    return np.array(result.detach().numpy(), order="C")


def gradient(
    function: Callable[[torch.Tensor], torch.Tensor],
    at: torch.Tensor,
    grad: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return dL/d`at` by autograd from dL/d`function`, 1 if not given."""
    at = at.clone().requires_grad_()
    (result,) = torch.autograd.grad(function(at), at, grad)
    return result


def with_autograd(function: Operation) -> Operation:
    """Let autograd record inside `function`, whatever gradient mode the caller is in."""
    return cast(Operation, torch.inference_mode(False)(torch.enable_grad()(function)))


def ordered_sum(values: torch.Tensor) -> torch.Tensor:
    """Sum in float64 in the order of [S0.5]: lanes, then chunks; PyTorch's own order may change."""
    flat = values.to(torch.float64).flatten()
    chunks = -(-flat.numel() // CHUNK)
    # One chunk needs no more rows than it has elements for: zeros at the end add nothing.
    length = CHUNK if chunks > 1 else -(-flat.numel() // LANES) * LANES
    padded = flat.new_zeros(chunks * length)
    padded[: flat.numel()] = flat
    lanes = flat.new_zeros(chunks, LANES)
    for row in padded.reshape(chunks, length // LANES, LANES).unbind(1):
        lanes = lanes + row
    totals = flat.new_zeros(chunks)
    for lane in lanes.unbind(1):
        totals = totals + lane
    result = flat.new_zeros(())
    for total in totals:
        result = result + total
    return result
