"""Bit Fusion: multipliers that split into narrower ones, with a search for the best tiles."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["BitFusion", "bitfusion_cycles", "bitfusion_total"]

Integers = NDArray[np.int64]

OUTPUT_BITS = 32
KINDS = "weights", "inputs", "outputs"

MOST_MACS = 2**44
"""Of a layer whose bits are counted in 64-bit integers."""

# Loops over tiles: batch, columns, rows, input channels, output channels; and which of them change
# the tile of weights, of inputs, of outputs.
LOOPS = 5
CHANGES = {
    "weights": (False, False, False, True, True),
    "inputs": (True, True, True, True, False),
    "outputs": (True, True, True, False, True),
}


@dataclass(frozen=True)
class BitFusion:
    """The accelerator.

    Attributes
    ----------
    rows, cols : int
        N inputs by M outputs.
    most_bits, least_bits : int
        Widths between which an operand runs: a multiplier of the former splits down to the latter.
    bandwidth : int
        DRAM bits in a cycle.
    weight_bytes, input_bytes, output_bytes : int
        Buffers; half of each holds a tile. (The published table says bits; its program takes the
        same numbers as bytes.)
    """

    rows: int
    cols: int
    most_bits: int
    least_bits: int
    bandwidth: int
    weight_bytes: int
    input_bytes: int
    output_bytes: int

    def products(self, shape: LayerShape) -> int:
        """Return how many products a multiplier does in a cycle."""
        widths = shape.activation_bits, shape.weight_bits
        by_activation, by_weight = (
            self.most_bits // max(width, self.least_bits) for width in widths
        )
        return by_activation * by_weight


def bitfusion_cycles(shape: LayerShape, machine: BitFusion, *, flat: bool) -> int:
    """Return the compute cycles of a layer.

    With ``f`` products of a multiplier in a cycle, ``B ceil(OC/M) O^2 K^2 ceil(IC / (N f))``
    channel by channel; with the reduction flattened, as the program does for the layers that take
    the images, ``B ceil(OC/M) O^2 ceil(IC K^2 / (N f))``.

    Notes
    -----
    H. Sharma et al., "Bit Fusion: bit-level dynamically composable architecture for accelerating
    deep neural network", ISCA 2018; the simulator published with it.
    """
    terms = machine.rows * machine.products(shape)
    passes = shape.groups * shape.P * ceil_div(shape.outputs, machine.cols)
    if flat:
        return passes * ceil_div(shape.K, terms)
    return passes * shape.steps_by_tap(terms)


def bitfusion_total(shape: LayerShape, machine: BitFusion, *, flat: bool) -> int:
    """Return the cycles of a layer with its stalls, for the best tiles in the best loop order.

    Tiles are powers of two of images, output sides, input channels and output channels (times M,
    unless flattened), and fit half of each buffer. A kind of tile that stays within its half
    buffer over some inner loops is loaded once for them. The first loads and the last stores are
    waited for; what lies between them runs beside the computation, and the longer one counts.

    Parameters
    ----------
    shape : LayerShape
        Of one group, with a square kernel and a square output.
    machine : BitFusion
    flat : bool
        As in `bitfusion_cycles`.

    Raises
    ------
    ValueError
        If no tile fits, or the layer has more than `MOST_MACS`.

    Notes
    -----
    After the same program: outputs are counted 32 bits wide, both read and written where they are
    moved, and all M columns of them.
    """
    if shape.macs > MOST_MACS:
        raise ValueError(f"bit fusion: {shape.macs} multiplications: expected at most 2^44")
    counts, compute, size = _tiles(shape, machine, flat)
    rooms = {
        "weights": 4 * machine.weight_bytes,
        "inputs": 4 * machine.input_bytes,
        "outputs": 4 * machine.output_bytes,
    }  # in bits, half of each
    fits = np.logical_and.reduce([size[kind] <= rooms[kind] for kind in KINDS])
    if not fits.any():
        raise ValueError("bit fusion: no tile of the layer fits the buffers")
    counts, compute = counts[:, fits], compute[fits]
    # Columns and rows are cut alike, so only their places in the order matter, not which is which.
    orders = [order for order in itertools.permutations(range(LOOPS))
              if order.index(1) < order.index(2)]  # fmt: skip
    order = np.array(orders).T[::-1]  # from the innermost loop
    traffic = {}
    first = {}
    for kind in KINDS:
        traffic[kind], first[kind] = _moved(
            size[kind][fits], counts, order, np.array(CHANGES[kind]), rooms[kind]
        )
    # Outputs come in and go out; the program takes the same size for both ends.
    begin = first["weights"] + first["inputs"] + first["outputs"]
    end = first["outputs"]
    moved = traffic["weights"] + traffic["inputs"] + 2 * traffic["outputs"]
    between = _cycles(moved - begin - end, machine)
    waiting = _cycles(begin, machine) + _cycles(end, machine)
    return int((np.maximum(between, compute) + waiting).min())


def _tiles(
    shape: LayerShape, machine: BitFusion, flat: bool
) -> tuple[Integers, Integers, dict[str, Integers]]:
    """Return for every cut the tiles of each loop, the compute cycles, and the bits of a tile."""
    kernel, side = shape.kernel_height, shape.out_height
    step = 1 if flat else machine.cols
    ranges = [
        _powers(shape.batch, 1), _powers(side, 1), _powers(shape.channels, 1),
        _powers(shape.outputs, step),
    ]  # fmt: skip
    b, o, ic, oc = (axis.ravel() for axis in np.meshgrid(*ranges, indexing="ij"))
    sizes = np.stack([b, o, o, ic, oc])
    whole = np.array([shape.batch, side, side, shape.channels, shape.outputs])[:, None]
    counts = ceil_div(whole, sizes)
    terms = machine.rows * machine.products(shape)
    flattened = ceil_div(kernel * kernel * ic, terms)
    steps = flattened if flat else kernel * kernel * ceil_div(ic, terms)
    columns = ceil_div(oc, machine.cols)
    compute = counts.prod(axis=0) * b * columns * o * o * steps
    seen = kernel + (o - 1) * shape.stride
    inputs = o * o * kernel * kernel * ic if flat else seen * seen * ic
    return counts, compute, {
        "weights": flattened * terms * oc * shape.weight_bits,
        "inputs": inputs * b * shape.activation_bits,
        "outputs": o * o * columns * machine.cols * b * OUTPUT_BITS,
    }


def _moved(
    tile: Integers, counts: Integers, order: Integers, changes: NDArray[np.bool_], room: int
) -> tuple[Integers, Integers]:
    """Return the bits moved and the bits held at a time, (orders, cuts)."""
    moved = np.broadcast_to(tile, (order.shape[1], tile.size)).copy()
    held = moved.copy()
    stays = np.ones(moved.shape, bool)  # all that the loops so far touch fits
    for loops in order:
        n = counts[loops]
        changed = changes[loops][:, None]
        moved *= np.where(stays & ~changed, 1, n)
        stays &= ~changed | (moved <= room)
        held = np.where(stays & changed, moved, held)
    return moved, held


def _powers(whole: int, step: int) -> Integers:
    """Return the sizes of a tile: the step times powers of two, the last one all there is."""
    sizes = [step]
    while sizes[-1] < whole:
        sizes.append(2 * sizes[-1])
    return np.minimum(np.array(sizes, np.int64), whole)


def _cycles(bits: Any, machine: BitFusion) -> Any:  # noqa: ANN401
    return ceil_div(bits, machine.bandwidth)
