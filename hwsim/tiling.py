"""How a layer is cut into tiles that fit the buffers, and the best such cut [S10.4].

A tile is a range of a group's outputs, a range of its output positions, in row-major order, and a
range of its input channels: all kernel taps of these channels are its part of the reduction.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.compiling import PATIENCE
from hwsim.counts import Counts
from hwsim.layer import Layer
from hwsim.problem import ORDERS, Problem, problem_of
from hwsim.rounding import ceil_div
from hwsim.search import search
from hwsim.widths import PARTIAL_SUM_BITS
from msq_ref.formats import known_name

__all__ = [
    "OBJECTIVES",
    "ORDERS",
    "Tiling",
    "best_tiling",
    "forget_tilings",
    "input_bytes",
    "legal",
    "output_bytes",
    "range_sizes",
    "weight_bytes",
]

Integers = NDArray[np.int64]

OBJECTIVES = ("cycles", "energy", "bytes")
"""What a tiling may have the least of."""


@dataclass(frozen=True)
class Tiling:
    """How a layer is cut, and in which order its tiles run.

    Attributes
    ----------
    order : {"mpc", "pmc", "mcp", "pcm", "cmp", "cpm"}
        The loops over ranges of outputs (m), positions (p) and channels (c), the outermost first.
        The loop over groups is outside all of them.
    m_size, p_size, c_size : int
        Outputs, output positions and input channels of a tile; the last ranges may be shorter.
    """

    order: str
    m_size: int
    p_size: int
    c_size: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Outputs, output positions and input channels of a tile."""
        return self.m_size, self.p_size, self.c_size

    def tiles(self, layer: Layer) -> int:
        """Return how many tiles a layer has."""
        wholes = layer.M, layer.P, layer.group_channels
        ranges = (ceil_div(*one) for one in zip(wholes, self.sizes, strict=True))
        return layer.groups * prod(ranges)


def weight_bytes(layer: Layer, m: Any, c: Any) -> Any:  # noqa: ANN401
    """Return the packed size of the weights of `m` outputs and `c` channels."""
    return ceil_div(m * layer.taps * c * layer.bits, 8)


def output_bytes(layer: Layer, m: Any, p: Any, c: Any) -> Any:  # noqa: ANN401
    """Return what `m` outputs at `p` positions take of the output buffer, with `c` channels a tile.

    If that is not all of a group's channels, they are partial sums of 32 bits until the last tile.
    """
    width = layer.out_bits if c == layer.group_channels else PARTIAL_SUM_BITS
    return ceil_div(m * p * width, 8)


def input_bytes(layer: Layer, p_size: int, c_size: int) -> Integers:
    """Return the packed size of what each range of output positions sees of `c_size` channels.

    These are the input rows from the first window's first to the last window's last, whole if the
    range reaches over several output rows, else only the columns its windows cover. Padding is
    not fetched.

    Parameters
    ----------
    layer : Layer
    p_size : int
        Output positions of a range; the last range may be shorter.
    c_size : int

    Returns
    -------
    ndarray of int64, (ranges,)
    """
    first = np.arange(0, layer.P, p_size, dtype=np.int64)
    last = np.minimum(first + p_size, layer.P) - 1
    (top, left), (bottom, right) = (np.divmod(at, layer.out_width) for at in (first, last))
    rows = _seen(top, bottom, layer, layer.height, layer.kernel_height)
    columns = _seen(left, right, layer, layer.width, layer.kernel_width)
    columns = np.where(top == bottom, columns, layer.width)
    return np.asarray(ceil_div(rows * columns * c_size * layer.in_bits, 8))


@functools.lru_cache(maxsize=4096)
def range_sizes(whole: int, unit: int) -> Integers:
    """Return the sizes that a range may have, ascending: multiples of a unit, and all there is."""
    sizes = np.minimum(np.arange(1, ceil_div(whole, unit) + 1, dtype=np.int64) * unit, whole)
    sizes.flags.writeable = False
    return sizes


def legal(layer: Layer, accelerator: Accelerator, tiling: Tiling) -> Tiling:
    """Return a tiling that was given from outside, if the accelerator can run it.

    Raises
    ------
    ValueError
        If a size is not one that tiles may have, or a tile does not fit the buffers.
    """
    problem = problem_of(layer, accelerator)
    known_name("tiling.order", tiling.order, ORDERS)
    for name, whole, unit in zip(
        ("m_size", "p_size", "c_size"), problem.sizes, problem.units, strict=True
    ):
        size = getattr(tiling, name)
        if type(size) is not int or not ((0 < size < whole and size % unit == 0) or size == whole):
            raise ValueError(
                f"layer {layer.name}: tiling.{name} = {size!r}: expected a multiple of {unit} "
                f"below {whole}, or {whole}"
            )
    rooms = accelerator.buffers.rooms
    if any(need > room for need, room in zip(_needs(layer, *tiling.sizes), rooms, strict=True)):
        raise ValueError(f"layer {layer.name}: {tiling}: a tile does not fit the buffers")
    return tiling


def best_tiling(layer: Layer, accelerator: Accelerator, objective: str = "cycles") -> Tiling:
    """Return the best of all legal tilings.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    objective : {"cycles", "energy", "bytes"}
        What it has the least of. Equals are decided by fewer DRAM bytes (of the least bytes, by
        fewer cycles; of the least energy, by fewer cycles and then bytes), then by fewer tiles, by
        the order that comes first in `ORDERS`, by fewer outputs, positions and channels in a tile.

    Raises
    ------
    ValueError
        If no tile fits: naming the layer, each buffer that is too small, the bytes that a tile
        needs of it, the bytes there are, and the least size of the buffer with which the layer
        fits. If the objective is unknown.

    Notes
    -----
    The energy is that of `hwsim.energy`, up to the rounding of a sum. On an array that skips, the
    search takes the cycles without skipping.
    """
    known_name("objective", objective, OBJECTIVES)
    prices: tuple[float, ...] = ()
    if objective == "energy":
        from hwsim.energy import event_prices  # noqa: PLC0415  (it knows accelerators)

        known = event_prices(layer, accelerator)
        prices = tuple(known.get(field.name, 0.0) for field in fields(Counts))
    best = _search(problem_of(layer, accelerator), OBJECTIVES.index(objective), prices)
    if best is None:
        raise ValueError(_misfit(layer, accelerator))
    return best


@functools.lru_cache(maxsize=4096)
def _search(problem: Problem, objective: int, prices: tuple[float, ...]) -> Tiling | None:
    """Return the best tiling, None if there is none; layers of different names are the same."""
    sizes = [
        range_sizes(whole, unit)
        for whole, unit in zip(problem.sizes, problem.units, strict=True)
    ]
    m, p, c = (len(some) for some in sizes)
    ranges = int(ceil_div(problem.sizes[1], sizes[1]).sum())  # of positions, each looked at once
    run = PATIENCE.choose(search, ranges + m * p * c)
    key = run(problem, objective, np.array(prices, np.float64), *sizes)
    if np.isinf(key[0]):
        return None
    order, m, p, c = (int(part) for part in key[4:])
    return Tiling(ORDERS[order], m, p, c)


def forget_tilings() -> None:
    """Empty the memory of `best_tiling`: to time a search."""
    _search.cache_clear()


def _seen(first: Integers, last: Integers, layer: Layer, length: int, kernel: int) -> Integers:
    """Return how much of an axis the windows from `first` to `last` see, padding left out."""
    start = np.clip(first * layer.stride - layer.padding, 0, length)
    stop = np.clip(last * layer.stride - layer.padding + kernel, 0, length)
    return np.asarray(stop - start)


@functools.lru_cache(maxsize=4096)
def _needs(layer: Layer, m: int, p: int, c: int) -> tuple[int, int, int]:
    """Return the bytes that a tile takes of the weight, the input and the output buffer."""
    return (
        int(weight_bytes(layer, m, c)),
        int(input_bytes(layer, p, c).max()),
        int(output_bytes(layer, m, p, c)),
    )


def _misfit(layer: Layer, accelerator: Accelerator) -> str:
    """Say which buffers are too small, and what they need at the least.

    Of all tiles the one counts for which the fewest bytes have to be added: a byte less anywhere,
    and no tile fits.
    """
    problem = problem_of(layer, accelerator)
    m_sizes, p_sizes, c_sizes = (
        range_sizes(whole, unit) for whole, unit in zip(problem.sizes, problem.units, strict=True)
    )
    rooms = accelerator.buffers.rooms
    needs = (
        _needs(layer, int(m_sizes[0]), int(p), int(c)) for p in p_sizes for c in c_sizes
    )
    short = min(
        ([max(need - room, 0) for need, room in zip(tile, rooms, strict=True)] for tile in needs),
        key=sum,
    )
    half = "half of it, double buffered, " if accelerator.buffers.double_buffered else ""
    said = [
        f"the {kind} buffer of {accelerator.name} is too small: the smallest tile needs "
        f"{room + more} bytes, {half}{room} bytes are there: expected buffers.{kind}_bytes of at "
        f"least {accelerator.buffers.parts * (room + more)}"
        for kind, room, more in zip(("weight", "input", "output"), rooms, short, strict=True)
        if more
    ]
    return f"layer {layer.name}: {'; '.join(said)}"
