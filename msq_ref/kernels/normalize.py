"""Twins of `msq_ref.reference.normalize`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.sums import ordered_sum
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.normalize import attains_maximum
from msq_ref.reference.sums import CHUNK

__all__ = ["normalize", "normalize_backward", "normalize_signed", "normalize_signed_backward"]


def normalize(w: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.normalize`, within its class [S1.1]."""
    w = checks.float_array("w", w, allow_empty=False)
    u = np.empty_like(w)
    run_chunks(_tanh, w.size, w.ravel(), u.ravel())
    m = np.abs(u).max()
    if m == 0:
        u[...] = 0.5
    else:
        run_chunks(_to_unit, w.size, u.ravel(), w.dtype.type(2 * m), w.dtype.type(0.5))
    return u


def normalize_signed(w: NDArray[Any]) -> NDArray[Any]:
    """Twin of `msq_ref.reference.normalize_signed`, bit-identical [S1.4]."""
    w = checks.float_array("w", w, allow_empty=False)
    m = np.abs(w).max()
    u = np.zeros_like(w)
    if m:
        run_chunks(_magnitude, w.size, w.ravel(), w.dtype.type(m), u.ravel())
    return u


def normalize_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.normalize_backward`, within its class [S1.3]."""
    w, grad = checks.gradient_pair(grad_u, w)
    narrow, t = np.empty_like(w), np.empty(w.shape)
    run_chunks(_tanh, w.size, w.ravel(), narrow.ravel())
    run_chunks(_tanh_wide, w.size, w.ravel(), t.ravel())
    return _backward(grad, w, t, attains_maximum(w, narrow), max_gradient, curved=True)


def normalize_signed_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.normalize_signed_backward`, within its class [S1.4]."""
    w, grad = checks.gradient_pair(grad_u, w)
    through_sign, wide = grad * np.sign(w), w.astype(np.float64)
    return _backward(through_sign, w, wide, attains_maximum(w, w), max_gradient, curved=False)


def _backward(
    grad: NDArray[Any],
    w: NDArray[Any],
    t: NDArray[np.float64],
    attained: NDArray[np.bool_],
    max_gradient: bool,
    *,
    curved: bool,
) -> NDArray[Any]:
    out = np.zeros_like(w)
    m = float(np.abs(t).max())
    if m == 0:
        return out
    share = 0.0
    if max_gradient:
        pulls = np.empty(w.size)
        run_chunks(_pulls, w.size, grad.ravel(), t.ravel(), m, pulls)
        share = ordered_sum(pulls) / int(np.count_nonzero(attained))
    run_chunks(
        _pull_back, w.size, grad.ravel(), w.ravel(), t.ravel(), attained.ravel(), m, share,
        curved, out.ravel(),
    )  # fmt: skip
    return out


@njit(cache=True, nogil=True)
def _tanh(first: int, last: int, w: Any, t: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, w.size)):
        t[i] = math.tanh(w[i])


@njit(cache=True, nogil=True)
def _tanh_wide(first: int, last: int, w: Any, t: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, w.size)):
        t[i] = math.tanh(np.float64(w[i]))


@njit(cache=True, nogil=True)
def _to_unit(first: int, last: int, u: Any, two_m: Any, half: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, u.size)):
        u[i] = u[i] / two_m + half


@njit(cache=True, nogil=True)
def _magnitude(first: int, last: int, w: Any, m: Any, u: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, w.size)):
        u[i] = abs(w[i]) / m


@njit(cache=True, nogil=True)
def _pulls(first: int, last: int, grad: Any, t: Any, m: Any, pulls: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, grad.size)):
        pulls[i] = np.float64(grad[i]) * (t[i] / m)


@njit(cache=True, nogil=True)
def _pull_back(
    first: int, last: int, grad: Any, w: Any, t: Any, attained: Any, m: Any, share: Any,
    curved: bool, out: Any,
) -> None:  # fmt: skip
    for i in range(first * CHUNK, min(last * CHUNK, grad.size)):
        g = np.float64(grad[i])
        if attained[i]:
            g -= share if t[i] > 0 else -share
        g /= m
        if curved:
            g *= 0.5 / math.cosh(np.float64(w[i])) ** 2
        out[i] = g
