"""What each part looks like, the same in every picture: a colour and a hatch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hwsim.causes import CAUSES, ENERGY_PARTS
from msq_ref.formats.style import COLOURS, GREY, HATCHES

__all__ = ["BUFFERS", "CYCLES", "ENERGY", "Look", "in_bits"]

_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _BLACK = COLOURS
_PLAIN, _RISING, _DOTS, _CROSSES, _FALLING, _LINES, _GRID, _RINGS = HATCHES


class Look(NamedTuple):
    """Its words in a legend, its colour and its hatch."""

    words: str
    colour: str
    hatch: str


_WEIGHTS, _INPUTS, _OUTPUTS = (_RED, _RISING), (_GREEN, _DOTS), (_ORANGE, _CROSSES)

_STALLS = {
    "stall_weight_cycles": _WEIGHTS,
    "stall_input_cycles": _INPUTS,
    "stall_partial_sum_cycles": (_PINK, _FALLING),
    "stall_output_cycles": _OUTPUTS,
    "stall_latency_cycles": (_SKY, _LINES),
    "stall_row_miss_cycles": (_BLACK, _GRID),
    "stall_vector_cycles": (GREY, _RINGS),
}

CYCLES = {
    "compute_cycles": Look("compute", _BLUE, _PLAIN),
    **{name: Look(f"wait: {words}", *_STALLS[name]) for name, words in CAUSES.items()},
}
"""By the count of cycles; the order is that of the stack."""

_PARTS = {
    "lanes": (_BLUE, _PLAIN),
    "accumulators": (_SKY, _LINES),
    "weight_buffer": _WEIGHTS,
    "input_buffer": _INPUTS,
    "output_buffer": _OUTPUTS,
    "dram": (_PINK, _FALLING),
    "leakage": (_BLACK, _GRID),
    "vector": (GREY, _RINGS),
}

ENERGY = {name: Look(words, *_PARTS[name]) for name, words in ENERGY_PARTS.items()}
"""By the field of `hwsim.energy.Energy`."""

BUFFERS = (
    Look("weight buffer", *_WEIGHTS),
    Look("input buffer", *_INPUTS),
    Look("output buffer", *_OUTPUTS),
)
"""In the order of `hwsim.occupancy.Occupancy.held`."""


def in_bits(widths: Sequence[int]) -> str:
    """Return sorted widths in words: 1 bit, 2 and 8 bits, 2 to 5 bits."""
    if len(widths) > 2:
        return f"{widths[0]} to {widths[-1]} bits"
    return f"{' and '.join(map(str, widths))} bit{'s' if max(widths) > 1 else ''}"
