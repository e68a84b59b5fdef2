"""Places in the memories of the compiled machine's array, `hwsim.machine_array.ArrayState`."""

from __future__ import annotations

__all__ = [
    "CHANNEL",
    "COL",
    "COL_PLACES",
    "DONE",
    "FACTOR",
    "LANE_PLACES",
    "LEFT",
    "PHASE",
    "PLACES",
    "PLANES",
    "ROW",
    "SHIFT",
    "STEP",
    "SUM",
    "TAP",
    "TOTAL",
    "VALUE",
    "W_SLOT",
    "X_SLOT",
]

ROW, COL, STEP, W_SLOT, X_SLOT, PHASE, LEFT, DONE = range(8)
PLACES = 8
"""In `place`: first output and position of the pass, or what lies first down and across in a
systolic array; reduction step, or cycle of a fold; which of the step's planes of weights and of
inputs; a phase and the cycles that are left of it; whether the tile is done."""

TAP, CHANNEL, VALUE = range(3)
LANE_PLACES = 3
"""In `lanes`: kernel tap and channel of a lane's term, and what has just been read of it."""

SUM, PLANES, SHIFT, FACTOR, TOTAL = range(5)
COL_PLACES = 5
"""In `cols`: sum of a column's activations; planes of the step that it goes through, bit by bit;
shift and sign of the one that it is at, 0 where there is none; a row's sum over the lanes."""
