"""Measure what compressions are worth: ``python docs/measure_compressions.py``.

Writes compressions.json, from which make_compressions.py makes the page.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from hwsim import (
    Accelerator,
    Workload,
    allocate,
    compression_of,
    load_accelerator,
    network_workload,
    simulate,
)
from hwsim.area import area_of
from hwsim.equal_area import parallel_rival, scaled_to
from msq_ref.files import write_text

DATA = Path(__file__).parent / "compressions.json"

CASES = (
    ("mobilenetv3-large", 5.36), ("mobilenetv3-large", 10.30), ("deit-s", 9.58), ("swin-t", 9.14),
    ("resnet50", 8.0),
)  # fmt: skip
"""Networks, and compressions that Han et al. (arXiv 2507.22349) report; ResNet-50's is ours."""

PRESETS = ("edge-small", "edge-large")
KINDS = ("weight-serial", "activation-serial", "both-serial", "bit-parallel")
BANDWIDTHS = (0.25, 0.5, 1, 2, 4, 8, 16)
"""Of DRAM, as multiples of the preset's."""


def design(preset: str, kind: str, bandwidth: float = 1) -> Accelerator:
    """Return a preset with an array of another kind and of the same area."""
    base = load_accelerator(preset)
    bits = round(base.dram.bits_per_cycle * bandwidth)
    base = base.model_copy(update={"dram": base.dram.model_copy(update={"bits_per_cycle": bits})})
    if kind == "bit-parallel":
        return parallel_rival(base)
    if kind == "weight-serial":
        return base
    array = base.array.model_copy(update={"serial": kind.removesuffix("-serial")})
    return scaled_to(base.model_copy(update={"array": array}), area_of(base).array)


def alike(workload: Workload, target: float) -> Workload:
    """Return a workload at a compression with widths that differ by a bit at most.

    The largest layers are the narrower ones.
    """
    layers = sorted(workload.weighted, key=lambda one: -one.groups * one.K * one.M)
    bits = dict.fromkeys((layer.name for layer in layers), int(-(-32 // target)))
    for layer in layers:
        if compression_of(workload.with_bits(bits)) >= Fraction(target):
            break
        bits[layer.name] -= 1
    return workload.with_bits(bits)


def bits_of_a_mac(workload: Workload) -> float:
    """Return the mean width of what stands for the weight in a multiplication."""
    return sum(layer.macs * layer.bits for layer in workload.layers) / workload.macs


def figures(workload: Workload, accelerator: Accelerator) -> dict[str, Any]:
    """Return the totals of a network, and how many layers wait for a tenth of their cycles."""
    report = simulate(workload, accelerator)
    totals = report.totals
    return {
        "cycles": totals.cycles,
        "stall_cycles": totals.stall_cycles,
        "dram_bytes": totals.dram_bytes,
        "energy_pj": totals.energy_pj,
        "waiting_layers": sum(10 * one.stall_cycles > one.cycles for one in report.layers),
    }


def sides(accelerator: Accelerator) -> str:
    """Return rows, columns and lanes."""
    array: Any = accelerator.array
    return f"{array.rows} x {array.cols} x {array.lanes}"


def measured(case: tuple[str, float]) -> dict[str, Any]:
    """Return all figures of a network at a compression and at 8 bits."""
    name, target = case
    eight = network_workload(name)
    narrow, even = allocate(eight, target), alike(eight, target)
    both = {"compressed": narrow, "at_8_bits": eight}
    return {
        "network": name,
        "compression": target,
        "reached": float(compression_of(narrow)),
        "layers": len(eight.layers),
        "bits_of_a_mac": bits_of_a_mac(narrow),
        "bits": {str(n): sum(one.bits == n for one in narrow.weighted) for n in range(2, 9)},
        "designs": {
            preset: {
                kind: {
                    "array": sides(design(preset, kind)),
                    **{
                        label: figures(workload, design(preset, kind))
                        for label, workload in both.items()
                    },
                }
                for kind in KINDS
            }
            for preset in PRESETS
        },
        "alike": {
            "reached": float(compression_of(even)),
            "bits_of_a_mac": bits_of_a_mac(even),
            "designs": {
                preset: {
                    kind: {"compressed": figures(even, design(preset, kind))} for kind in KINDS
                }
                for preset in PRESETS
            },
        },
        "bandwidths": {
            preset: {
                str(bandwidth): {
                    label: figures(workload, design(preset, "weight-serial", bandwidth))
                    for label, workload in both.items()
                }
                for bandwidth in BANDWIDTHS
            }
            for preset in PRESETS
        },
    }


if __name__ == "__main__":
    cases = [measured(case) for case in CASES]
    write_text(DATA, json.dumps({"cases": cases}, indent=1) + "\n")
