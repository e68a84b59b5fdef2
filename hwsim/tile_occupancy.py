"""What the buffers hold in each tile of a layer [S10.4].

A tile holds, for as long as it has the array (its compute cycles and its stalls, as the closed form
counts them):

- of the weight buffer its weights, of the input buffer what its windows see, packed;
- of the output buffer its outputs, packed, or, where a reduction is cut, a word for each partial
  sum that is live in it: its own, and those of other tiles that stay on the chip until their last
  channels.

Where buffers are doubled, that is the half from which the array works; the other half takes what
the next tile brings and the last one leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.counting import (
    FIRST,
    LAST,
    PIXELS,
    SIZE,
    WORD,
    C,
    M,
    P,
    add_class,
    innermost,
    one_range,
    seen_pixels,
    sums_stay,
    tile_compute,
)
from hwsim.layer import Layer
from hwsim.places import COMPUTE, PLACES, STALL
from hwsim.problem import LOOPS, ORDERS, Problem, problem_of
from hwsim.tile_time import up
from hwsim.tiling import Tiling, legal

__all__ = ["CYCLES", "INPUTS", "OUTPUTS", "WEIGHTS", "tile_occupancy"]

Integers = NDArray[np.int64]

CYCLES, WEIGHTS, INPUTS, OUTPUTS = range(4)
"""Columns of `tile_occupancy`."""


def tile_occupancy(
    layer: Layer,
    accelerator: Accelerator,
    tiling: Tiling,
    compute: NDArray[np.integer[Any]] | None = None,
) -> Integers:
    """Return a line for each tile of a layer, in their order.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    tiling : Tiling
    compute : ndarray of integers, optional
        As in `hwsim.analytic.closed_form`.

    Returns
    -------
    ndarray of int64, (tiles, 4)
        Its cycles, stalls included, and the bytes that it holds of weights, inputs, and outputs or
        partial sums.

    Raises
    ------
    ValueError
        If the accelerator cannot run that tiling.
    """
    legal(layer, accelerator, tiling)
    problem = problem_of(layer, accelerator)
    loops = LOOPS[ORDERS.index(tiling.order)]
    sizes = tiling.sizes
    if compute is not None:
        return _trace(problem, loops, sizes, np.ascontiguousarray(compute, np.int64))
    one_group = _trace(problem, loops, sizes, np.zeros((0, 0, 0, 0), np.int64))
    return np.tile(one_group, (layer.groups, 1))


@njit(cache=True, nogil=True)
def _trace(
    s: Problem, loops: tuple[int, int, int], sizes: tuple[int, int, int], compute: Integers
) -> Integers:  # fmt: skip
    """Go through the tiles in their order; without `compute`, those of one group."""
    inner, stays = innermost(s, loops, sizes), sums_stay(s, loops, sizes)
    ranges = np.array([up(s.sizes[loop], sizes[loop]) for loop in range(3)])
    cut = ranges[C] > 1
    groups = s.groups if compute.size else 1
    found = np.zeros((groups * ranges[0] * ranges[1] * ranges[2], 4), np.int64)
    at, live = 0, 0
    index = np.zeros(3, np.int64)
    for g in range(groups):
        for i in range(ranges[loops[0]]):
            index[loops[0]] = i
            for j in range(ranges[loops[1]]):
                index[loops[1]] = j
                for k in range(ranges[loops[2]]):
                    index[loops[2]] = k
                    m = one_range(s.sizes[M], sizes[M], index[M])
                    p = one_range(s.sizes[P], sizes[P], index[P])
                    c = one_range(s.sizes[C], sizes[C], index[C])
                    p[PIXELS] = seen_pixels(s, index[P] * sizes[P], p[SIZE])
                    if compute.size:
                        work = compute[g, index[M], index[P], index[C]]
                    else:
                        work = tile_compute(s.array, m[SIZE], p[SIZE], c[SIZE])
                    out = np.zeros(PLACES, np.int64)
                    add_class(s, m, p, c, inner, stays, 1, work, out)
                    own = m[SIZE] * p[SIZE]
                    if c[FIRST] and stays:
                        live += own
                    words = live if stays else own
                    found[at, CYCLES] = out[COMPUTE] + out[STALL]
                    found[at, WEIGHTS] = up(m[SIZE] * s.taps * c[SIZE] * s.bits, 8)
                    found[at, INPUTS] = up(p[PIXELS] * c[SIZE] * s.in_bits, 8)
                    found[at, OUTPUTS] = WORD * words if cut else up(own * s.out_bits, 8)
                    if c[LAST] and stays:
                        live -= own
                    at += 1
    return found
