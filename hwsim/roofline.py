"""The roofline: each layer between the array's peak and the DRAM channel [S10.5]."""

from __future__ import annotations

from typing import NamedTuple

from hwsim.report import Report
from hwsim.workload import Workload

__all__ = ["Point", "roofline"]


class Point(NamedTuple):
    """A layer of the array.

    Attributes
    ----------
    name : str
    bits : int
        Of its weights.
    intensity : float
        MACs for each byte moved to and from DRAM.
    rate : float
        MACs a cycle, all cycles counted.
    peak : float
        MACs a cycle of the array at the layer's bits, no plane skipped.
    bandwidth : float
        Bytes that the channel moves in a cycle.
    """

    name: str
    bits: int
    intensity: float
    rate: float
    peak: float
    bandwidth: float

    @property
    def limit(self) -> float:
        """MACs a cycle that the array and DRAM allow."""
        return min(self.peak, self.bandwidth * self.intensity)

    @property
    def bound(self) -> str:
        """Which of the two allows less."""
        return "DRAM" if self.bandwidth * self.intensity < self.peak else "array"


def roofline(report: Report, workload: Workload) -> list[Point]:
    """Return the points of the layers of the array, those of the vector unit left out.

    Parameters
    ----------
    report : Report
    workload : Workload
        What it reports on.

    Raises
    ------
    ValueError
        If the workload is not that of the report.

    Notes
    -----
    ``rate <= min(peak, bandwidth * intensity)``, S. Williams et al., "Roofline: an insightful
    visual performance model", CACM 52(4), 2009. Where planes are skipped a layer may be faster: the
    peak takes all of them.
    """
    array, bandwidth = report.design.array, report.design.dram.bits_per_cycle / 8
    layers = report.layers_of(workload)
    points = []
    for line in report.layers:
        if line.name in layers:
            passes = array.passes(layers[line.name])
            points.append(
                Point(
                    line.name, line.bits, line.macs / line.dram_bytes, line.macs / line.cycles,
                    passes.peak / passes.serial, bandwidth,
                )
            )  # fmt: skip
    return points
