"""What can go wrong in the compiled machine of `hwsim.machine`, and where a partial sum may be."""

from __future__ import annotations

__all__ = ["FAULTS"]

FAULTS = (
    "none",
    "a range is no multiple of what the array takes at a time",
    "a tile does not fit its buffer",
    "a weight that is not on chip was read",
    "an input outside the tile's part of the image was read",
    "a partial sum that is not on chip was read",
    "a partial sum was left behind",
)
"""What a result of `hwsim.machine.run` says, by its number."""

BAD_SIZE, NO_ROOM, NO_WEIGHT, NO_INPUT, NO_SUM, LEFT_SUM = range(1, 7)

NOWHERE, ON_CHIP, IN_DRAM = range(3)
"""Where a partial sum may be."""
