"""Stripes: activations bit by bit, against DaDianNao, which takes them 16 bits wide."""

from __future__ import annotations

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["dadiannao_cycles", "stripes_cycles"]

TILES, FILTERS, LANES, WINDOWS = 16, 16, 16, 16
"""Tiles, filters of a tile, activations of a brick, and windows of a pallet."""


def dadiannao_cycles(shape: LayerShape) -> int:
    """Return ``ceil(M/256) P k^2 ceil(C/16)`` a group: a brick of 16 channels in a cycle.

    Notes
    -----
    Y. Chen et al., "DaDianNao: a machine-learning supercomputer", MICRO 2014, as P. Judd et al.,
    "Stripes: bit-serial deep neural network computing", MICRO 2016, configure it.
    """
    passes = shape.groups * ceil_div(shape.outputs, TILES * FILTERS) * shape.P
    return passes * shape.steps_by_tap(LANES)


def stripes_cycles(shape: LayerShape) -> int:
    """Return the cycles for activations of a bits.

    Convolutions: ``ceil(M/256) ceil(P/16) k^2 ceil(C/16) a`` a group. 16 windows at a time make up
    for the bits that come one by one: at 16 bits, and with positions that fill the pallets, it is
    as fast as DaDianNao. Layers of one position: the columns take bricks in turn, one a cycle,
    ``ceil(M/256) ceil(C/16)``, and the last one ends ``a - 1`` cycles later.

    Notes
    -----
    P. Judd et al., "Stripes: bit-serial deep neural network computing", MICRO 2016; layers of one
    position as in DNNsim, see `hwsim.peer_tables.dnnsim_table`.
    """
    passes = shape.groups * ceil_div(shape.outputs, TILES * FILTERS)
    if shape.P == shape.taps == 1:
        return passes * shape.steps_by_tap(LANES) + shape.activation_bits - 1
    pallets = ceil_div(shape.P, WINDOWS)
    return passes * pallets * shape.steps_by_tap(LANES) * shape.activation_bits
