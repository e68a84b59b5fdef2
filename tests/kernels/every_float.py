"""The exponential and the error function of every float32: ``python -m tests.kernels.every_float``.

All 2^32 values go through the compiled loops, in blocks of 2^16 neighbours, and are compared with
the exact value in float64, known to some 2^-52: from the C library, or where that is as good and
faster from what a block is known to have in common: near 0 from the Taylor series, far away from
the limit.
"""

import math
import sys

import numpy as np
from numba import njit

from msq_ref.kernels.vector_math import erf, exp

BLOCK = 2**12
BLOCKS = 2**32 // BLOCK

@njit(nogil=True)
def exp_loop(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


@njit(nogil=True)
def erf_loop(x, y):
    for i in range(x.size):
        y[i] = erf(x[i])


@njit(nogil=True, error_model="numpy")
def exact_exp(x, exact):
    if not x.size:
        return
    low, high = min(x[0], x[-1]), max(x[0], x[-1])
    if max(-low, high) < 2.0**-9:
        for i in range(x.size):
            t = np.float64(x[i])
            exact[i] = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5))))
    elif low > 89 or high < -104:
        exact[:] = np.inf if low > 0 else 0.0
    else:
        for i in range(x.size):
            exact[i] = math.exp(np.float64(x[i]))


@njit(nogil=True, error_model="numpy")
def exact_erf(x, exact):
    if not x.size:
        return
    low, high = min(abs(x[0]), abs(x[-1])), max(abs(x[0]), abs(x[-1]))
    if high < 2.0**-9:
        for i in range(x.size):
            t = np.float64(x[i])
            s = t * t
            series = 1 - s / 3 * (1 - s * 3 / 10 * (1 - s * 5 / 21))
            exact[i] = 2 / math.sqrt(math.pi) * t * series
    elif low > 6:  # 1 to within 2^-54
        exact[:] = 1.0 if x[0] > 0 else -1.0
    else:
        for i in range(x.size):
            exact[i] = math.erf(np.float64(x[i]))


@njit(nogil=True)
def worst_ulps(exact, y, worst, scale):
    """The larger of `worst` and the largest error in units in the last place of float32.

    Infinity counts as 2^128. `scale` is working space.
    """
    bits, inverse = exact.view(np.int64), scale.view(np.int64)
    larger = np.int64(0)
    for i in range(exact.size):
        exponent = min(max((bits[i] >> 52) & 2047, 1023 - 126), 1023 + 127)
        inverse[i] = (2 * 1023 + 23 - exponent) << 52
    for i in range(exact.size):
        true, ours = exact[i], np.float64(y[i])
        true = 2.0**128 if true > 2.0**128 else true
        ours = 2.0**128 if ours > 2.0**128 else ours
        error = scale[i] * abs(ours - true)
        scale[i] = error if error == error else np.inf
        larger |= np.int64(scale[i] > worst)
    return max(worst, scale[: exact.size].max()) if larger else worst


LOOPS = {"exp": (exp_loop, exact_exp), "erf": (erf_loop, exact_erf)}


@njit(nogil=True)
def over_blocks(loop, exactly, first, step):
    """The largest error over every `step`-th block, and the block it is in."""
    x, y = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    exact, scale, bits = np.empty(BLOCK), np.empty(BLOCK), x.view(np.uint32)
    worst, where = 0.0, -1
    for block in range(first, BLOCKS, step):
        for i in range(BLOCK):
            bits[i] = np.uint32(block * BLOCK + i)
        loop(x, y)
        numbers = BLOCK
        if not np.isfinite(x[-1]):  # an infinity, or none; else NaN
            numbers = int(np.isinf(x[0]))
            if not np.isnan(y[numbers:]).all():
                return np.inf, block
        exactly(x[:numbers], exact)
        before, worst = worst, worst_ulps(exact[:numbers], y[:numbers], worst, scale)
        if worst != before:
            where = block
    return worst, where


def largest_error(name, first=0, step=1):
    """The largest error of a function in units in the last place, and the block it is in.

    Infinite where NaN is missing or should not be. Over all values, or over every `step`-th block
    from the `first` one on.
    """
    return over_blocks(*LOOPS[name], first, step)


if __name__ == "__main__":
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for name in LOOPS:
        worst, block = largest_error(name, 0, step)
        near = np.array([block * BLOCK], np.uint32).view(np.float32)[0]
        print(f"{name}: at most {worst:.4f} units in the last place, near {near:.8g}")
