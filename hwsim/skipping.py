"""Compute cycles and operations of an array that skips zero bit planes, from the values it sees.

A reduction step is `lanes` terms at the rows and columns of a pass. With W planes of weights and X
of activations it takes ``W X`` cycles, W or X being 1 for an operand that comes in parallel. With
skipping, W is the number of planes that have a one in some row (column, for X) and lane of the
step, or, by line, the most that one row has; 1 at the least.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.analytic import closed_form
from hwsim.array import AnArray, Array
from hwsim.array_events import ArrayEvents, seen_inputs
from hwsim.counts import Counts
from hwsim.layer import Layer
from hwsim.rounding import ceil_div
from hwsim.tiling import Tiling
from hwsim.values import weight_shape

__all__ = ["Skipped", "closed_form_of_values", "skipped", "skips"]

Integers = NDArray[np.int64]


class Skipped(NamedTuple):
    """What `hwsim.analytic.closed_form` takes for an array that skips.

    Attributes
    ----------
    compute : ndarray of int64, (groups, ranges of outputs, of positions, of channels)
        Cycles of each tile.
    events : ArrayEvents
        Of all of them.
    """

    compute: Integers
    events: ArrayEvents


class _Lines(NamedTuple):
    """An operand as the array's rows, or columns, see it: steps, groups, lines.

    Attributes
    ----------
    own : (steps, groups, lines)
        Planes that a line goes through.
    longest : (steps, groups, passes)
        Cycles that the lines of a pass wait for each other.
    sizes : (passes,)
        Lines of a pass.
    """

    own: Integers
    longest: Integers
    sizes: Integers


def skipped(
    layer: Layer,
    array: Array,
    tiling: Tiling,
    weights: NDArray[np.integer[Any]] | None,
    x: NDArray[np.integer[Any]] | None,
) -> Skipped:
    """Return what an array spends on a layer, from its definition, planes of zeros left out.

    Parameters
    ----------
    layer : Layer
    array : Array
        It may as well skip nothing.
    tiling : Tiling
    weights : ndarray of integers, (kernel_height, kernel_width, group_channels, outputs), optional
        Integers whose two's complement bits are the planes [S9.1]; (features, outputs) of a linear
        layer do as well. None: no plane is skipped.
    x : ndarray of integers, (height, width, channels), optional
        Activation codes; (..., features) of a linear layer do as well. None: no plane is skipped.

    Returns
    -------
    Skipped

    Raises
    ------
    ValueError
        If a shape is not that of the layer.
    """
    channels, g = layer.group_channels, layer.groups
    w = windows = real = None
    if array.skips("weight") and weights is not None:
        w = _checked(layer, "weights", weights, weight_shape(layer))
        w = w.reshape(layer.taps, channels, g, layer.M)
    if array.skips("activation") and x is not None:
        image = _checked(layer, "x", x, (layer.height, layer.width, layer.channels))
        windows, real = _windows(layer, image), _windows(layer, np.ones_like(image))

    def part(first: int) -> Skipped:
        c = slice(first, first + tiling.c_size)
        w_part, x_part, real_part = (
            None if one is None else one[:, c] for one in (w, windows, real)
        )
        return _part(layer, array, tiling, min(tiling.c_size, channels - first), w_part, x_part,
                     real_part)  # fmt: skip

    parts = [part(first) for first in range(0, channels, tiling.c_size)]
    compute = np.stack([one.compute for one in parts], axis=3)
    counts = zip(*(one.events for one in parts), strict=True)
    events = ArrayEvents(*(int(sum(count)) for count in counts))
    if real is None:
        m_passes = ceil_div(layer.M, array.rows)
        bits = g * m_passes * seen_inputs(layer) * layer.in_bits
        events = events._replace(input_bits_read=bits)
    return Skipped(compute, events)


def skips(array: AnArray) -> TypeGuard[Array]:
    """Whether what an array does depends on the values."""
    return isinstance(array, Array) and array.skip != "none"


def closed_form_of_values(
    layer: Layer,
    accelerator: Accelerator,
    tiling: Tiling,
    weights: NDArray[np.integer[Any]] | None = None,
    x: NDArray[np.integer[Any]] | None = None,
) -> Counts:
    """Return all counts of a layer for one image, with the planes left out that its array skips.

    Parameters
    ----------
    layer, accelerator, tiling
        As in `closed_form`, which this is if the array skips nothing.
    weights, x
        As in `skipped`.

    Raises
    ------
    ValueError
        As `closed_form` and `skipped`.
    """
    array = accelerator.array
    if not skips(array):
        return closed_form(layer, accelerator, tiling)
    return closed_form(layer, accelerator, tiling, *skipped(layer, array, tiling, weights, x))


def _part(
    layer: Layer, array: Array, tiling: Tiling, channels: int, weights: Integers | None,
    x: Integers | None, real: Integers | None,
) -> Skipped:  # fmt: skip
    """Return what the tiles of a range of channels take.

    Parameters
    ----------
    channels : int
        In the range.
    weights : (taps, channels, groups, M), optional
    x, real : (taps, channels, groups, P), optional
        What the windows see, and whether that is no padding. Without `real`, inputs that are read
        are left out.
    """
    by_tap, line = array.taps == "by-tap", array.skip_by == "line"
    terms = np.ones((layer.taps, channels), np.int64)
    filled = _steps(terms, array.lanes, by_tap).sum(axis=1)
    like = filled.size, layer.groups
    if weights is None:
        rows = _all(like, layer.M, array.rows, layer.bits if array.is_serial("weight") else 1)
    else:
        rows = _lines(_steps(weights, array.lanes, by_tap), layer.bits, array.rows, line)
    if x is None:
        bits = layer.in_bits if array.is_serial("activation") else 1
        cols = _all(like, layer.P, array.cols, bits)
    else:
        cols = _lines(_steps(x, array.lanes, by_tap), layer.in_bits, array.cols, line)

    cycles = np.einsum("sgr,sgc->grc", rows.longest, cols.longest) + array.fill + array.drain
    firsts = (
        np.arange(0, size, length) // side
        for size, length, side in (
            (layer.M, tiling.m_size, array.rows), (layer.P, tiling.p_size, array.cols)
        )
    )  # fmt: skip
    for axis, first in enumerate(firsts, 1):
        cycles = np.add.reduceat(cycles, first, axis=axis)

    own_rows, own_cols = rows.own.sum(axis=2), cols.own.sum(axis=2)
    work = own_rows * own_cols  # (steps, groups): planes with planes, of all elements
    spent = (rows.longest @ rows.sizes) * (cols.longest @ cols.sizes)
    summed = np.zeros_like(work)
    if layer.domain == "offset" and array.serial != "none":
        summed = own_cols * rows.sizes.size
    inputs = 0
    if real is not None:
        inputs = int((_steps(real, array.lanes, by_tap).sum(axis=1) * cols.own).sum())
    lanes = filled[:, None]
    read = own_rows if array.is_serial("weight") else np.full_like(own_rows, layer.M * layer.bits)
    return Skipped(
        cycles + array.tile_switch,
        ArrayEvents(
            weight_bits_read=int((cols.sizes.size * lanes * read).sum()),
            input_bits_read=rows.sizes.size * inputs,
            lane_operations=int((lanes * (work + summed)).sum()),
            accumulates=int((work + summed).sum()),
            idle_lane_cycles=int((lanes * (spent - work)).sum()),
        ),
    )


def _all(like: tuple[int, int], count: int, side: int, planes: int) -> _Lines:
    """Return lines that go through all planes in every step and group."""
    sizes = _sizes(count, side)
    return _Lines(np.full((*like, count), planes), np.full((*like, sizes.size), planes), sizes)


def _lines(values: Integers, bits: int, side: int, by_line: bool) -> _Lines:
    """Return the planes of each line, `side` of which are in a pass; values (steps, lanes, ...)."""
    ones = np.bitwise_or.reduce(values & (2**bits - 1), axis=1)
    sizes = _sizes(ones.shape[2], side)
    firsts = np.arange(sizes.size) * side
    if not by_line:
        ones = np.repeat(np.bitwise_or.reduceat(ones, firsts, axis=2), sizes, axis=2)
    own = np.bitwise_count(ones).astype(np.int64)
    return _Lines(own, np.maximum(np.maximum.reduceat(own, firsts, axis=2), 1), sizes)


def _sizes(count: int, side: int) -> Integers:
    """Return how many lines are in each pass."""
    return np.diff(np.append(np.arange(0, count, side), count))


def _steps(values: Integers, lanes: int, by_tap: bool) -> Integers:
    """Cut terms (taps, channels, ...) into steps: (steps, lanes, ...), zeros at the ragged ends."""
    taps, channels, *rest = values.shape
    rows = values if by_tap else values.reshape(1, taps * channels, *rest)
    short = -rows.shape[1] % lanes
    padded = np.pad(rows, [(0, 0), (0, short), *[(0, 0)] * len(rest)])
    return padded.reshape(-1, lanes, *rest)


def _windows(layer: Layer, x: Integers) -> Integers:
    """Return what each output position sees at each tap, (taps, channels of a group, groups, P)."""
    pad, kernel = layer.padding, (layer.kernel_height, layer.kernel_width)
    padded = np.pad(x, [(pad, pad), (pad, pad), (0, 0)])
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(0, 1))
    seen = views[:: layer.stride, :: layer.stride]  # (out_height, out_width, channels, kernel)
    by_group = seen.reshape(layer.P, layer.groups, layer.group_channels, layer.taps)
    return by_group.transpose(3, 2, 1, 0)


def _checked(
    layer: Layer, name: str, values: NDArray[np.integer[Any]], shape: tuple[int, ...]
) -> Integers:
    flat = layer.kind != "conv" and values.shape[-1:] == shape[-1:]
    if values.shape != shape and not (flat and values.size == np.prod(shape)):
        raise ValueError(f"layer {layer.name}: {name} has shape {values.shape}: expected {shape}")
    return values.astype(np.int64).reshape(shape)
