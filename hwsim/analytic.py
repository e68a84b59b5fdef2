"""Cycles and traffic of a layer in closed form [S10.1], [S10.4]."""

from __future__ import annotations

import numpy as np

from hwsim.accelerator import Accelerator
from hwsim.counts import Counts
from hwsim.layer import Layer
from hwsim.tiling import Tiling, ceil_div, input_bytes, legal, output_bytes, weight_bytes

__all__ = ["closed_form", "compute_cycles"]


def compute_cycles(layer: Layer, accelerator: Accelerator) -> int:
    """Return ``groups ceil(M/rows) ceil(P/cols) (ceil(K/lanes) n + drain)`` [S10.1], [S10.2]."""
    array = accelerator.array
    passes = ceil_div(layer.M, array.rows) * ceil_div(layer.P, array.cols)
    per_pass = ceil_div(layer.K, array.lanes) * layer.bits + array.drain
    return int(layer.groups * passes * per_pass)


def closed_form(layer: Layer, accelerator: Accelerator, tiling: Tiling) -> Counts:
    """Return all counts of a layer for one image.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    tiling : Tiling

    Returns
    -------
    Counts

    Raises
    ------
    ValueError
        If the accelerator cannot run that tiling.

    Notes
    -----
    A tile moves the weights and inputs that the tile before it did not have, and its outputs.
    DRAM moves `bits_per_cycle` in a cycle, one way at a time, so a tile's transfer takes
    ``ceil(8 loaded / bits_per_cycle) + ceil(8 stored / bits_per_cycle)`` cycles. Double buffered,
    the tile takes the larger of its compute and transfer cycles, else their sum; what is above
    the compute cycles is stall [S10.4].
    """
    legal(layer, accelerator, tiling)
    array, bandwidth = accelerator.array, accelerator.dram.bits_per_cycle
    g, K, M, P, n = layer.groups, layer.K, layer.M, layer.P, layer.bits

    # Ranges of outputs down, of positions across; every group has the same tiles.
    m = np.diff(np.append(np.arange(0, M, tiling.m_size), M))[:, None]
    p = np.diff(np.append(np.arange(0, P, tiling.p_size), P))[None, :]
    first_m, first_p = np.arange(m.size)[:, None] == 0, np.arange(p.size)[None, :] == 0
    if tiling.order == "weights":
        new_weights, new_inputs = first_p, first_m | (p.size > 1)
    else:
        new_weights, new_inputs = first_p | (m.size > 1), first_m
    everywhere = np.ones((m.size, p.size), dtype=np.int64)
    weights = new_weights * weight_bytes(layer, m) * everywhere
    inputs = new_inputs * input_bytes(layer, tiling.p_size) * everywhere
    outputs = output_bytes(layer, m, p)

    steps = ceil_div(K, array.lanes)
    compute = ceil_div(m, array.rows) * ceil_div(p, array.cols) * (steps * n + array.drain)
    transfer = ceil_div(8 * (weights + inputs), bandwidth) + ceil_div(8 * outputs, bandwidth)
    double = accelerator.buffers.double_buffered
    stall = np.maximum(transfer - compute, 0) if double else transfer

    row_passes, col_passes = ceil_div(M, array.rows), ceil_div(P, array.cols)
    sums = row_passes if layer.domain == "offset" else 0  # one sum per position and row pass
    dram_weights, dram_inputs, dram_outputs = (
        g * int(part.sum()) for part in (weights, inputs, outputs)
    )
    return Counts(
        compute_cycles=compute_cycles(layer, accelerator),
        stall_cycles=g * int(stall.sum()),
        dram_weight_bytes=dram_weights,
        dram_input_bytes=dram_inputs,
        dram_output_bytes=dram_outputs,
        weight_bits_read=g * col_passes * M * K * n,
        weight_bits_written=8 * dram_weights,
        input_bits_read=g * row_passes * _taps(layer) * layer.in_bits,
        input_bits_written=8 * dram_inputs,
        output_bits_read=8 * dram_outputs,
        output_bits_written=g * M * P * layer.out_bits,
        lane_operations=g * P * K * (M * n + sums),
        accumulates=g * P * steps * (M * n + sums),
    )


def _taps(layer: Layer) -> int:
    """Return how many inputs all windows of a group see, padding left out."""
    taps = layer.group_channels
    for length, kernel, count in (
        (layer.height, layer.kernel_height, layer.out_height),
        (layer.width, layer.kernel_width, layer.out_width),
    ):
        start = np.arange(count) * layer.stride - layer.padding
        seen = np.clip(start + kernel, 0, length) - np.clip(start, 0, length)
        taps *= int(seen.sum())
    return taps
