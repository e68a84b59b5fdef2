"""Twins of `msq_ref.reference.weights`: two passes each, for the maximum comes first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.sums import chunk_sum, in_order
from msq_ref.kernels.threads import run_chunks
from msq_ref.memory import empty
from msq_ref.reference.sums import CHUNK
from msq_ref.reference.weights import SlicedWeights

__all__ = ["sliced_signed", "sliced_signed_backward"]


def sliced_signed(w: NDArray[Any], bits: int, k: int, scale: float) -> SlicedWeights:
    """Twin of `msq_ref.reference.sliced_signed`, bit-identical [S1.4]."""
    n = checks.bit_width(bits)
    k = checks.slice_width(k, n)
    w = _floats("w", w)
    kind = w.dtype.type
    largest = _largest(w)
    weights, lsb_grad = empty(w.shape, w.dtype), empty(w.shape, w.dtype)
    counts = np.zeros((-(-w.size // CHUNK), 2), np.int64)
    run_chunks(
        _sliced_signed, w.size, w.reshape(-1), largest or kind(1),
        checks.positive_scale("scale", scale, w.dtype),
        kind(2**n), kind(2**n - 1), kind(2 ** (n - k)), kind(2 ** (n - k) - 1), kind(2**k),
        weights.reshape(-1), lsb_grad.reshape(-1), counts,
    )  # fmt: skip
    l1_codes, nonzero = np.add.reduce(counts).tolist()
    return SlicedWeights(weights, lsb_grad, l1_codes, nonzero)


def sliced_signed_backward(
    grad: NDArray[Any], w: NDArray[Any], lsb_grad: NDArray[Any], scale: float, strength: float
) -> NDArray[Any]:
    """Twin of `msq_ref.reference.sliced_signed_backward`, within its class [S4.3]."""
    w, grad, lsb_grad = _floats("w", w), _floats("grad", grad), _floats("lsb_grad", lsb_grad)
    for name, array in (("grad", grad), ("lsb_grad", lsb_grad)):
        checks.same_shape(name, array.shape, w.shape)
        checks.same_dtype(name, array.dtype, w.dtype)
    kind = w.dtype.type
    largest = _largest(w)
    out = empty(w.shape, w.dtype)
    if not largest:
        out[...] = 0
        return out
    chunks = -(-w.size // CHUNK)
    pulls, ties = np.zeros(chunks), np.zeros(chunks, np.int64)
    flat = grad.reshape(-1), w.reshape(-1), lsb_grad.reshape(-1)
    factors = kind(scale), kind(strength), largest
    run_chunks(_pull, w.size, *flat, *factors, pulls, ties)
    pull = in_order(pulls)
    if not math.isfinite(pull):
        checks.float_array("grad", grad)  # says which value is wrong
        checks.float_array("lsb_grad", lsb_grad)
    share = pull / int(ties.sum())
    run_chunks(_back, w.size, *flat, *factors, share, out.reshape(-1))
    return out


def _floats(name: str, value: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous float array, its values not looked at."""
    array = np.asarray(value)
    if array.dtype in (np.float32, np.float64) and array.flags.c_contiguous and array.size:
        return array
    return checks.float_array(name, value, allow_empty=False)


def _largest(w: NDArray[Any]) -> Any:  # a scalar of its dtype
    """Return ``max|w|``; ``ValueError`` if a value is not finite.

    Without their sign, numbers are in the order of their bits, infinities and NaN above all.
    """
    kind = np.int32 if w.itemsize == 4 else np.int64
    maxima = np.empty(-(-w.size // CHUNK), kind)
    run_chunks(_maxima, w.size, w.reshape(-1).view(kind), np.iinfo(kind).max, maxima)
    largest = maxima.view(w.dtype).max()
    if not math.isfinite(largest):
        checks.float_array("w", w)  # says which value is wrong
    return largest


@njit(cache=True, nogil=True)
def _maxima(first: int, last: int, bits: Any, all_but_sign: int, maxima: Any) -> None:
    kind = maxima.dtype.type
    for chunk in range(first, last):
        values = bits[chunk * CHUNK : min((chunk + 1) * CHUNK, bits.size)]
        largest = kind(0)
        for i in range(values.size):
            magnitude = kind(values[i] & all_but_sign)
            largest = magnitude if magnitude > largest else largest
        maxima[chunk] = largest


@njit(cache=True, nogil=True, error_model="numpy")
def _sliced_signed(
    first: int, last: int, w: Any, largest: Any, layer_scale: Any,
    scale: Any, top: Any, coarse_scale: Any, coarse_top: Any, step: Any,
    weights: Any, lsb_grad: Any, counts: Any,
) -> None:  # fmt: skip
    # Written as `fused` is, and for the same reasons.
    zero = scale - scale
    one = step / step
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, w.size))
        values, effective, grads = w[part], weights[part], lsb_grad[part]
        l1_codes, nonzero = np.int32(0), np.int32(0)
        for i in range(values.size):
            x = values[i]
            u = abs(x) / largest
            code = min(np.rint(scale * u), top)
            low = code - step * min(np.rint(coarse_scale * u), coarse_top)
            sign = (one if x > zero else zero) - (one if x < zero else zero)
            effective[i] = layer_scale * sign * (code / top)
            grads[i] = (one if low > zero else zero) - (one if low < zero else zero)
            l1_codes += np.int32(abs(low))
            nonzero += np.int32(low != zero)
        counts[chunk, 0] = l1_codes
        counts[chunk, 1] = nonzero


@njit(cache=True, nogil=True, error_model="numpy")
def _through_sign(g: Any, x: Any, low: Any, scale: Any, strength: Any) -> Any:
    """Return dL/d|w| times the sign of w: the maximum held constant, before ``/ max|w|``."""
    zero, one = scale - scale, scale / scale
    sign = (one if x > zero else zero) - (one if x < zero else zero)
    return (g * sign * scale + strength * low) * sign


@njit(cache=True, nogil=True, error_model="numpy")
def _pull(
    first: int, last: int, grad: Any, w: Any, lsb_grad: Any, scale: Any, strength: Any,
    largest: Any, pulls: Any, ties: Any,
) -> None:  # fmt: skip
    products = np.empty(CHUNK)
    wide = np.float64(largest)
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, w.size))
        grads, values, lows = grad[part], w[part], lsb_grad[part]
        attained = np.int64(0)
        for i in range(values.size):
            g = _through_sign(grads[i], values[i], lows[i], scale, strength)
            products[i] = np.float64(g) * (np.float64(values[i]) / wide)
            attained += np.int64(abs(values[i]) == largest)
        pulls[chunk] = chunk_sum(products[: values.size])
        ties[chunk] = attained


@njit(cache=True, nogil=True, error_model="numpy")
def _back(
    first: int, last: int, grad: Any, w: Any, lsb_grad: Any, scale: Any, strength: Any,
    largest: Any, share: Any, out: Any,
) -> None:  # fmt: skip
    wide = np.float64(largest)
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, w.size))
        grads, values, lows, results = grad[part], w[part], lsb_grad[part], out[part]
        for i in range(values.size):
            x = values[i]
            g = np.float64(_through_sign(grads[i], x, lows[i], scale, strength))
            if abs(x) == largest:
                g -= share if x > 0 else -share
            results[i] = g / wide
