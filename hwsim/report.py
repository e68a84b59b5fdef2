"""What a network costs on an accelerator: a line per layer, and totals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hwsim.accelerator import Accelerator
from hwsim.analytic import closed_form
from hwsim.counts import Counts
from hwsim.energy import Energy, energy_of
from hwsim.layer import Layer
from hwsim.tiling import Tiling, best_tiling
from hwsim.workload import Workload

__all__ = ["LayerReport", "Report", "Totals", "simulate"]


@dataclass(frozen=True)
class LayerReport:
    """One layer, for one image.

    Attributes
    ----------
    name : str
    macs, bits : int
    compute_cycles, stall_cycles, cycles : int
    dram_bytes : int
        Moved to and from DRAM.
    sram_bytes : int
        Read from and written to the on-chip buffers.
    energy_pj : float
    utilization : float
        Share of the array's lanes and cycles spent on weight bits of the layer, at most 1 [S10.5].
    tiling, counts, energy
        How the layer is cut, all that was counted, and where the energy goes; not in the JSON.
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
    tiling: Tiling
    counts: Counts
    energy: Energy


@dataclass(frozen=True)
class Totals:
    """Sums over the layers; `latency_s` is the time of all cycles in seconds."""

    macs: int
    cycles: int
    compute_cycles: int
    stall_cycles: int
    dram_bytes: int
    energy_pj: float
    latency_s: float


@dataclass(frozen=True)
class Report:
    """A network on an accelerator, by their names."""

    network: str
    accelerator: str
    totals: Totals
    layers: tuple[LayerReport, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        hidden = {"tiling", "counts", "energy"}
        layers = [
            {key: value for key, value in vars(layer).items() if key not in hidden}
            for layer in self.layers
        ]
        return {
            "network": self.network,
            "accelerator": self.accelerator,
            "totals": asdict(self.totals),
            "layers": layers,
        }


def simulate(workload: Workload, accelerator: Accelerator) -> Report:
    """Count what a network costs on an accelerator, in closed form [S10].

    Parameters
    ----------
    workload : Workload
    accelerator : Accelerator

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a layer cannot be cut so that its tiles fit the buffers; the error names the layer, the
        buffer and both sizes. If a buffer is larger than the energy table knows.
    """
    layers = tuple(_layer(layer, accelerator) for layer in workload.layers)
    cycles = sum(layer.cycles for layer in layers)
    totals = Totals(
        macs=sum(layer.macs for layer in layers),
        cycles=cycles,
        compute_cycles=sum(layer.compute_cycles for layer in layers),
        stall_cycles=sum(layer.stall_cycles for layer in layers),
        dram_bytes=sum(layer.dram_bytes for layer in layers),
        energy_pj=sum(layer.energy_pj for layer in layers),
        latency_s=cycles / (accelerator.frequency_mhz * 1e6),
    )
    return Report(workload.name, accelerator.name, totals, layers)


def _layer(layer: Layer, accelerator: Accelerator) -> LayerReport:
    tiling = best_tiling(layer, accelerator)
    counts = closed_form(layer, accelerator, tiling)
    energy = energy_of(counts, layer.in_bits, accelerator)
    array = accelerator.array
    capacity = array.rows * array.cols * array.lanes * counts.cycles
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
        utilization=layer.macs * layer.bits / capacity,
        tiling=tiling,
        counts=counts,
        energy=energy,
    )
