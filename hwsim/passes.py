"""How a layer passes through an array, as a few integers, and the cycles of a tile from them."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = [
    "BY_OUTPUTS_AND_POSITIONS",
    "BY_TERMS_AND_OUTPUTS",
    "BY_TERMS_AND_POSITIONS",
    "Passes",
    "tile_formula",
]

BY_OUTPUTS_AND_POSITIONS, BY_TERMS_AND_OUTPUTS, BY_TERMS_AND_POSITIONS = range(3)
"""What lies along the sides of the array; the remaining size goes by in time."""


class Passes(NamedTuple):
    """How a layer passes through an array.

    Attributes
    ----------
    mode : int
        Which two of outputs, positions and terms lie along the array's sides.
    m_side, p_side : int
        Outputs and positions at a time; a tile's ranges are multiples of them.
    lanes : int
        Terms of the reduction at a time.
    taps, by_tap : int
        Pixels of a window; whether a step takes terms of one of them only.
    serial : int
        Cycles of a step.
    over, switch : int
        Cycles of a pass and of a tile beyond the steps.
    peak : int
        Products of all bits of two operands in a cycle, times `serial`.
    """

    mode: int
    m_side: int
    p_side: int
    lanes: int
    taps: int
    by_tap: int
    serial: int
    over: int
    switch: int
    peak: int


def tile_formula(a: Any, m: Any, p: Any, c: Any) -> Any:  # noqa: ANN401
    """Return the compute cycles of a tile, from the integers of `Passes`.

    Parameters
    ----------
    a : tuple of int
        In the order of `Passes`; compiled code unpacks it.
    m, p, c : int or ndarray of int64
        Outputs, positions and input channels of the tile, of one group.

    Notes
    -----
    [S10.1] for a bit-serial array: ``ceil(m/rows) ceil(p/cols) (ceil(k/lanes) n + drain)`` with
    ``k = taps c`` or, tap by tap, ``taps ceil(c/lanes)`` steps; plus `fill` a pass and
    `tile_switch` a tile.
    """
    mode, m_side, p_side, lanes, taps, by_tap, serial, over, switch, _ = a
    steps = taps * -(-c // lanes) if by_tap else -(-(taps * c) // lanes)
    if mode == BY_OUTPUTS_AND_POSITIONS:
        return -(-m // m_side) * -(-p // p_side) * (steps * serial + over) + switch
    if mode == BY_TERMS_AND_OUTPUTS:
        return -(-m // m_side) * steps * (p + over) + switch
    return -(-p // p_side) * steps * (m + over) + switch
