"""Weights to the unit interval, and autograd through the maximum [S1]."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

from msq_ref import checks
from msq_ref.backends.torch.arrays import array, gradient, ordered_sum, tensor, with_autograd

__all__ = ["normalize", "normalize_backward", "normalize_signed", "normalize_signed_backward"]


def normalize(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``offset`` domain [S1.1], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize`.
    """
    t = torch.tanh(tensor(checks.float_array("w", w, allow_empty=False)))
    m = t.abs().amax()
    return array(t / (2 * m) + 0.5 if m else torch.full_like(t, 0.5))


def normalize_signed(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``signed`` domain [S1.4], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed`.
    """
    magnitude = tensor(checks.float_array("w", w, allow_empty=False)).abs()
    m = magnitude.amax()
    return array(magnitude / m if m else magnitude)


@with_autograd
def normalize_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize` to dL/dw by autograd [S1.3], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_backward`.
    """
    w, grad_u = checks.gradient_pair(grad_u, w)
    weights = tensor(w)
    tied = _attains_maximum(weights, torch.tanh(weights))

    def unit(wide: torch.Tensor) -> torch.Tensor:
        return 0.5 * _over_maximum(_Tanh.apply(wide), tied, max_gradient) + 0.5

    return _backward(unit, weights, tensor(grad_u))


@with_autograd
def normalize_signed_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize_signed` to dL/dw by autograd [S1.4], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed_backward`.
    """
    w, grad_u = checks.gradient_pair(grad_u, w)
    weights = tensor(w)
    tied = _attains_maximum(weights, weights)

    def unit(wide: torch.Tensor) -> torch.Tensor:
        # The gradient of abs is the sign, 0 at 0: the sign is constant.
        return _over_maximum(wide.abs(), tied, max_gradient)

    return _backward(unit, weights, tensor(grad_u))


def _backward(unit: Any, weights: torch.Tensor, grad: torch.Tensor) -> NDArray[Any]:  # noqa: ANN401
    """Return dL/dw, computed in float64 and rounded once to the dtype of the weights."""
    if not weights.any():
        return array(torch.zeros_like(weights))
    return array(gradient(unit, weights.double(), grad.double()).to(weights.dtype))


def _attains_maximum(w: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Tell which elements attain ``max|t|`` in the dtype of the weights; equal ``|w|`` tie."""
    magnitude = t.abs()
    return w.abs() >= w.abs()[magnitude == magnitude.amax()].amin()


def _over_maximum(t: torch.Tensor, tied: torch.Tensor, max_gradient: bool) -> torch.Tensor:
    """Return ``t / max|t|``; the elements that attain the maximum share its gradient equally.

    The maximum as a number is divided out first, as a constant. What is left has the maximum 1,
    whose gradient, unlike that of ``t / m``, cancels without rounding where it must.
    """
    t = t / t.detach().abs().amax()
    if not max_gradient:
        return t
    one = t.abs()[tied].mean()
    # In the dtype of the weights all tied elements are at 1, in float64 they may be just below.
    one = one + (1 - one.detach())
    return t / _Spread.apply(one, t.shape)


class _Tanh(torch.autograd.Function):
    """The hyperbolic tangent with the derivative 1 / cosh^2; autograd's 1 - t^2 cancels."""

    @staticmethod
    def forward(ctx: Any, w: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        ctx.save_for_backward(w)
        return torch.tanh(w)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        (w,) = ctx.saved_tensors
        return grad / torch.cosh(w) ** 2


class _Spread(torch.autograd.Function):
    """A scalar copied to a shape; the sum of its gradients has the order of [S0.5]."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, shape: torch.Size) -> torch.Tensor:  # noqa: ANN401
        return value.expand(shape).clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return ordered_sum(grad), None
