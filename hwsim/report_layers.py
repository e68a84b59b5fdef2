"""The layers that the lines of a report are about."""

from __future__ import annotations

from hwsim.layer import Layer
from hwsim.report import Report
from hwsim.workload import Workload

__all__ = ["report_layers"]


def report_layers(report: Report, workload: Workload) -> dict[str, Layer]:
    """Return the layers of the array in a report, by name, in its order.

    Raises
    ------
    ValueError
        If a layer of the report is not in the workload, or has another width or size there.
    """
    known = {layer.name: layer for layer in workload.layers}
    found = {}
    for line in report.layers:
        if line.tiling is None:
            continue
        layer = known.get(line.name)
        if layer is None or (layer.bits, layer.macs) != (line.bits, line.macs):
            raise ValueError(
                f"workload {workload.name}: its layer {line.name} is not that of the report on "
                f"{report.network}"
            )
        found[line.name] = layer
    return found
