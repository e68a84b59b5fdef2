"""Stripes: activations bit by bit, against DaDianNao, which takes them 16 bits wide."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["FULL_BITS", "dadiannao_cycles", "ideal_speed_up", "stripes_cycles"]

TILES, FILTERS, LANES, WINDOWS = 16, 16, 16, 16
"""Tiles, filters of a tile, activations of a brick, and windows of a pallet."""

FULL_BITS = 16
"""Width of DaDianNao's activations."""


def dadiannao_cycles(shape: LayerShape) -> int:
    """Return ``ceil(M/256) P k^2 ceil(C/16)`` a group: a brick of 16 channels in a cycle.

    Notes
    -----
    Y. Chen et al., "DaDianNao: a machine-learning supercomputer", MICRO 2014, as P. Judd et al.,
    "Stripes: bit-serial deep neural network computing", MICRO 2016, configure it.
    """
    return shape.groups * ceil_div(shape.outputs, TILES * FILTERS) * shape.P * _bricks(shape)


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
    if shape.P == 1 and shape.kernel_height * shape.kernel_width == 1:
        return passes * _bricks(shape) + shape.activation_bits - 1
    pallets = ceil_div(shape.P, WINDOWS)
    return passes * pallets * _bricks(shape) * shape.activation_bits


def ideal_speed_up(work: Sequence[int], bits: Sequence[int]) -> float:
    """Return ``16 / (mean activation bits)``, layers weighted by their work.

    Parameters
    ----------
    work : sequence of int
        Of each layer: MACs, or DaDianNao's cycles.
    bits : sequence of int
        Activation bits of each layer.

    Raises
    ------
    ValueError
        If the two are not of one length, or there is no work.
    """
    serial = sum(amount * width for amount, width in zip(work, bits, strict=True))
    if serial <= 0:
        raise ValueError(f"work = {list(work)!r}: expected some layer with work")
    return FULL_BITS * sum(work) / serial


def _bricks(shape: LayerShape) -> int:
    return shape.kernel_height * shape.kernel_width * ceil_div(shape.channels, LANES)
