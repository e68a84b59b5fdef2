"""Layers drawn with an accelerator of any kind, on which they fit, often only just."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hwsim.accelerator import Accelerator, Buffers, Dram
from hwsim.array import AnArray, Array, FusionArray, SystolicArray, range_units
from hwsim.drawn import KINDS, Sides, draw_layer, generator
from hwsim.energy_table import HOROWITZ
from hwsim.layer import Layer
from hwsim.problem import ORDERS
from hwsim.tiling import Tiling, input_bytes, legal, output_bytes, weight_bytes

__all__ = ["ARRAYS", "Drawn", "draw", "every_tiling", "legal_tilings"]

ARRAYS: tuple[tuple[type[AnArray], dict[str, Any]], ...] = (
    (Array, {}),
    (Array, {"serial": "activation"}),
    (Array, {"serial": "both", "taps": "by-tap"}),
    (Array, {"serial": "none"}),
    (Array, {"skip": "weight-planes", "taps": "by-tap"}),
    (Array, {"serial": "both", "skip": "both", "skip_by": "line"}),
    (SystolicArray, {"kind": "systolic", "dataflow": "os"}),
    (SystolicArray, {"kind": "systolic", "dataflow": "ws"}),
    (SystolicArray, {"kind": "systolic", "dataflow": "is"}),
    (FusionArray, {"kind": "fusion"}),
    (FusionArray, {"kind": "fusion", "taps": "flat"}),
)
"""Kinds of arrays that take turns, and their settings."""

LEAKY = HOROWITZ.model_copy(update={"leakage_pw_per_gate": 5e4, "leakage_pw_per_bit": 2e3})
"""So that time costs energy too."""


class Drawn(NamedTuple):
    """A layer, and an accelerator that it fits."""

    layer: Layer
    accelerator: Accelerator

    @property
    def text(self) -> str:
        """What it is, for a line about it."""
        array = self.accelerator.array
        sides = f"{array.rows} x {array.cols}"
        if isinstance(array, Array):
            sides += f" x {array.lanes}, {array.serial}-serial"
        return f"layer {self.layer.name}, {array.kind} {sides}"


def draw(index: int, seed: int) -> Drawn:
    """Draw a small layer and an accelerator on which it fits.

    Arrays and kinds of layers take turns with `index`. Operands are up to 8 bits wide, of one turn
    in thirteen up to 16, but for Bit Fusion's array. Each buffer holds a tile that is drawn, and up
    to three bytes more; that of the outputs holds what the tile stores, its partial sums, or those
    of a row or column of tiles. Half of the accelerators have a DRAM with bursts, rows and
    latency. `seed` is as in `hwsim.drawn.generator`.
    """
    rng = generator(seed, index)
    number = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    turn, which = divmod(index, len(ARRAYS))
    rows, cols, lanes = number(1, 3), number(1, 4), number(1, 4)
    array = _array(rng, which, rows, cols, lanes)
    wide = turn % 13 == 12 and not isinstance(array, FusionArray)
    bits = number(9, 16) if wide else number(1, 8)
    widths: dict[str, Any] = {
        "bits": bits,
        "in_bits": number(9, 16) if wide else number(1, 8),
        "out_bits": int(rng.choice([1, 3, 8, 32])),
        "domain": "offset" if bits == 1 or number(0, 1) else "signed",
    }
    sides = Sides(2 * rows, 2 * cols, 2 * lanes)  # so that there is something to cut
    layer = draw_layer(rng, f"drawn {index}", turn % KINDS, sides, widths)
    sizes = (layer.M, layer.P, layer.group_channels), range_units(array, layer)
    m, p, c = (int(rng.choice(_sizes(*one))) for one in zip(*sizes, strict=True))
    stored = int(output_bytes(layer, m, p, c))
    words = int(rng.choice([stored, 4 * m * p, 4 * m * layer.P, 4 * layer.M * p]))
    double = bool(number(0, 1))
    parts = 2 if double else 1  # as `Buffers.parts`, which are not there yet
    buffers = Buffers(
        weight_bytes=parts * (int(weight_bytes(layer, m, c)) + number(0, 3)),
        input_bytes=max(parts * (int(input_bytes(layer, p, c).max()) + number(0, 3)), 1),
        output_bytes=parts * (max(stored, words) + number(0, 3)),
        double_buffered=double,
        ports=2 if number(0, 1) else 1,
    )
    name = f"drawn {index}"
    return Drawn(layer, Accelerator(
        name=name, description="", frequency_mhz=100.0, array=array, buffers=buffers,
        dram=_dram(rng), energy=LEAKY,
    ))  # fmt: skip


def every_tiling(layer: Layer, accelerator: Accelerator) -> Iterator[Tiling]:
    """Go through all sizes that tiles may have, in all orders, whether they fit or not."""
    units = range_units(accelerator.array, layer)
    wholes = layer.M, layer.P, layer.group_channels
    sizes = (_sizes(whole, unit) for whole, unit in zip(wholes, units, strict=True))
    for m, p, c in itertools.product(*sizes):
        for order in ORDERS:
            yield Tiling(order, m, p, c)


@functools.lru_cache(maxsize=1024)
def legal_tilings(layer: Layer, accelerator: Accelerator) -> tuple[Tiling, ...]:
    """Return those of `every_tiling` whose tiles fit the buffers."""
    found = []
    for tiling in every_tiling(layer, accelerator):
        try:
            found.append(legal(layer, accelerator, tiling))
        except ValueError:
            continue
    return tuple(found)


def _array(rng: np.random.Generator, which: int, rows: int, cols: int, lanes: int) -> AnArray:
    kind, settings = ARRAYS[which]
    values: dict[str, Any] = {
        "rows": rows, "cols": cols, "tile_switch": int(rng.integers(0, 3)), **settings,
    }  # fmt: skip
    if kind is SystolicArray:
        values["cols"] = max(cols, 2)  # it has two elements
    else:
        values |= {"drain": int(rng.integers(0, 3)), "fill": int(rng.integers(0, 3))}
    if kind is Array:
        values["lanes"] = lanes
    return kind.model_validate(values)


def _dram(rng: np.random.Generator) -> Dram:
    rate = int(rng.choice([1, 3, 8, 32, 1024]))
    if rng.integers(0, 2):
        return Dram(bits_per_cycle=rate)
    return Dram(
        bits_per_cycle=rate,
        burst_bytes=int(rng.choice([1, 2, 8, 64])),
        latency_cycles=int(rng.choice([0, 1, 7])),
        row_bytes=int(rng.choice([0, 1, 5, 64])),
        row_miss_cycles=int(rng.integers(0, 6)),
    )


def _sizes(whole: int, unit: int) -> list[int]:
    """Return what a range may have of something: multiples of a unit, and all there is."""
    return sorted({min(size, whole) for size in range(unit, whole + unit, unit)})
