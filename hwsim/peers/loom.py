"""Loom: both operands bit by bit."""

from __future__ import annotations

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["dpnn_cycles", "loom_cycles"]

FILTERS, WINDOWS, LANES = 128, 16, 16
"""Of LM1b, which does the work of 128 multiplications of 16 x 16 bits in a cycle."""

DPNN_FILTERS = 8
"""Of the bit-parallel machine that it is compared with: 8 filters x 16 lanes."""

FULL_BITS = 16


def dpnn_cycles(shape: LayerShape) -> int:
    """Return ``ceil(M/8) P k^2 ceil(C/16)`` a group: 128 multiplications of 16 bits in a cycle."""
    passes = shape.groups * ceil_div(shape.outputs, DPNN_FILTERS) * shape.P
    return passes * shape.steps_by_tap(LANES)


def loom_cycles(shape: LayerShape) -> int:
    """Return the cycles of LM1b, for weights of w and activations of a bits.

    Convolutions: ``ceil(M/128) ceil(P/16) k^2 ceil(C/16) w a`` a group. Layers of one position:
    the columns take filters in place of windows, and to load the weight bits of 16 columns takes
    16 cycles, whatever the activations: ``ceil(M/2048) ceil(C/16) 16 w``. Against `dpnn_cycles`,
    where all sizes divide, that is ``256 / (w a)`` and ``16 / w`` times as fast.

    Notes
    -----
    S. Sharify et al., "Loom: exploiting weight and activation precisions to accelerate
    convolutional neural networks", DAC 2018 (arXiv 1706.07853). Precisions found at
    run time are not modelled.
    """
    if shape.P == shape.taps == 1:
        passes = ceil_div(shape.outputs, FILTERS * WINDOWS)
        return shape.groups * passes * shape.steps_by_tap(LANES) * FULL_BITS * shape.weight_bits
    passes = ceil_div(shape.outputs, FILTERS) * ceil_div(shape.P, WINDOWS)
    serial = shape.weight_bits * shape.activation_bits
    return shape.groups * passes * shape.steps_by_tap(LANES) * serial
