"""Weights to the unit interval and the exact derivative, in C [S1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.c.library import call, suffix

__all__ = ["normalize", "normalize_backward", "normalize_signed", "normalize_signed_backward"]


def normalize(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``offset`` domain [S1.1], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize`.
    """
    return _forward("normalize", w)


def normalize_signed(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``signed`` domain [S1.4], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed`.
    """
    return _forward("normalize_signed", w)


def normalize_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize` to dL/dw [S1.3], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_backward`.
    """
    return _backward("normalize_backward", grad_u, w, max_gradient)


def normalize_signed_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize_signed` to dL/dw [S1.4], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed_backward`.
    """
    return _backward("normalize_signed_backward", grad_u, w, max_gradient)


def _forward(name: str, w: NDArray[Any]) -> NDArray[Any]:
    w = checks.float_array("w", w, allow_empty=False)
    u = np.empty(w.shape, w.dtype)
    call(f"{name}_{suffix(w.dtype)}", w.size, w, u)
    return u


def _backward(
    name: str, grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool
) -> NDArray[Any]:
    w, grad = checks.gradient_pair(grad_u, w)
    out = np.empty(w.shape, w.dtype)
    call(f"{name}_{suffix(w.dtype)}", w.size, grad, w, bool(max_gradient), out)
    return out
