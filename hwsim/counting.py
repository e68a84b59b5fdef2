"""The compiled closed form: all tiles of a layer, equal ones counted together [S10.4]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.compiling import Kernel
from hwsim.passes import tile_formula
from hwsim.places import ACCUMULATE, I_READ, O_WRITTEN, PLACES, S_READ, S_WRITTEN, W_READ
from hwsim.problem import Problem
from hwsim.tile_time import add_tile, up
from hwsim.widths import PARTIAL_SUM_BITS

__all__ = [
    "add_class",
    "count_tiles",
    "count_uneven_tiles",
    "innermost",
    "one_range",
    "position_classes",
    "seen_pixels",
    "sums_stay",
    "tile_compute",
]

Integers = NDArray[np.int64]

M, P, C = range(3)
SIZE, TIMES, FIRST, LAST, PIXELS = range(5)
"""Of a class of ranges: its length, how many there are, whether it is the first or the last one,
and for positions how many pixels of the image its windows see."""

WORD = PARTIAL_SUM_BITS // 8

tile_compute = Kernel(tile_formula)
"""`tile_formula`, compiled: called for one tile after another."""


@Kernel
def count_tiles(
    s: Problem, loops: tuple[int, int, int], sizes: tuple[int, int, int], positions: Integers
) -> Integers:  # fmt: skip
    """Return the counters of a layer: those of `add_tile`, and of outputs and partial sums.

    Parameters
    ----------
    s : Problem
    loops : tuple of int
        One of `hwsim.problem.LOOPS`.
    sizes : tuple of int
        Of a range of outputs, of positions, of channels.
    positions : ndarray of int64, (classes, 5)
        `position_classes` of that size.
    """
    out = np.zeros(PLACES, np.int64)
    inner, stays = innermost(s, loops, sizes), sums_stay(s, loops, sizes)
    outputs, channels = _classes(s.sizes[M], sizes[M]), _classes(s.sizes[C], sizes[C])
    for m in outputs:
        for c in channels:
            for p in positions:
                compute = tile_compute(s.array, m[SIZE], p[SIZE], c[SIZE])
                add_class(s, m, p, c, inner, stays, s.groups, compute, out)
    _finish(s, sizes, out)
    return out


@Kernel
def count_uneven_tiles(
    s: Problem, loops: tuple[int, int, int], sizes: tuple[int, int, int], compute: Integers
) -> Integers:  # fmt: skip
    """Return the counters of a layer whose tiles each take a number of cycles of their own.

    Parameters
    ----------
    compute : ndarray of int64, (groups, ranges of outputs, of positions, of channels)
    """
    out = np.zeros(PLACES, np.int64)
    inner, stays = innermost(s, loops, sizes), sums_stay(s, loops, sizes)
    ranges = compute.shape[1:]
    for g in range(s.groups):
        for i in range(ranges[M]):
            m = one_range(s.sizes[M], sizes[M], i)
            for j in range(ranges[P]):
                p = one_range(s.sizes[P], sizes[P], j)
                p[PIXELS] = seen_pixels(s, j * sizes[P], p[SIZE])
                for k in range(ranges[C]):
                    c = one_range(s.sizes[C], sizes[C], k)
                    add_class(s, m, p, c, inner, stays, 1, compute[g, i, j, k], out)
    _finish(s, sizes, out)
    return out


@Kernel
def position_classes(s: Problem, size: int) -> Integers:
    """Return the classes of ranges of positions that see equally much, the first one by itself."""
    ranges = up(s.sizes[P], size)
    found = np.zeros((ranges, 5), np.int64)
    count = 0
    for j in range(ranges):
        one = one_range(s.sizes[P], size, j)
        one[PIXELS] = seen_pixels(s, j * size, one[SIZE])
        at = min(count, 1)
        while at < count and not (
            found[at, SIZE] == one[SIZE] and found[at, PIXELS] == one[PIXELS]
        ):
            at += 1
        if at == count:
            found[at] = one
            count += 1
        else:
            found[at, TIMES] += 1
    return found[:count]


@Kernel
def innermost(s: Problem, loops: tuple[int, int, int], sizes: tuple[int, int, int]) -> int:
    """Return the innermost loop that turns more than once, -1 if none does."""
    inner = -1
    for loop in loops:
        if sizes[loop] < s.sizes[loop]:
            inner = loop
    return inner


@Kernel
def sums_stay(s: Problem, loops: tuple[int, int, int], sizes: tuple[int, int, int]) -> bool:
    """Whether all partial sums of the loops inside that over channels fit the output buffer."""
    words, inside = WORD, False
    for loop in loops:
        if loop == C:
            inside = True
        else:
            words *= s.sizes[loop] if inside else sizes[loop]
    return words <= s.output_room


@Kernel
def len_ranges(s: Problem, sizes: tuple[int, int, int], loop: int) -> int:
    """Return how many ranges a loop goes through."""
    return up(s.sizes[loop], sizes[loop])


@Kernel
def add_class(
    s: Problem, m: Integers, p: Integers, c: Integers, inner: int, stays: bool, times: int,
    compute: int, out: Integers,
) -> None:  # fmt: skip
    """Add a class of tiles: each moves what the tile before it did not have.

    Weights are those of a range of outputs and channels: the tile before had them if only its
    positions differ, that is if the innermost loop is over positions and not at its first range.
    So for inputs and outputs.
    """
    weights = inputs = sums_in = sums_out = outputs = 0
    if inner != P or p[FIRST]:
        weights = up(m[SIZE] * s.taps * c[SIZE] * s.bits, 8)
    if inner != M or m[FIRST]:
        inputs = up(p[PIXELS] * c[SIZE] * s.in_bits, 8)
    if c[LAST]:
        outputs = up(m[SIZE] * p[SIZE] * s.out_bits, 8)
    elif not stays:
        sums_out = WORD * m[SIZE] * p[SIZE]
    many = times * m[TIMES] * p[TIMES] * c[TIMES]
    if not c[FIRST] and not stays:
        sums_in = WORD * m[SIZE] * p[SIZE]
    add_tile(s, many, compute, weights, inputs, sums_in, sums_out, outputs, out)


@Kernel
def _finish(s: Problem, sizes: tuple[int, int, int], out: Integers) -> None:
    """Add what the array itself writes and reads: outputs once, partial sums between ranges.

    And an operand that stays in place, once for each range of what goes by.
    """
    out[W_READ] += len_ranges(s, sizes, P) * s.read_again[0]
    out[I_READ] += len_ranges(s, sizes, M) * s.read_again[1]
    results = s.groups * s.sizes[M] * s.sizes[P]
    again = results * (len_ranges(s, sizes, C) - 1)
    out[O_WRITTEN] += results * s.out_bits
    out[S_READ] += again * PARTIAL_SUM_BITS
    out[S_WRITTEN] += again * PARTIAL_SUM_BITS
    out[ACCUMULATE] += again


@Kernel
def _classes(whole: int, size: int) -> Integers:
    """Return the classes of ranges: the first, all in the middle, the last."""
    ranges = up(whole, size)
    found = np.zeros((min(ranges, 3), 5), np.int64)
    for at in range(len(found)):
        found[at] = one_range(whole, size, at if at < 2 else ranges - 1)
    if ranges > 3:
        found[1, TIMES] = ranges - 2
    return found


@Kernel
def one_range(whole: int, size: int, index: int) -> Integers:
    """Return the range of some number as a class of its own, without its pixels."""
    found = np.zeros(5, np.int64)
    last = (index + 1) * size >= whole
    found[SIZE] = whole - index * size if last else size
    found[TIMES], found[FIRST], found[LAST] = 1, index == 0, last
    return found


@Kernel
def seen_pixels(s: Problem, first: int, count: int) -> int:
    """Return how many pixels of the image some positions see, padding left out.

    Whole rows, from the first window's first to the last window's last; of a single output row
    only the columns that its windows cover.
    """
    last = first + count - 1
    top, bottom = first // s.out_width, last // s.out_width
    rows = _seen(top, bottom, s.stride, s.padding, s.kernel_height, s.height)
    if top < bottom:
        return rows * s.width
    left, right = first % s.out_width, last % s.out_width
    return rows * _seen(left, right, s.stride, s.padding, s.kernel_width, s.width)


@Kernel
def _seen(first: int, last: int, stride: int, padding: int, kernel: int, length: int) -> int:
    """Return how much of an axis the windows from `first` to `last` see."""
    start = min(max(first * stride - padding, 0), length)
    stop = min(max(last * stride - padding + kernel, 0), length)
    return stop - start
