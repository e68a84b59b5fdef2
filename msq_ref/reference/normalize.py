"""Weights to the unit interval, in both domains, and the exact derivative [S1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.sums import ordered_sum

__all__ = ["normalize", "normalize_backward", "normalize_signed", "normalize_signed_backward"]


def normalize(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``offset`` domain: ``tanh(w) / (2 max|tanh(w)|) + 1/2``.

    Parameters
    ----------
    w : ndarray, float32 or float64, any shape, not empty

    Returns
    -------
    ndarray
        ``u`` in [0, 1], the shape and dtype of `w`; 1/2 everywhere if all weights are 0.

    Raises
    ------
    TypeError
        If `w` is not float32 or float64.
    ValueError
        If `w` is empty or not finite.

    Notes
    -----
    [S1.1], class ``tolerance``: absolute error at most 2 eps, because tanh is not portable.
    """
    w = checks.float_array("w", w, allow_empty=False)
    t = np.tanh(w)
    m = np.abs(t).max()
    if m == 0:
        return np.full_like(w, 0.5)
    return np.asarray(t / (2 * m) + w.dtype.type(0.5))


def normalize_signed(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``signed`` domain: the magnitude ``|w| / max|w|``.

    The sign is kept apart; it is ``numpy.sign(w)``.

    Parameters
    ----------
    w : ndarray, float32 or float64, any shape, not empty

    Returns
    -------
    ndarray
        ``u`` in [0, 1], the shape and dtype of `w`; 0 everywhere if all weights are 0.

    Raises
    ------
    TypeError
        If `w` is not float32 or float64.
    ValueError
        If `w` is empty or not finite.

    Notes
    -----
    [S1.4], ``bitexact``: one correctly rounded division.
    """
    w = checks.float_array("w", w, allow_empty=False)
    magnitude = np.abs(w)
    m = magnitude.max()
    return np.asarray(magnitude / m) if m else np.zeros_like(w)


def normalize_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize` to dL/dw.

    With ``t = tanh(w)`` and ``m = max|t|``:

        dL/dt_i = (g_i - s_i * sum_j(g_j t_j / m) / ties) / (2 m)
        dL/dw_i = dL/dt_i / cosh(w_i)^2

    where ``s_i`` is ``sign(t_i)`` at the elements that attain the maximum, else 0, and ``ties``
    is their number. Ties are decided in the dtype of `w` (see `attains_maximum`); the rest is
    evaluated in float64 and rounded once.

    Parameters
    ----------
    grad_u : ndarray
        dL/du, the shape and dtype of `w`.
    w : ndarray, float32 or float64, not empty
    max_gradient : bool
        False holds ``m`` constant.

    Returns
    -------
    ndarray
        dL/dw, the shape and dtype of `w`; 0 if all weights are 0.

    Raises
    ------
    TypeError
        If a dtype is not float32 or float64, or the two differ.
    ValueError
        If shapes differ, or an input is empty or not finite.

    Notes
    -----
    [S1.3], class ``tolerance``: maximum error at most 16 eps times the largest gradient.
    """
    w, grad = checks.gradient_pair(grad_u, w)
    attained = attains_maximum(w, np.tanh(w))
    wide = w.astype(np.float64)
    t = np.tanh(wide)
    with np.errstate(over="ignore"):  # far out, cosh is infinite and the slope 0
        slope = 0.5 / np.cosh(wide) ** 2
    return _rounded(_through_maximum(grad, t, attained, max_gradient) * slope, w.dtype)


def normalize_signed_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize_signed` to dL/dw, the sign held constant.

    With ``m = max|w|``:

        dL/dw_i = sign(w_i) * (g_i - [|w_i| = m] * sum_j(g_j |w_j| / m) / ties) / m

    Parameters, returns and errors are those of `normalize_backward`; an exactly zero weight gets
    no gradient.

    Notes
    -----
    [S1.4], class ``tolerance``: maximum error at most 16 eps times the largest gradient.
    """
    w, grad = checks.gradient_pair(grad_u, w)
    # d|w|/dw = sign(w): the gradient of |w| is that of w, taken through the sign.
    through_sign = grad * np.sign(w)
    wide = w.astype(np.float64)
    attained = attains_maximum(w, w)
    return _rounded(_through_maximum(through_sign, wide, attained, max_gradient), w.dtype)


def attains_maximum(w: NDArray[Any], t: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which elements attain ``max|t|``, for a function ``t(w)`` that is odd and increasing.

    These are the elements with the largest ``|t|`` as computed, and every one with at least their
    ``|w|``: equal weights tie even where vector units round the tanh of equal numbers differently
    in different lanes, as NumPy's do [S1.3].
    """
    magnitude = np.abs(t)
    return np.asarray(np.abs(w) >= np.abs(w)[magnitude == magnitude.max()].min())


def _through_maximum(
    grad: NDArray[Any], t: NDArray[Any], attained: NDArray[np.bool_], max_gradient: bool
) -> NDArray[Any]:
    """Return dL/dt for ``y = t / max|t|`` from dL/dy, in float64; 0 if all t are 0."""
    m = np.abs(t).max()
    if m == 0:
        return np.zeros_like(t)
    grad = grad.astype(np.float64)
    if max_gradient:
        pull = ordered_sum(grad * (t / m))
        grad = grad - np.where(attained, np.sign(t) * (pull / np.count_nonzero(attained)), 0)
    with np.errstate(over="ignore"):  # a subnormal maximum has an infinite slope
        return np.asarray(grad / m)


def _rounded(grad: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return np.asarray(grad).astype(dtype)
