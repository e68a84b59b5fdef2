"""The compiled search for the best tiling: every legal one, but for what provably cannot win."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.compiling import Kernel
from hwsim.counting import (
    PIXELS,
    SIZE,
    TIMES,
    WORD,
    C,
    M,
    P,
    count_tiles,
    innermost,
    position_classes,
    sums_stay,
    tile_compute,
)
from hwsim.passes import Passes
from hwsim.places import (
    ACCUMULATE,
    COMPUTE,
    DRAM_I,
    DRAM_O,
    DRAM_S,
    DRAM_W,
    I_READ,
    I_WRITTEN,
    O_READ,
    O_WRITTEN,
    S_READ,
    S_WRITTEN,
    STALL,
    W_READ,
    W_WRITTEN,
)
from hwsim.problem import LOOPS, Problem
from hwsim.search_key import BYTES, CYCLES, KEY, fill_key, finish_key, less
from hwsim.tile_time import up

__all__ = ["search"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

PIXELS_SUM, PIXELS_MOST, SEEING, WORK = range(4)
"""Of a size of ranges of positions: pixels that all see, and the most that one sees; how many see
any; their work, with the smallest ranges of outputs and channels."""

SWITCH = Passes._fields.index("switch")

ROUNDING = 1 - 1e-12
"""A sum of energies in another order is not less than this share of it."""


@Kernel
def search(
    s: Problem, objective: int, prices: Floats, m_sizes: Integers, p_sizes: Integers,
    c_sizes: Integers,
) -> Floats:  # fmt: skip
    """Return the least key of all tilings with these sizes that fit the buffers.

    Parameters
    ----------
    s : Problem
    objective : int
    prices : ndarray of float64
        pJ of one of each field of `Counts`.
    m_sizes, p_sizes, c_sizes : ndarray of int64
        Ascending.

    Returns
    -------
    ndarray of float64, (8,)
        Cycles, bytes and 0 (or bytes, cycles, 0; or energy, cycles, bytes), tiles, place of the
        order in `ORDERS`, sizes of ranges of outputs, positions and channels. Infinite if no tiling
        fits. Integers up to 2^53 are exact.

    Notes
    -----
    A tiling is counted only if a lower bound of its key is less than the best key so far. Of the
    six orders only those are looked at that are the first of `ORDERS` among equals, or better than
    another in no case worse: with the channels innermost, nothing depends on the two loops outside;
    with one of the others innermost, fewer partial sums are live if the channels come next.
    """
    classes = [position_classes(s, size) for size in p_sizes]
    first = m_sizes[0], p_sizes[0], c_sizes[0]
    unit = _work(s, first[M], first[P], first[C])
    positions = _positions(s, classes, first)
    groups, least = _alike(s, p_sizes, positions)
    best, bound = np.full(KEY, np.inf), np.empty(KEY)
    for c in c_sizes[::-1]:
        orders = (0, 2, 3) if c < s.sizes[C] else (0, 1, 1)
        many_c = up(s.sizes[C], c)
        for m in m_sizes[::-1]:
            if up(m * s.taps * c * s.bits, 8) > s.weight_room:
                continue
            many_m = up(s.sizes[M], m)
            weights = _weights(s, m, c)
            work = _work_of_all(s, m, first[P], c)
            for group in range(len(groups) - 2, -1, -1):
                sizes = (m, p_sizes[groups[group]], c)
                if not _fits(s, sizes, least[group]):
                    continue
                many = many_m, up(s.sizes[P], sizes[P]), many_c  # alike in the group
                alike = 0  # the orders with which one of these sizes may win
                # Cycles but for those of a switch are a product of one factor for each size.
                whole = work * least[group, WORK] // unit
                for order in orders:
                    _bound(
                        s, objective, prices, LOOPS[order], sizes, many, whole, least[group],
                        weights, bound,
                    )  # fmt: skip
                    finish_key(many, order, sizes, bound)
                    alike += less(bound, best)
                if alike == 0:
                    continue
                for at in range(groups[group + 1] - 1, groups[group] - 1, -1):
                    sizes = (m, p_sizes[at], c)
                    if not _fits(s, sizes, positions[at]):
                        continue
                    whole = work * positions[at, WORK] // unit
                    for order in orders:
                        _bound(
                            s, objective, prices, LOOPS[order], sizes, many, whole,
                            positions[at], weights, bound,
                        )  # fmt: skip
                        finish_key(many, order, sizes, bound)
                        if not less(bound, best):
                            continue
                        counts = count_tiles(s, LOOPS[order], sizes, classes[at])
                        fill_key(objective, prices, counts, bound)
                        if less(bound, best):
                            best[:] = bound
    return best


@Kernel
def _fits(s: Problem, sizes: tuple[int, int, int], positions: Integers) -> bool:
    """Whether inputs and outputs of a tile fit; its weights do."""
    m, p, c = sizes
    words = WORD * m * p if c < s.sizes[C] else up(m * p * s.out_bits, 8)
    most = up(positions[PIXELS_MOST] * c * s.in_bits, 8)
    return bool(words <= s.output_room and most <= s.input_room)


@Kernel
def _alike(s: Problem, p_sizes: Integers, positions: Integers) -> tuple[Integers, Integers]:
    """Return where sizes begin with as many ranges each, and the least of what these see and do."""
    groups = np.zeros(len(p_sizes) + 1, np.int64)
    least = np.empty((len(p_sizes), 4), np.int64)
    count = ranges = 0
    for at in range(len(p_sizes)):
        if up(s.sizes[P], p_sizes[at]) != ranges:
            ranges = up(s.sizes[P], p_sizes[at])
            groups[count] = at
            least[count] = positions[at]
            count += 1
        least[count - 1] = np.minimum(least[count - 1], positions[at])
    groups[count] = len(p_sizes)
    return groups[: count + 1], least[:count]


@Kernel
def _positions(s: Problem, classes: list[Integers], first: tuple[int, int, int]) -> Integers:
    """Return for every size of ranges of positions what they see, and their work."""
    found = np.zeros((len(classes), 4), np.int64)
    for at in range(len(classes)):
        for one in classes[at]:
            found[at, PIXELS_SUM] += one[TIMES] * one[PIXELS]
            found[at, PIXELS_MOST] = max(found[at, PIXELS_MOST], one[PIXELS])
            found[at, SEEING] += one[TIMES] * (one[PIXELS] > 0)
            found[at, WORK] += one[TIMES] * _work(s, first[M], one[SIZE], first[C])
    return found


@Kernel
def _work(s: Problem, m: int, p: int, c: int) -> int:
    """Return the compute cycles of a tile but for its switch."""
    work: int = tile_compute(s.array, m, p, c) - s.array[SWITCH]
    return work


@Kernel
def _work_of_all(s: Problem, m: int, p: int, c: int) -> int:
    """Return the same for all ranges of outputs and channels together."""
    many_m, many_c = up(s.sizes[M], m), up(s.sizes[C], c)
    work = 0
    for times_m, size_m in ((many_m - 1, m), (1, s.sizes[M] - (many_m - 1) * m)):
        for times_c, size_c in ((many_c - 1, c), (1, s.sizes[C] - (many_c - 1) * c)):
            work += times_m * times_c * _work(s, size_m, p, size_c)
    return work


@Kernel
def _weights(s: Problem, m: int, c: int) -> tuple[int, int, int]:
    """Return streams, packed bytes and bursts of bytes of all weights of a group, once."""
    many_m, many_c = up(s.sizes[M], m), up(s.sizes[C], c)
    payload = moved = 0
    for times_m, size_m in ((many_m - 1, m), (1, s.sizes[M] - (many_m - 1) * m)):
        for times_c, size_c in ((many_c - 1, c), (1, s.sizes[C] - (many_c - 1) * c)):
            size = up(size_m * s.taps * size_c * s.bits, 8)
            payload += times_m * times_c * size
            moved += times_m * times_c * up(size, s.burst_bytes) * s.burst_bytes
    return many_m * many_c, payload, moved


@Kernel
def _bound(
    s: Problem, objective: int, prices: Floats, loops: tuple[int, int, int],
    sizes: tuple[int, int, int], many: tuple[int, int, int], work: int, ranges: Integers,
    weights: tuple[int, int, int], key: Floats,
) -> None:  # fmt: skip
    """Fill the first places of a key with what a tiling takes at the least.

    Compute cycles, streams and weights are exact. Inputs, outputs and partial sums are taken as
    packed over all tiles together, and each stream as a burst at the least. Over all tiles the sum
    of the larger one is no less than the larger sum.
    """
    g = s.groups
    inner = innermost(s, loops, sizes)
    w_times = 1 if inner == P else many[P]
    i_times = 1 if inner == M else many[M]
    pixels, seeing = ranges[PIXELS_SUM], ranges[SEEING]
    compute = g * (work + many[M] * many[P] * many[C] * s.array[SWITCH])
    results = s.sizes[M] * s.sizes[P]
    again = results * (many[C] - 1)
    blocks = many[M] * many[P]
    spilled = 0 if sums_stay(s, loops, sizes) else again * WORD
    w, w_moved = g * w_times * weights[1], g * w_times * weights[2]
    i_streams = i_times * seeing * many[C]
    i = g * i_times * up(pixels * s.sizes[C] * s.in_bits, 8)
    o = g * up(results * s.out_bits, 8)
    i_moved, o_moved = max(i, g * i_streams * s.burst_bytes), max(o, g * blocks * s.burst_bytes)
    s_streams = blocks * (many[C] - 1) if spilled else 0
    s_moved = 2 * g * max(spilled, s_streams * s.burst_bytes)
    total = w_moved + i_moved + o_moved + s_moved
    streams = g * (weights[0] * w_times + i_streams + blocks + 2 * s_streams)
    waits = streams * s.latency_cycles
    if s.row_bytes:
        waits += max(streams, up(total, s.row_bytes)) * s.row_miss_cycles
    moving = up(8 * total, s.bits_per_cycle)
    if s.double_buffered == 0:
        cycles = compute + moving + waits
    elif s.ports == 2:
        cycles = max(compute, moving + waits)
    else:
        cycles = moving + max(compute, waits)
    if objective == CYCLES:
        key[0], key[1], key[2] = cycles, total, 0
    elif objective == BYTES:
        key[0], key[1], key[2] = total, cycles, 0
    else:
        energy = (
            compute * prices[COMPUTE] + (cycles - compute) * prices[STALL]
            + w_moved * prices[DRAM_W] + 8 * w * prices[W_WRITTEN]
            + i_moved * prices[DRAM_I] + 8 * i * prices[I_WRITTEN]
            + o_moved * prices[DRAM_O] + 8 * o * prices[O_READ]
            + g * results * s.out_bits * prices[O_WRITTEN]
            + s_moved * prices[DRAM_S] + 8 * g * (again * WORD + spilled) * prices[S_READ]
            + 8 * g * (again * WORD + spilled) * prices[S_WRITTEN] + g * again * prices[ACCUMULATE]
            + many[P] * s.read_again[0] * prices[W_READ]
            + many[M] * s.read_again[1] * prices[I_READ]
        )  # fmt: skip
        key[0], key[1], key[2] = energy * ROUNDING, cycles, total
