"""Twin of `msq_ref.reference.fused`: a training step's work on the weights in a single pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.fused import Sliced
from msq_ref.reference.sums import CHUNK

__all__ = ["sliced"]


def sliced(
    u: NDArray[Any],
    bits: int,
    k: int,
    out: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> Sliced:
    """Twin of `msq_ref.reference.sliced`, bit-identical [S2]-[S4].

    Parameters
    ----------
    u, bits, k
        As in the definition.
    out : (ndarray, ndarray), optional
        Arrays for ``q`` and ``lsb_grad``, C-contiguous, the shape and dtype of `u`; reused from
        step to step, for fresh memory costs more than the whole pass.
    """
    u = np.asarray(u)
    n = checks.bit_width(bits)
    k = checks.slice_width(k, n)
    if u.dtype not in (np.float32, np.float64) or not u.flags.c_contiguous:
        u = checks.float_array("u", u)
    q, lsb_grad = (np.empty(u.shape, u.dtype), np.empty(u.shape, u.dtype)) if out is None else out
    for name, array in (("out[0]", q), ("out[1]", lsb_grad)):
        checks.same_shape(name, array.shape, u.shape)
        checks.same_dtype(name, array.dtype, u.dtype)
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ValueError(f"{name} is not C-contiguous and writeable")
    counts = np.zeros((-(-u.size // CHUNK), 3), np.int64)
    kind = u.dtype.type
    run_chunks(
        _sliced, u.size, u.ravel(),
        kind(2**n), kind(2**n - 1), kind(2 ** (n - k)), kind(2 ** (n - k) - 1), kind(2**k),
        q.ravel(), lsb_grad.ravel(), counts,
    )  # fmt: skip
    l1_codes, nonzero, outside = (int(count) for count in counts.sum(axis=0))
    if outside:
        checks.unit_array("u", u)  # says which value is wrong
    return Sliced(q, lsb_grad, l1_codes, nonzero)


@njit(cache=True, nogil=True, error_model="numpy")
def _sliced(
    first: int, last: int, u: Any,
    scale: Any, top: Any, coarse_scale: Any, coarse_top: Any, step: Any,
    q: Any, lsb_grad: Any, counts: Any,
) -> None:  # fmt: skip
    # Codes stay floats: whole numbers below 2^16 are exact. With slices of a chunk, counted from 0,
    # the loop becomes vector code. The three counts are integers, so that order does not matter.
    zero = scale - scale
    one = step / step
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, u.size))
        values, qs, grads = u[part], q[part], lsb_grad[part]
        l1_codes, nonzero, outside = np.int32(0), np.int32(0), np.int32(0)
        for i in range(values.size):
            x = values[i]
            outside += np.int32(not zero <= x <= one)
            code = min(np.rint(scale * x), top)
            low = code - step * min(np.rint(coarse_scale * x), coarse_top)
            qs[i] = code / top
            grads[i] = (one if low > zero else zero) - (one if low < zero else zero)
            l1_codes += np.int32(abs(low))
            nonzero += np.int32(low != zero)
        counts[chunk, 0] = l1_codes
        counts[chunk, 1] = nonzero
        counts[chunk, 2] = outside
