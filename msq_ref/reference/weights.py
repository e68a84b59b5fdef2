"""A signed layer's weights in a training step: quantized, sliced, and the gradient back [S1.4]."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.dequantize import effective_signed
from msq_ref.reference.fused import sliced
from msq_ref.reference.normalize import normalize_signed, normalize_signed_backward

__all__ = ["SlicedWeights", "sliced_signed", "sliced_signed_backward"]


class SlicedWeights(NamedTuple):
    """What `sliced_signed` returns."""

    weights: NDArray[Any]
    """Effective weights [S1.4]; the dtype of w."""
    lsb_grad: NDArray[Any]
    """Gradient of the regularizer with respect to u [S4.2]; the dtype of w."""
    l1_codes: int
    """``sum |B_k|`` in code units [S4.1]."""
    nonzero: int
    """Number of weights whose low bits are not zero [S3.4]."""


def sliced_signed(w: NDArray[Any], bits: int, k: int, scale: float) -> SlicedWeights:
    """Normalize, quantize, slice, and make the effective weights; the twin takes two passes.

    Parameters
    ----------
    w : ndarray, float32 or float64, any shape, not empty
        Latent weights.
    bits, k : int
        As in `sliced`, of the magnitude's code.
    scale : float
        The layer's constant, positive.

    Raises
    ------
    TypeError, ValueError
        As `normalize_signed`, `sliced` and `effective_signed`.

    Notes
    -----
    [S1.4], ``bitexact``: a composition.
    """
    part = sliced(normalize_signed(w), bits, k)
    weights = effective_signed(part.q, np.sign(w), scale)
    return SlicedWeights(weights, part.lsb_grad, part.l1_codes, part.nonzero)


def sliced_signed_backward(
    grad: NDArray[Any], w: NDArray[Any], lsb_grad: NDArray[Any], scale: float, strength: float
) -> NDArray[Any]:
    """Take the gradient of the effective weights, and the regularizer's, to the latent weights.

    ``dL/du = scale sign(w) dL/dweights + strength lsb_grad``, then `normalize_signed_backward`.

    Parameters
    ----------
    grad, w, lsb_grad : ndarray, float32 or float64
        Of one shape and dtype, not empty; `lsb_grad` is that of `sliced_signed`.
    scale, strength : float
        The layer's constant; lambda.

    Raises
    ------
    TypeError, ValueError
        As `normalize_signed_backward`.

    Notes
    -----
    [S4.3], [S1.4], class ``tolerance``, as `normalize_signed_backward`.
    """
    w, grad = checks.gradient_pair(grad, w)
    grad_q = grad * np.sign(w) * w.dtype.type(scale)
    grad_u = grad_q + w.dtype.type(strength) * checks.like("lsb_grad", lsb_grad, w)
    return normalize_signed_backward(grad_u, w)
