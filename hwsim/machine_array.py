"""The array of the compiled machine of `hwsim.machine`: its setup, its memories, and a cycle.

The machine calls `begin_tile` once a tile and `step` in every cycle in which the array works. Of
the tile the array knows only its ranges; it reads weights and inputs, and hands over what a pass
came to, by the functions of `hwsim.machine_memory`, which check that it is on chip.
`hwsim.machine_serial` and `hwsim.machine_systolic` have what happens in a cycle.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.array import AnArray, FusionArray, SystolicArray
from hwsim.array_places import COL_PLACES, DONE, LANE_PLACES, PLACES
from hwsim.layer import Layer
from hwsim.machine_serial import begin_serial, step_serial
from hwsim.machine_systolic import begin_systolic, step_systolic

__all__ = ["DONE", "ArraySetup", "ArrayState", "array_setup", "array_state", "begin_tile", "step"]

Integers = NDArray[np.int64]

SERIAL = -1
"""In place of a dataflow: not systolic."""


class ArraySetup(NamedTuple):
    """The array as plain integers.

    Attributes
    ----------
    dataflow : int
        -1: an array of `hwsim.machine_serial`. Else systolic, what goes by in time: 0 terms, 1
        positions, 2 outputs.
    rows, cols, lanes : int
        Outputs, positions and terms at a time; of a systolic array its sides.
    drain, fill, tile_switch : int
    by_tap : int
        Whether a step takes terms of one kernel tap only.
    weights_serial, inputs_serial : int
        Whether they come bit by bit.
    skip_weights, skip_inputs : int
        Whether zero planes of them take no cycle.
    by_line : int
        Whether each row and column skips its own.
    in_signed : int
        Whether the activations are two's complement.
    most : int
        The longest that a fold may be in time.
    """

    dataflow: int
    rows: int
    cols: int
    lanes: int
    drain: int
    fill: int
    tile_switch: int
    by_tap: int
    weights_serial: int
    inputs_serial: int
    skip_weights: int
    skip_inputs: int
    by_line: int
    in_signed: int
    most: int


class ArrayState(NamedTuple):
    """What changes in the array; see `hwsim.array_places`. Few memories compile faster.

    Attributes
    ----------
    place : (8,)
        Where in the tile the array is.
    lanes : (3, lanes)
        Of each lane.
    cols : (5, cols)
        Of each column.
    rows : (rows,)
        Planes of the step that a row goes through, bit by bit.
    inputs, weights : (lanes, cols), (rows, lanes)
        Operands of the reduction step at work; of a systolic array, (rows, cols) each, what its
        elements hold of the operand that moves right, and of the other one.
    bits : (lanes, cols)
        What of the activations comes in a cycle; of a systolic array, (cols, most), the
        accumulators at its lower edge.
    acc : (rows, cols)
        Accumulators; of a systolic array what moves down, if sums do.
    """

    place: Integers
    lanes: Integers
    cols: Integers
    rows: Integers
    inputs: Integers
    weights: Integers
    bits: Integers
    acc: Integers


def array_setup(array: AnArray, layer: Layer, in_signed: bool = False) -> ArraySetup:
    """Return the array as plain integers, for a layer.

    Bit Fusion's array is a bit-parallel one of a single column, whose lanes are what its
    multipliers split into.

    Raises
    ------
    ValueError
        If a fused array's multipliers are too narrow for the layer.
    """
    signed = int(in_signed)
    if isinstance(array, SystolicArray):
        dataflow, most = {"os": (0, 0), "ws": (1, layer.P), "is": (2, layer.M)}[array.dataflow]
        return ArraySetup(
            dataflow, array.rows, array.cols, 1, 0, 0, array.tile_switch, 0, 0, 0, 0, 0, 0,
            signed, most,
        )  # fmt: skip
    by_tap = int(array.taps == "by-tap")
    if isinstance(array, FusionArray):
        return ArraySetup(
            SERIAL, array.cols, 1, array.lanes(layer), array.drain, array.fill,
            array.tile_switch, by_tap, 0, 0, 0, 0, 0, signed, 0,
        )  # fmt: skip
    return ArraySetup(
        SERIAL, array.rows, array.cols, array.lanes, array.drain, array.fill, array.tile_switch,
        by_tap, int(array.is_serial("weight")), int(array.is_serial("activation")),
        int(array.skips("weight")), int(array.skips("activation")),
        int(array.skip_by == "line"), signed, 0,
    )  # fmt: skip


def array_state(setup: ArraySetup) -> ArrayState:
    """Return the memories of an array, zeros."""
    rows, cols, lanes = setup.rows, setup.cols, setup.lanes
    systolic = setup.dataflow != SERIAL
    shapes = {
        "place": (PLACES,), "lanes": (LANE_PLACES, lanes), "cols": (COL_PLACES, cols),
        "rows": (rows,), "inputs": (rows if systolic else lanes, cols),
        "weights": (rows, cols if systolic else lanes),
        "bits": (cols, setup.most) if systolic else (lanes, cols), "acc": (rows, cols),
    }  # fmt: skip
    return ArrayState(**{name: np.zeros(shape, np.int64) for name, shape in shapes.items()})


@njit(cache=True, nogil=True)
def begin_tile(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Set the array to the first cycle of a tile."""
    a.array.place.fill(0)
    if s.array.dataflow < 0:
        begin_serial(s.array, tile, a.array)
    else:
        begin_systolic(s.array, a.array)


@njit(cache=True, nogil=True)
def step(s: Any, tile: Any, a: Any) -> None:  # noqa: ANN401
    """Let the array work for a cycle."""
    if s.array.dataflow < 0:
        step_serial(s, tile, a)
    else:
        step_systolic(s, tile, a)
