"""What tilings are compared by in the compiled search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.compiling import Kernel
from hwsim.counting import C, M, P
from hwsim.places import COMPUTE, DRAM_I, DRAM_O, DRAM_S, DRAM_W, PLACES, STALL

__all__ = ["BYTES", "CYCLES", "ENERGY", "KEY", "fill_key", "finish_key", "less"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

CYCLES, ENERGY, BYTES = range(3)
"""Objectives."""

KEY = 8
"""Length of what tilings are compared by."""


@Kernel
def finish_key(
    many: tuple[int, int, int], order: int, sizes: tuple[int, int, int], key: Floats
) -> None:
    """Fill the places of a key that decide between equals; `many` ranges have these sizes."""
    key[3] = many[M] * many[P] * many[C]
    key[4], key[5], key[6], key[7] = order, sizes[M], sizes[P], sizes[C]


@Kernel
def fill_key(objective: int, prices: Floats, counts: Integers, key: Floats) -> None:
    """Fill the first places of a key with what a tiling takes."""
    cycles = counts[COMPUTE] + counts[STALL]
    total = counts[DRAM_W] + counts[DRAM_I] + counts[DRAM_O] + counts[DRAM_S]
    if objective == CYCLES:
        key[0], key[1], key[2] = cycles, total, 0
    elif objective == BYTES:
        key[0], key[1], key[2] = total, cycles, 0
    else:
        energy = 0.0
        for place in range(PLACES):
            energy += prices[place] * counts[place]
        key[0], key[1], key[2] = energy, cycles, total


@Kernel
def less(a: Floats, b: Floats) -> bool:
    """Whether a key comes before another."""
    for place in range(KEY):
        if a[place] != b[place]:
            return bool(a[place] < b[place])
    return False
