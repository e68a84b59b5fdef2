"""Traffic of a small layer, found by replaying every access through buffers without cleverness.

Plain loops over single weights, activations and partial sums, with none of the closed form's
formulas: a buffer is a set of what it holds. Slow, and only as good as it is simple.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from hwsim.accelerator import Accelerator
from hwsim.layer import Layer
from hwsim.tiling import Tiling
from hwsim.widths import PARTIAL_SUM_BITS

__all__ = ["replay"]


_COUNTED = (
    "dram_weight_bytes", "dram_input_bytes", "dram_output_bytes", "dram_partial_sum_bytes",
    "weight_bits_written", "input_bits_written", "output_bits_read", "output_bits_written",
    "partial_sum_bits_read", "partial_sum_bits_written",
)  # fmt: skip


@dataclass(frozen=True)
class _Tile:
    """A tile, element by element; `weights`, `inputs` are what it needs on chip.

    The controller knows ranges and not pixels: what another range sees is loaded, even if it is
    the same, as it is where windows lie in the padding.
    """

    group: int
    outputs: range
    positions: range
    channels: range
    weights: frozenset[tuple[int, ...]]
    inputs: frozenset[tuple[int, ...]]

    @property
    def parts(self) -> tuple[tuple[object, ...], tuple[object, ...]]:
        """Which weights and which inputs it needs, for the controller."""
        weights = self.group, self.outputs, self.channels
        return weights, (self.group, self.positions, self.channels)

    @property
    def results(self) -> list[tuple[int, int, int]]:
        return [(self.group, m, p) for m in self.outputs for p in self.positions]


@dataclass
class _Chip:
    """What the buffers hold, and what was moved."""

    weights: frozenset[tuple[int, ...]] = frozenset()
    inputs: frozenset[tuple[int, ...]] = frozenset()
    sums: set[tuple[int, ...]] = field(default_factory=set)
    in_dram: set[tuple[int, ...]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, amount: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + amount


def replay(layer: Layer, accelerator: Accelerator, tiling: Tiling) -> dict[str, int]:
    """Return the traffic of a layer: the fields of `Counts` with bytes and with buffer bits.

    Of what is read and written by the array only outputs and partial sums are counted; how often
    it reads weights and inputs is the array's affair.

    Parameters
    ----------
    layer : Layer
        A small one: every access is a step of a Python loop.
    accelerator : Accelerator
    tiling : Tiling

    Raises
    ------
    RuntimeError
        If an access finds its operand in no buffer, or a buffer holds more than it can.
    """
    tiles = list(_tiles(layer, tiling))
    rooms = [8 * room for room in accelerator.buffers.rooms]
    stays = PARTIAL_SUM_BITS * _most_live(layer, tiles) <= rooms[2]
    burst = accelerator.dram.burst_bytes
    chip = _Chip(counts=dict.fromkeys(_COUNTED, 0))

    def move(kind: str, way: str, elements: int, bits: int) -> None:
        size = -(-elements * bits // 8)
        chip.count(f"dram_{kind}_bytes", -(-size // burst) * burst)
        chip.count(f"{kind}_bits_{way}", 8 * size)

    before: tuple[object, object] = (None, None)
    for tile in tiles:
        if before[0] != tile.parts[0]:
            chip.weights = tile.weights
            move("weight", "written", len(tile.weights), layer.bits)
        if before[1] != tile.parts[1]:
            chip.inputs = tile.inputs
            move("input", "written", len(tile.inputs), layer.in_bits)
        before = tile.parts
        missing = [one for one in tile.results if one in chip.in_dram]
        if missing:
            chip.in_dram.difference_update(missing)
            chip.sums.update(missing)
            move("partial_sum", "written", len(missing), PARTIAL_SUM_BITS)
        finished = tile.channels.stop == layer.group_channels
        _access(layer, tile, chip, finished)
        _check_room(layer, tile, chip, rooms)
        if finished:
            move("output", "read", len(tile.results), layer.out_bits)
        elif not stays:
            chip.sums.difference_update(tile.results)
            chip.in_dram.update(tile.results)
            move("partial_sum", "read", len(tile.results), PARTIAL_SUM_BITS)
    if chip.sums or chip.in_dram:
        raise RuntimeError(f"layer {layer.name}: partial sums are left")
    return chip.counts


def _tiles(layer: Layer, tiling: Tiling) -> Iterator[_Tile]:
    """Go through the tiles in their order."""
    whole = {"m": layer.M, "p": layer.P, "c": layer.group_channels}
    size = {"m": tiling.m_size, "p": tiling.p_size, "c": tiling.c_size}
    ranges = {
        loop: [
            range(at, min(at + size[loop], whole[loop])) for at in range(0, whole[loop], size[loop])
        ]
        for loop in "mpc"
    }
    for group in range(layer.groups):
        for parts in itertools.product(*(ranges[loop] for loop in tiling.order)):
            part = dict(zip(tiling.order, parts, strict=True))
            m, p, c = part["m"], part["p"], part["c"]
            taps = range(layer.taps)
            weights = itertools.product((group,), taps, c, m)
            inputs = ((group, *pixel, one) for pixel in _box(layer, p) for one in c)
            yield _Tile(group, m, p, c, frozenset(weights), frozenset(inputs))


def _box(layer: Layer, positions: range) -> list[tuple[int, int]]:
    """Return the pixels between all that the windows see: whole rows if these are several."""
    seen = [pixel for p in positions for pixel in _window(layer, p)]
    ys, xs = ({pixel[axis] for pixel in seen} for axis in (0, 1))
    if len({p // layer.out_width for p in positions}) > 1:
        xs = {0, layer.width - 1}
    return [
        (y, x)
        for y in range(min(ys), max(ys) + 1)
        for x in range(min(xs), max(xs) + 1)
        if 0 <= y < layer.height and 0 <= x < layer.width
    ]


def _window(layer: Layer, p: int) -> list[tuple[int, int]]:
    """Return the pixels that an output position sees, padding too, tap by tap."""
    row, column = divmod(p, layer.out_width)
    return [
        (row * layer.stride - layer.padding + i, column * layer.stride - layer.padding + j)
        for i in range(layer.kernel_height)
        for j in range(layer.kernel_width)
    ]


def _access(layer: Layer, tile: _Tile, chip: _Chip, finished: bool) -> None:
    """Look up every operand of every product, and put away every result."""
    for m, p in itertools.product(tile.outputs, tile.positions):
        for tap, (y, x) in enumerate(_window(layer, p)):
            for c in tile.channels:
                inside = 0 <= y < layer.height and 0 <= x < layer.width
                if (tile.group, tap, c, m) not in chip.weights or (
                    inside and (tile.group, y, x, c) not in chip.inputs
                ):
                    raise RuntimeError(f"layer {layer.name}: an operand is in no buffer")
        result = tile.group, m, p
        if tile.channels.start > 0:
            if result not in chip.sums:
                raise RuntimeError(f"layer {layer.name}: a partial sum is not in its buffer")
            chip.count("partial_sum_bits_read", PARTIAL_SUM_BITS)
        if finished:
            chip.sums.discard(result)
            chip.count("output_bits_written", layer.out_bits)
        else:
            chip.sums.add(result)
            chip.count("partial_sum_bits_written", PARTIAL_SUM_BITS)


def _check_room(layer: Layer, tile: _Tile, chip: _Chip, rooms: list[int]) -> None:
    held = (
        len(chip.weights) * layer.bits,
        len(chip.inputs) * layer.in_bits,
        max(len(chip.sums) * PARTIAL_SUM_BITS, len(tile.results) * layer.out_bits),
    )
    if any(bits > room for bits, room in zip(held, rooms, strict=True)):
        raise RuntimeError(f"layer {layer.name}: a buffer holds {held} of {rooms} bits")


def _most_live(layer: Layer, tiles: list[_Tile]) -> int:
    """Return how many partial sums are wanted again at a time, at the most."""
    live: set[tuple[int, ...]] = set()
    most = 0
    for tile in tiles:
        if tile.channels.stop == layer.group_channels:
            live.difference_update(tile.results)
        else:
            live.update(tile.results)
        most = max(most, len(live))
    return most
