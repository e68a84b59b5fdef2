"""A line of a report: one layer, and what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.array_events import element_operations
from hwsim.counts import Counts
from hwsim.energy import Energy, energy_of, vector_energy_of
from hwsim.layer import Layer
from hwsim.rounding import ceil_div
from hwsim.skipping import closed_form_of_values
from hwsim.tiling import Tiling, best_tiling
from hwsim.vector import VectorCounts

__all__ = ["STALLS", "VECTOR_STALL", "LayerReport", "array_line", "vector_line"]

STALLS = [field.name for field in fields(Counts)
          if field.name.startswith("stall_") and field.name != "stall_cycles"]  # fmt: skip
"""Counts of the cycles in which the array waits, by cause."""

VECTOR_STALL = "stall_vector_cycles"
"""Cycles in which the vector unit waits for DRAM."""


@dataclass(frozen=True)
class LayerReport:
    """One layer, for one image.

    Attributes
    ----------
    name : str
    macs, bits : int
        0 in a layer of the vector unit.
    compute_cycles, stall_cycles, cycles : int
    dram_bytes : int
        Moved to and from DRAM.
    sram_bytes : int
        Read from and written to the on-chip memories.
    energy_pj : float
    utilization : float
        Share of the array's lanes and cycles spent on bits of the layer, at most 1 [S10.5]; of the
        vector unit's, in a layer of its own.
    kind : str
        That of the layer: a convolution, linear, a product of attention, or what the vector unit
        does.
    idle_lane_cycles : int
        Lanes times cycles that wait where planes are skipped; see `Counts`.
    stalls : dict
        Stall cycles by what is waited for; they sum to `stall_cycles`.
    tiling : Tiling or None
        How the layer is cut; None in a layer of the vector unit.
    counts : Counts or VectorCounts
    energy : Energy
    """

    name: str
    macs: int
    bits: int
    compute_cycles: int
    stall_cycles: int
    cycles: int
    dram_bytes: int
    sram_bytes: int
    energy_pj: float
    utilization: float
    kind: str
    idle_lane_cycles: int
    stalls: dict[str, int]
    tiling: Tiling | None
    counts: Counts | VectorCounts
    energy: Energy

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        plain = {key: value for key, value in vars(self).items() if key not in ("counts", "energy")}
        tiling = None if self.tiling is None else asdict(self.tiling)
        return {**plain, "tiling": tiling, "energy_by_part_pj": asdict(self.energy)}


def array_line(
    layer: Layer, accelerator: Accelerator, objective: str, weights: NDArray[Any] | None
) -> LayerReport:
    """Return the line of a layer of the array.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    objective : str
        As in `hwsim.report.simulate`.
    weights : ndarray of integers or None
        Its integer weights, for an array that skips planes of zeros.
    """
    tiling = best_tiling(layer, accelerator, objective)
    counts = closed_form_of_values(layer, accelerator, tiling, weights)
    energy = energy_of(counts, layer, accelerator)
    passes = accelerator.array.passes(layer)
    operations = element_operations(accelerator.array, layer, counts.lane_operations)
    return LayerReport(
        name=layer.name,
        macs=layer.macs,
        bits=layer.bits,
        compute_cycles=counts.compute_cycles,
        stall_cycles=counts.stall_cycles,
        cycles=counts.cycles,
        dram_bytes=counts.dram_bytes,
        sram_bytes=counts.sram_bytes,
        energy_pj=energy.total,
        utilization=operations / (passes.peak * counts.cycles),
        kind=layer.kind,
        idle_lane_cycles=counts.idle_lane_cycles,
        stalls={cause: getattr(counts, cause) for cause in STALLS},
        tiling=tiling,
        counts=counts,
        energy=energy,
    )


def vector_line(counts: VectorCounts, accelerator: Accelerator) -> LayerReport:
    """Return the line of a layer of the vector unit."""
    energy = vector_energy_of(counts, accelerator)
    busy = counts.cycles + counts.hidden_cycles
    lanes = 0 if accelerator.vector is None else accelerator.vector.lanes
    return LayerReport(
        name=counts.name,
        macs=0,
        bits=0,
        compute_cycles=counts.compute_cycles,
        stall_cycles=counts.stall_cycles,
        cycles=counts.cycles,
        dram_bytes=counts.dram_bytes,
        sram_bytes=ceil_div(counts.activation_bits_read + counts.activation_bits_written, 8),
        energy_pj=energy.total,
        utilization=counts.operations / (lanes * busy) if busy else 0.0,
        kind=counts.kind,
        idle_lane_cycles=0,
        stalls={VECTOR_STALL: counts.stall_cycles},
        tiling=None,
        counts=counts,
        energy=energy,
    )
