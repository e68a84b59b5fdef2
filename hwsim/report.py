"""What a network costs on an accelerator: a line per layer, and totals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from hwsim.accelerator import Accelerator
from hwsim.area import Area, area_of
from hwsim.array import Array, FusionArray
from hwsim.layer import Layer
from hwsim.layer_report import LayerReport, array_line, vector_line
from hwsim.vector import vector_lines
from hwsim.workload import LeftOut, Workload

__all__ = ["LayerReport", "Report", "Totals", "simulate"]


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
    stalls: dict[str, int]


@dataclass(frozen=True)
class Report:
    """A network on an accelerator.

    Attributes
    ----------
    network, accelerator : str
        Their names.
    totals : Totals
    layers : tuple of LayerReport
    design : Accelerator
        All of the accelerator.
    area : Area
        Of its array and buffers, an estimate.
    objective : {"cycles", "energy", "bytes"}
        What the tilings have the least of.
    assumed : str
        The rule that the widths of the weights are from, where nobody trained them; else empty.
    notes : tuple of str
        What is to be known of the workload, a line each.
    left_out : tuple of LeftOut
        What of the network is not modelled.
    """

    network: str
    accelerator: str
    totals: Totals
    layers: tuple[LayerReport, ...]
    design: Accelerator
    area: Area
    objective: str = "cycles"
    assumed: str = ""
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def assumed_bits(self) -> bool:
        """Whether the widths of the weights are from a rule and not from training."""
        return bool(self.assumed)

    def layers_of(self, workload: Workload) -> dict[str, Layer]:
        """Return the layers of the array that the lines are about, by name, in their order.

        Raises
        ------
        ValueError
            If one of them is not in the workload, or has another width or size there.
        """
        known = {layer.name: layer for layer in workload.layers}
        found = {}
        for line in self.layers:
            if line.tiling is None:
                continue
            layer = known.get(line.name)
            if layer is None or (layer.bits, layer.macs) != (line.bits, line.macs):
                raise ValueError(
                    f"workload {workload.name}: its layer {line.name} is not that of the report on "
                    f"{self.network}"
                )
            found[line.name] = layer
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "network": self.network,
            "accelerator": self.accelerator,
            "totals": asdict(self.totals),
            "layers": [layer.to_json() for layer in self.layers],
            "assumed_bits": self.assumed_bits,
            "assumed": self.assumed,
            "notes": list(self.notes),
            "left_out": [one.to_json() for one in self.left_out],
            "objective": self.objective,
            "area": self.area.to_json(),
            "leakage_counted": self.design.energy.leaks,
            "design": self.design.model_dump(mode="json"),
        }


def simulate(workload: Workload, accelerator: Accelerator, *, objective: str = "cycles") -> Report:
    """Count what a network costs on an accelerator, in closed form [S10].

    Parameters
    ----------
    workload : Workload
    accelerator : Accelerator
    objective : {"cycles", "energy", "bytes"}
        What the tiling of each layer has the least of.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a layer cannot be cut so that its tiles fit the buffers; the error names the layer, the
        buffer and both sizes. If a layer is wider than the array takes in parallel. If a buffer is
        larger than the energy table knows. If the objective is unknown.

    Notes
    -----
    An array that skips planes of zeros skips those of the workload's integer weights. Where values
    are not known, as those of activations, no plane is skipped, and `Report.notes` says so.
    """
    for layer in workload.layers:
        _narrow_enough(layer, accelerator)
    layers = _in_order(workload, accelerator, objective)
    cycles = sum(layer.cycles for layer in layers)
    causes = dict.fromkeys(cause for layer in layers for cause in layer.stalls)
    totals = Totals(
        macs=sum(layer.macs for layer in layers),
        cycles=cycles,
        compute_cycles=sum(layer.compute_cycles for layer in layers),
        stall_cycles=sum(layer.stall_cycles for layer in layers),
        dram_bytes=sum(layer.dram_bytes for layer in layers),
        energy_pj=sum(layer.energy_pj for layer in layers),
        latency_s=cycles / (accelerator.frequency_mhz * 1e6),
        stalls={cause: sum(layer.stalls.get(cause, 0) for layer in layers) for cause in causes},
    )
    return Report(
        workload.name, accelerator.name, totals, layers, accelerator, area_of(accelerator),
        objective, workload.assumed, (*workload.notes, *_not_skipped(workload, accelerator)),
        workload.left_out,
    )  # fmt: skip


def _not_skipped(workload: Workload, accelerator: Accelerator) -> list[str]:
    """Say what an array that skips planes of zeros cannot skip, for want of values."""
    array = accelerator.array
    if not isinstance(array, Array):
        return []
    notes = []
    unknown = sum(layer.name not in workload.values for layer in workload.layers)
    if array.skips("weight") and unknown:
        notes.append(
            f"No plane of weights is skipped in {unknown} of {len(workload.layers)} layers, whose "
            "integer weights are not known."
        )
    if array.skips("activation"):
        notes.append("No plane of activations is skipped: their values are not known here.")
    return notes


def _in_order(
    workload: Workload, accelerator: Accelerator, objective: str
) -> tuple[LayerReport, ...]:
    """Return the lines of all layers, the vector unit's behind those of the array they follow."""
    ours = _array_lines(workload, accelerator, objective)
    following: dict[str, list[LayerReport]] = {}
    for counts in vector_lines(workload, accelerator, {line.name: line.cycles for line in ours}):
        following.setdefault(counts.after, []).append(vector_line(counts, accelerator))
    lines = following.get("", [])
    for line in ours:
        lines += [line, *following.get(line.name, [])]
    return tuple(lines)


def _array_lines(
    workload: Workload, accelerator: Accelerator, objective: str
) -> list[LayerReport]:
    """Return the lines of the array's layers; those that differ in nothing but name cost alike."""
    known: dict[Layer, LayerReport] = {}
    lines = []
    for layer in workload.layers:
        values = workload.values.get(layer.name)
        if values is not None:
            lines.append(array_line(layer, accelerator, objective, values))
            continue
        shape = replace(layer, name="")
        if shape not in known:
            known[shape] = array_line(layer, accelerator, objective, None)
        lines.append(replace(known[shape], name=layer.name))
    return lines


def _narrow_enough(layer: Layer, accelerator: Accelerator) -> None:
    """Refuse a layer that is wider than what the array takes in parallel."""
    array, widths = accelerator.array, accelerator.widths
    if isinstance(array, FusionArray):
        return  # which says so itself
    serial = array if isinstance(array, Array) else None
    if layer.bits > widths.weight_bits and not (serial and serial.is_serial("weight")):
        name, key, bits, most = "bits", "weight_bits", layer.bits, widths.weight_bits
    elif layer.in_bits > widths.input_bits and not (serial and serial.is_serial("activation")):
        name, key, bits, most = "in_bits", "input_bits", layer.in_bits, widths.input_bits
    else:
        return
    raise ValueError(
        f"layer {layer.name}: {name} = {bits}: {accelerator.name} takes {most} bits at a time; "
        f"widths.{key} = {bits} would be an array of that width"
    )
