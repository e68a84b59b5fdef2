"""The vector unit: what the layers of a network without weights cost.

`hwsim.vector_layer` says what they do, `hwsim.steps` which are fused and what each reads and
stores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwsim.rounding import ceil_div
from hwsim.vector_layer import VectorLayer

if TYPE_CHECKING:
    from hwsim.accelerator import Accelerator, Dram
    from hwsim.workload import Workload

__all__ = ["VectorCounts", "kept_tensors", "vector_counts", "vector_lines"]


@dataclass(frozen=True)
class VectorCounts:
    """What a vector layer costs for one image.

    Attributes
    ----------
    name, kind, after, fused
        As in `VectorLayer`.
    operations : int
        Of all lanes.
    compute_cycles, stall_cycles : int
        In which nothing but the vector unit works, or waits for DRAM.
    hidden_cycles : int
        In which it works while the array does: no time of their own.
    dram_input_bytes, dram_output_bytes : int
        Each tensor rounded up to a byte, and to bursts.
    activation_bits_read, activation_bits_written : int
        Of the memory for operands that stay on the chip.
    """

    name: str
    kind: str
    after: str
    fused: bool
    operations: int
    compute_cycles: int
    stall_cycles: int
    hidden_cycles: int
    dram_input_bytes: int
    dram_output_bytes: int
    activation_bits_read: int
    activation_bits_written: int

    @property
    def cycles(self) -> int:
        """All cycles of its own, working or waiting."""
        return self.compute_cycles + self.stall_cycles

    @property
    def dram_bytes(self) -> int:
        """Bytes moved to and from DRAM."""
        return self.dram_input_bytes + self.dram_output_bytes


def kept_tensors(layers: Iterable[VectorLayer], activation_bytes: int) -> frozenset[str]:
    """Return the operands that stay on the chip from when they are made to their last use.

    In the order in which they are made, each is kept if it fits beside those that are kept at the
    time; the step of a tensor's last use still holds it. An operand that is not kept is read from
    DRAM, where every tensor is stored.

    Parameters
    ----------
    layers : iterable of VectorLayer
    activation_bytes : int
        Each tensor takes whole bytes of it.
    """
    spans: dict[str, tuple[int, int, int]] = {}
    for layer in layers:
        for operand in layer.operands:
            if not operand.external:
                spans[operand.tensor] = operand.made, layer.step, ceil_div(operand.whole, 8)
    kept: dict[str, tuple[int, int, int]] = {}
    for tensor, span in sorted(spans.items(), key=lambda item: (item[1][0], item[0])):
        made, _, size = span
        held = sum(other for _, last, other in kept.values() if last >= made)
        if held + size <= activation_bytes:
            kept[tensor] = span
    return frozenset(kept)


def vector_counts(
    layer: VectorLayer,
    accelerator: Accelerator,
    *,
    kept: Collection[str] = (),
    hidden: int = 0,
) -> VectorCounts:
    """Return what a layer costs on an accelerator with a vector unit.

    Parameters
    ----------
    layer : VectorLayer
    accelerator : Accelerator
    kept : collection of str
        Operands on the chip, as `kept_tensors` finds them.
    hidden : int
        Cycles for which the array still works on what the layer is fused to.

    Raises
    ------
    ValueError
        If the accelerator has no vector unit.

    Notes
    -----
    It is busy for ``ceil(elements * operations / lanes)`` cycles, of which a fused layer's run
    beside the array's as far as those go. Operands that are not kept, constants and stored results
    pass the DRAM channel as a tile's do: each is a stream, rounded up to bursts, with its latency
    and row misses, and ``ceil(8 read / bits_per_cycle) + ceil(8 stored / bits_per_cycle)`` cycles
    of data. They overlap with the unit's own work if buffers are doubled and never with the
    array's, whose tiles use the channel: what is above the unit's cycles is stall.
    """
    if accelerator.vector is None:
        raise ValueError(f"accelerator {accelerator.name}: vector is missing: layer {layer.name}")
    operations = layer.elements * layer.operations
    busy = ceil_div(operations, accelerator.vector.lanes)
    beside = min(busy, hidden) if layer.fused else 0
    read = [layer.constant_bits]
    held_read = held_written = 0
    for operand in layer.operands:
        if operand.tensor in kept:
            held_read += operand.bits
            held_written += operand.whole if operand.first else 0
        else:
            read.append(operand.bits)
    read_bytes, reading = _moved(read, accelerator.dram)
    stored_bytes, storing = _moved([layer.stored_bits], accelerator.dram)
    transfer = reading + storing
    own = busy - beside
    stall = max(transfer - own, 0) if accelerator.buffers.double_buffered else transfer
    return VectorCounts(
        layer.name, layer.kind, layer.after, layer.fused, operations, own, stall, beside,
        read_bytes, stored_bytes, held_read, held_written,
    )  # fmt: skip


def _moved(streams: Iterable[int], dram: Dram) -> tuple[int, int]:
    """Return the bytes of some streams of bits, one way, and the channel's cycles for them."""
    burst = dram.burst_bytes
    sizes = [ceil_div(bits, 8 * burst) * burst for bits in streams if bits]
    rows = sum(ceil_div(size, dram.row_bytes) for size in sizes) if dram.row_bytes else 0
    data = ceil_div(8 * sum(sizes), dram.bits_per_cycle)
    return sum(sizes), len(sizes) * dram.latency_cycles + rows * dram.row_miss_cycles + data


def vector_lines(
    workload: Workload, accelerator: Accelerator, cycles: Mapping[str, int]
) -> tuple[VectorCounts, ...]:
    """Return what the vector layers of a workload cost, in the order in which they run.

    Parameters
    ----------
    workload : Workload
    accelerator : Accelerator
    cycles : mapping of str to int
        Of each layer of the array, by name.

    Returns
    -------
    tuple of VectorCounts
        Empty for an accelerator without a vector unit.

    Raises
    ------
    ValueError
        If the cycles of a layer are missing.
    """
    if accelerator.vector is None:
        return ()
    kept = kept_tensors(workload.vector, accelerator.vector.activation_bytes)
    lines: list[VectorCounts] = []
    after, left = "", 0
    for layer in workload.vector:
        if layer.after != after:
            if layer.after not in cycles:
                raise ValueError(f"cycles has no {layer.after!r}: layer {layer.name} follows it")
            after, left = layer.after, cycles[layer.after]
        if not layer.fused:
            left = 0  # what is fused to it does not run beside the array
        counts = vector_counts(layer, accelerator, kept=kept, hidden=left)
        left -= counts.hidden_cycles
        lines.append(counts)
    return tuple(lines)
