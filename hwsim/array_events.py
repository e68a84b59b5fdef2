"""What an array reads from its buffers and adds to compute a layer, no plane skipped."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from hwsim.array import AnArray, Array, SystolicArray
from hwsim.layer import Layer
from hwsim.rounding import ceil_div

__all__ = ["ArrayEvents", "array_events", "bits_read_again", "element_operations", "seen_inputs"]


class ArrayEvents(NamedTuple):
    """Counts of all groups of a layer; see `hwsim.counts.Counts`."""

    weight_bits_read: int
    input_bits_read: int
    lane_operations: int
    accumulates: int
    idle_lane_cycles: int = 0


def array_events(array: AnArray, layer: Layer) -> ArrayEvents:
    """Return what no cut into tiles changes, for all groups of a layer.

    A systolic array reads the operand that stays in place once for each range of what goes by:
    that is left out here, see `bits_read_again`.
    """
    g, K, M, P, n = layer.groups, layer.K, layer.M, layer.P, layer.bits
    passes = array.passes(layer)
    m_passes, p_passes = ceil_div(M, passes.m_side), ceil_div(P, passes.p_side)
    by_tap = layer.taps * ceil_div(layer.group_channels, passes.lanes)
    steps = by_tap if passes.by_tap else ceil_div(K, passes.lanes)
    by_weights, by_inputs = bits_read_again(array, layer)
    serial, sums = passes.serial, m_passes * _sums(array, layer)
    return ArrayEvents(
        weight_bits_read=0 if by_weights else g * p_passes * M * K * n,
        input_bits_read=0 if by_inputs else g * m_passes * seen_inputs(layer) * layer.in_bits,
        lane_operations=g * P * K * (M * serial + sums),
        accumulates=g * P * steps * (M * serial + sums),
    )


def element_operations(array: AnArray, layer: Layer, lane_operations: int) -> int:
    """Return the lane operations of the elements alone, without those of the columns' sums.

    Of an array that skips no activations.
    """
    m_passes: int = ceil_div(layer.M, array.passes(layer).m_side)
    return lane_operations - layer.groups * layer.P * layer.K * m_passes * _sums(array, layer)


def bits_read_again(array: AnArray, layer: Layer) -> tuple[int, int]:
    """Return the bits of weights read for each range of positions, and of inputs, of outputs.

    Those of a systolic array whose weights, or inputs, stay in place; 0 where none do.
    """
    dataflow = array.dataflow if isinstance(array, SystolicArray) else ""
    weights, inputs = layer.M * layer.K * layer.bits, 0
    if dataflow == "is":
        inputs = seen_inputs(layer) * layer.in_bits
    return layer.groups * weights if dataflow == "ws" else 0, layer.groups * inputs


@functools.lru_cache(maxsize=4096)
def _sums(array: AnArray, layer: Layer) -> int:
    """Return how often an activation is added to its column's sum [S9.1] in a pass."""
    if layer.domain != "offset" or not isinstance(array, Array) or array.serial == "none":
        return 0
    return layer.in_bits if array.is_serial("activation") else 1


@functools.lru_cache(maxsize=4096)
def seen_inputs(layer: Layer) -> int:
    """Return how many inputs all windows of a group see, padding left out."""
    seen = layer.group_channels
    for length, kernel, count in (
        (layer.height, layer.kernel_height, layer.out_height),
        (layer.width, layer.kernel_width, layer.out_width),
    ):
        start = np.arange(count) * layer.stride - layer.padding
        seen *= int((np.clip(start + kernel, 0, length) - np.clip(start, 0, length)).sum())
    return seen
