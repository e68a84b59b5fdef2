"""Cycles and traffic of a layer in closed form [S10.1], [S10.4]."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.array import tile_cycles
from hwsim.array_events import ArrayEvents, array_events
from hwsim.compiling import PATIENCE
from hwsim.counting import count_tiles, count_uneven_tiles, position_classes
from hwsim.counts import Counts
from hwsim.layer import Layer
from hwsim.problem import LOOPS, ORDERS, problem_of
from hwsim.rounding import ceil_div
from hwsim.tiling import Tiling, legal

__all__ = ["closed_form", "compute_cycles"]

_PLACE = {field.name: place for place, field in enumerate(fields(Counts))}


def compute_cycles(layer: Layer, accelerator: Accelerator) -> int:
    """Return the compute cycles of a layer in one tile.

    Weight-serial: ``groups ceil(M/rows) ceil(P/cols) (ceil(K/lanes) n + drain)`` [S10.1], [S10.2];
    no cut of outputs and positions changes that.
    """
    one = tile_cycles(accelerator.array, layer, layer.M, layer.P, layer.group_channels)
    return int(layer.groups * one)


def closed_form(
    layer: Layer,
    accelerator: Accelerator,
    tiling: Tiling,
    compute: NDArray[np.integer[Any]] | None = None,
    events: ArrayEvents | None = None,
) -> Counts:
    """Return all counts of a layer for one image.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    tiling : Tiling
    compute : ndarray of integers, optional
        Compute cycles of each tile where they depend on more than its size: (groups, ranges of
        outputs, of positions, of channels).
    events : ArrayEvents, optional
        What the array reads and adds, where that too depends on more.

    Returns
    -------
    Counts

    Raises
    ------
    ValueError
        If the accelerator cannot run that tiling, or `compute` has another shape.

    Notes
    -----
    A tile moves the weights and inputs that the tile before it did not have, outputs when the last
    channels have been added, and 32-bit partial sums to and fro where those that are live do not
    fit the output buffer. What that takes, and what of it is stall, is said at
    `hwsim.tile_time.add_tile` [S10.4].
    """
    legal(layer, accelerator, tiling)
    problem = problem_of(layer, accelerator)
    loops = LOOPS[ORDERS.index(tiling.order)]
    sizes = tiling.sizes
    if compute is None:
        ranges = ceil_div(layer.P, tiling.p_size)
        positions = PATIENCE.choose(position_classes, ranges)(problem, tiling.p_size)
        counters = PATIENCE.choose(count_tiles, 100)(problem, loops, sizes, positions)
    else:
        ranges = (ceil_div(whole, size) for whole, size in zip(problem.sizes, sizes, strict=True))
        expected = (layer.groups, *ranges)
        if compute.shape != expected:
            raise ValueError(
                f"layer {layer.name}: compute has shape {compute.shape}: expected {expected}"
            )
        cycles = np.ascontiguousarray(compute, np.int64)
        count = PATIENCE.choose(count_uneven_tiles, cycles.size)
        counters = count(problem, loops, sizes, cycles)
    for name, count in (events or array_events(accelerator.array, layer))._asdict().items():
        counters[_PLACE[name]] += count
    return Counts(*counters.tolist())
