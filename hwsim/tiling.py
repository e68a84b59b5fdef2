"""How a layer is cut into tiles that fit the buffers, and the best such cut [S10.4].

A tile is a range of a group's outputs and a range of its output positions, in row-major order;
the reduction is never cut, so an output is finished within its tile and partial sums never leave
the array. Ranges are multiples of the array's rows and columns, except the last ones.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.layer import Layer

__all__ = [
    "Tiling",
    "best_tiling",
    "ceil_div",
    "input_bytes",
    "legal",
    "output_bytes",
    "weight_bytes",
]

Integers = NDArray[np.int64]

ORDERS = ("weights", "inputs")


@dataclass(frozen=True)
class Tiling:
    """How a layer is cut, and in which order its tiles run.

    Attributes
    ----------
    order : {"weights", "inputs"}
        The outer loop. "weights": the weights of a range of outputs are loaded once, the inputs
        once per such range. "inputs": the reverse.
    m_size, p_size : int
        Outputs and output positions of a tile; the last ranges may be shorter.
    """

    order: Literal["weights", "inputs"]
    m_size: int
    p_size: int


def ceil_div(a: Any, b: Any) -> Any:  # noqa: ANN401
    """Return a / b rounded up, for integers and integer arrays."""
    return -(-a // b)


def weight_bytes(layer: Layer, m: Any) -> Any:  # noqa: ANN401
    """Return the packed size of the weights of `m` outputs."""
    return ceil_div(m * layer.K * layer.bits, 8)


def output_bytes(layer: Layer, m: Any, p: Any) -> Any:  # noqa: ANN401
    """Return the packed size of `m` outputs at `p` positions."""
    return ceil_div(m * p * layer.out_bits, 8)


def input_bytes(layer: Layer, p_size: int) -> Integers:
    """Return the packed size of what each range of output positions sees of a group's input.

    These are the input rows from the first window's first to the last window's last, whole if the
    range reaches over several output rows, else only the columns its windows cover. Padding is
    not fetched.

    Parameters
    ----------
    layer : Layer
    p_size : int
        Output positions of a range; the last range may be shorter.

    Returns
    -------
    ndarray of int64, (ranges,)
    """
    first = np.arange(0, layer.P, p_size, dtype=np.int64)
    last = np.minimum(first + p_size, layer.P) - 1
    (top, left), (bottom, right) = (np.divmod(at, layer.out_width) for at in (first, last))
    rows = _seen(top, bottom, layer, layer.height, layer.kernel_height)
    columns = _seen(left, right, layer, layer.width, layer.kernel_width)
    columns = np.where(top == bottom, columns, layer.width)
    return np.asarray(ceil_div(rows * columns * layer.group_channels * layer.in_bits, 8))


def legal(layer: Layer, accelerator: Accelerator, tiling: Tiling) -> Tiling:
    """Return a tiling that was given from outside, if the accelerator can run it.

    Raises
    ------
    ValueError
        If a size is not one that tiles may have, or a tile does not fit the buffers.
    """
    if tiling.order not in ORDERS:
        raise ValueError(f"tiling.order = {tiling.order!r}: expected one of {', '.join(ORDERS)}")
    array = accelerator.array
    for name, size, total, side in (
        ("m_size", tiling.m_size, layer.M, array.rows),
        ("p_size", tiling.p_size, layer.P, array.cols),
    ):
        if size not in _sizes(total, side):
            raise ValueError(
                f"layer {layer.name}: tiling.{name} = {size!r}: expected a multiple of {side} "
                f"below {total}, or {total}"
            )
    if not _fitting(layer, accelerator, np.array([tiling.m_size]), tiling.p_size)[0].size:
        raise ValueError(f"layer {layer.name}: {tiling}: a tile does not fit the buffers")
    return tiling


@functools.lru_cache(maxsize=4096)
def best_tiling(layer: Layer, accelerator: Accelerator) -> Tiling:
    """Return the cut with the fewest cycles, by trying all of them.

    Equal cycles are decided by fewer DRAM bytes, then fewer tiles, then "weights" before
    "inputs", then fewer outputs in a tile.

    Raises
    ------
    ValueError
        If no tile fits: naming the layer, the buffer, the bytes of the smallest tile and the bytes
        there are.
    """
    best: tuple[int, ...] | None = None
    m_all = _sizes(layer.M, accelerator.array.rows)
    for p_size in _sizes(layer.P, accelerator.array.cols):
        m_fits, inputs = _fitting(layer, accelerator, m_all, int(p_size))
        if m_fits.size == 0:
            continue
        ranges_m, ranges_p = ceil_div(layer.M, m_fits), len(inputs)
        for index, order in enumerate(ORDERS):
            cycles, dram = _cost(layer, accelerator, m_fits, int(p_size), inputs, order)
            ranks = np.stack(
                np.broadcast_arrays(cycles, dram, ranges_m * ranges_p, index, m_fits, p_size)
            )
            first = np.lexsort(ranks[::-1])[0]
            found = tuple(int(value) for value in ranks[:, first])
            best = found if best is None else min(best, found)
    if best is None:
        raise ValueError(_misfit(layer, accelerator))
    return Tiling("inputs" if best[3] else "weights", *best[4:])


def _seen(first: Integers, last: Integers, layer: Layer, length: int, kernel: int) -> Integers:
    """Return how much of an axis the windows from `first` to `last` see, padding left out."""
    start = np.clip(first * layer.stride - layer.padding, 0, length)
    stop = np.clip(last * layer.stride - layer.padding + kernel, 0, length)
    return np.asarray(stop - start)


def _sizes(total: int, step: int) -> Integers:
    """Return the sizes of a range: multiples of the array's side, the last one all there is."""
    return np.minimum(step * np.arange(1, ceil_div(total, step) + 1, dtype=np.int64), total)


def _fitting(
    layer: Layer, accelerator: Accelerator, m: Integers, p_size: int
) -> tuple[Integers, Integers]:
    """Return the sizes of `m` that fit with `p_size` positions, and the bytes of the inputs."""
    weights, inputs, outputs = _room(accelerator)
    seen = input_bytes(layer, p_size)
    fits = weight_bytes(layer, m) <= weights
    fits &= output_bytes(layer, m, p_size) <= outputs
    return m[fits & (seen.max() <= inputs)], seen


def _room(accelerator: Accelerator) -> tuple[int, int, int]:
    """Return the bytes that a tile may use of the weight, input and output buffer."""
    buffers = accelerator.buffers
    return (
        buffers.weight_bytes // buffers.parts,
        buffers.input_bytes // buffers.parts,
        buffers.output_bytes // buffers.parts,
    )


def _cost(
    layer: Layer, accelerator: Accelerator, m_size: Integers, p_size: int, inputs: Integers,
    order: str,
) -> tuple[Integers, Integers]:  # fmt: skip
    """Return cycles and DRAM bytes for each size in `m_size`.

    All ranges of outputs but the first and the last cost the same, so three are looked at: axis 0
    is (first, middle, last), axis 1 the sizes, axis 2 the ranges of positions.
    """
    array, bandwidth = accelerator.array, accelerator.dram.bits_per_cycle
    many = ceil_div(layer.M, m_size)
    m = np.stack([m_size, m_size, layer.M - (many - 1) * m_size])[:, :, None]
    times = np.stack([np.ones_like(many), np.maximum(many - 2, 0), many > 1])[:, :, None]
    p = np.full(len(inputs), p_size)
    p[-1] = layer.P - (len(inputs) - 1) * p_size

    first_m = np.array([True, False, False])[:, None, None]
    first_p = np.arange(len(inputs)) == 0
    if order == "weights":
        load_weights, load_inputs = first_p, first_m | (len(inputs) > 1)
    else:
        load_weights, load_inputs = first_p | (many > 1)[None, :, None], first_m
    loaded = load_weights * weight_bytes(layer, m) + load_inputs * inputs
    stored = output_bytes(layer, m, p)

    step = ceil_div(layer.K, array.lanes) * layer.bits + array.drain
    compute = ceil_div(m, array.rows) * ceil_div(p, array.cols) * step
    transfer = ceil_div(8 * loaded, bandwidth) + ceil_div(8 * stored, bandwidth)
    double = accelerator.buffers.double_buffered
    cycles = np.maximum(compute, transfer) if double else compute + transfer
    return (
        layer.groups * (times * cycles).sum(axis=(0, 2)),
        layer.groups * (times * (loaded + stored)).sum(axis=(0, 2)),
    )


def _misfit(layer: Layer, accelerator: Accelerator) -> str:
    """Say which buffer is too small for the smallest tile."""
    array = accelerator.array
    rooms = dict(zip(("weight", "input", "output"), _room(accelerator), strict=True))
    m = min(array.rows, layer.M)
    seen = {int(p): int(input_bytes(layer, int(p)).max()) for p in _sizes(layer.P, array.cols)}
    fitting = [p for p, size in seen.items() if size <= rooms["input"]]
    needs = {"weight": int(weight_bytes(layer, m)), "input": min(seen.values())}
    if fitting:
        needs["output"] = int(output_bytes(layer, m, min(fitting)))
    kind = next(kind for kind, need in needs.items() if need > rooms[kind])
    half = "half of it, double buffered, " if accelerator.buffers.double_buffered else ""
    return (
        f"layer {layer.name}: the {kind} buffer of {accelerator.name} is too small: the smallest "
        f"tile needs {needs[kind]} bytes, {half}{rooms[kind]} bytes are there"
    )
