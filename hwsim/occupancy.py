"""What the buffers hold while a network runs [S10.4]: see `hwsim.tile_occupancy`.

The buffers of the array hold nothing while the vector unit works by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from hwsim.report import Report
from hwsim.skipping import skipped, skips
from hwsim.tile_occupancy import CYCLES, WEIGHTS, tile_occupancy
from hwsim.workload import Workload

__all__ = ["Occupancy", "occupancy"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Occupancy:
    """Bytes in each buffer over time.

    Attributes
    ----------
    edges : ndarray of int64, (intervals + 1,)
        Cycles at which intervals begin; the last is the end of the network.
    held : ndarray of int64, (intervals, 3)
        Bytes of the weight, the input and the output buffer.
    rooms : tuple of int
        Bytes that a tile may have of each.
    layers : tuple of (str, int)
        Name and first cycle of each layer that takes time.
    tiles : int
    exact : bool
        An interval is a tile; else it holds the most of all tiles that run in it.
    """

    edges: Integers
    held: Integers
    rooms: tuple[int, int, int]
    layers: tuple[tuple[str, int], ...]
    tiles: int
    exact: bool


def occupancy(report: Report, workload: Workload, intervals: int = 720) -> Occupancy:
    """Return what the buffers hold while a network runs, for one image.

    Parameters
    ----------
    report : Report
    workload : Workload
        What it reports on.
    intervals : int
        Of a network with more tiles, so many stretches of time, equally long to a cycle.

    Raises
    ------
    ValueError
        If the workload is not that of the report, or there are no intervals.
    """
    if intervals < 1:
        raise ValueError(f"intervals = {intervals}: expected at least 1")
    known = report.layers_of(workload)
    tiles = sum(
        line.tiling.tiles(known[line.name]) for line in report.layers if line.tiling is not None
    )
    exact = tiles <= intervals
    edges = np.unique(np.linspace(0, report.totals.cycles, intervals + 1).astype(np.int64))
    held = np.zeros((len(edges) - 1, 3), np.int64)
    layers, rows_of_all, start = [], [], 0
    for name, rows in _rows(report, workload, known):
        layers.append((name, start))
        if exact:
            rows_of_all.append(rows)
        else:
            _raise(held, edges, rows, start)
        start += int(rows[:, CYCLES].sum())
    if exact:
        rows = np.concatenate(rows_of_all)
        edges, held = np.append(0, np.cumsum(rows[:, CYCLES])), rows[:, WEIGHTS:]
    return Occupancy(edges, held, report.design.buffers.rooms, tuple(layers), tiles, exact)


def _rows(
    report: Report, workload: Workload, known: dict[str, Layer]
) -> Iterator[tuple[str, Integers]]:
    """Go through the layers that take time: their names and lines as in `tile_occupancy`."""
    array = report.design.array
    for line in report.layers:
        if line.tiling is None:
            rows = np.array([[line.cycles, 0, 0, 0]], np.int64)
        else:
            layer, compute = known[line.name], None
            values = workload.values.get(line.name)
            if skips(array):
                compute = skipped(layer, array, line.tiling, values, None).compute
            rows = tile_occupancy(layer, report.design, line.tiling, compute)
        if rows[:, CYCLES].sum() != line.cycles:
            raise ValueError(
                f"workload {workload.name}: its layer {line.name} takes other cycles than in the "
                f"report on {report.network}"
            )
        rows = rows[rows[:, CYCLES] > 0]
        if len(rows):
            yield line.name, rows


def _raise(held: Integers, edges: Integers, rows: Integers, start: int) -> None:
    """Raise what intervals hold to the most of each tile that runs in them, from `start` on."""
    ends = start + np.cumsum(rows[:, CYCLES])
    starts = ends - rows[:, CYCLES]
    low = int(np.searchsorted(edges, start, "right")) - 1
    high = int(np.searchsorted(edges, ends[-1], "left"))
    first = np.maximum(np.searchsorted(starts, edges[low:high], "right") - 1, 0)
    stop = np.searchsorted(starts, edges[low + 1 : high + 1], "left")
    # Every second of these slices is an interval's; those between are not wanted.
    slices = np.column_stack([first, stop]).ravel()
    padded = np.append(rows[:, WEIGHTS:], np.zeros((1, 3), np.int64), axis=0)
    most = np.maximum.reduceat(padded, slices, axis=0)[::2]
    held[low:high] = np.maximum(held[low:high], most)
