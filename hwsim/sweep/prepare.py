"""From settings to what runs: files are read and every value is tried before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hwsim.accelerator import Accelerator, load_accelerator
from hwsim.load import load_workload, with_widths
from hwsim.overrides import override
from hwsim.skipping import skips
from hwsim.sweep.axes import ListAxis, RangeAxis
from hwsim.sweep.config import SweepConfig, Value
from hwsim.sweep.design import NOT_OF_THE_ACCELERATOR, Sweep, assignment
from hwsim.sweep.points import Points
from hwsim.sweep.version import installed_version
from hwsim.values import IntegerWeights
from hwsim.workload import Workload

__all__ = ["prepare"]

SKIPS = ("array.kind", "array.skip", "array.serial")
"""Settings that may make an array skip planes, for which it needs the values of the weights."""


def prepare(config: SweepConfig, points: Points) -> Sweep:
    """Return the sweep of a config, its network and accelerators read.

    Raises
    ------
    ValueError
        In one line: an accelerator or network that cannot be read; a key that an accelerator does
        not have, with the nearest one; a value of a list or an end of a range that is out of
        range by itself, with everything else as the accelerator has it.
    """
    axes = {axis.key: axis for axis in points.axes}
    accelerators: dict[Value, Accelerator] = {
        name: load_accelerator(str(name)) for name in axes["accelerator"].ends
    }
    for axis in points.axes:
        if axis.key not in NOT_OF_THE_ACCELERATOR:
            _check(axis, accelerators.values())
    workloads = _workloads(config, axes.get("bits"))
    known = any(skips(one.array) for one in accelerators.values())
    known |= not axes.keys().isdisjoint(SKIPS)  # else no process need be given the values
    workloads = {bits: _portable(one, values=known) for bits, one in workloads.items()}
    return Sweep(points, accelerators, workloads, config.objective, installed_version())


def _portable(workload: Workload, *, values: bool) -> Workload:
    """Return a workload that another process can be given."""
    if values and isinstance(workload.values, IntegerWeights):
        return workload
    return replace(workload, values=dict(workload.values) if values else {})


def _check(axis: ListAxis | RangeAxis, accelerators: Iterable[Accelerator]) -> None:
    for accelerator in accelerators:
        for value in axis.ends:
            try:
                override(accelerator, None, [assignment(axis.key, value)])
            except ValueError as error:
                raise ValueError(f"vary: {str(error).removeprefix('--set ')}") from None


def _workloads(
    config: SweepConfig, axis: ListAxis | RangeAxis | None
) -> dict[Value | None, Workload]:
    """Return the network at every width that is asked for."""
    plain = load_workload(
        config.network, bits=config.bits, compression=config.compression, in_bits=config.in_bits
    )
    if axis is None:
        return {None: plain}
    if isinstance(axis, RangeAxis):
        if axis.kind is not int or axis.count > 16:
            raise ValueError(f"vary.bits = {axis.range!r}: expected whole numbers, 1 to 16")
        values = [axis.value(place) for place in range(axis.count)]
    else:
        values = list(axis.values)
    found: dict[Value | None, Workload] = {}
    for value in values:
        if isinstance(value, bool | float):
            raise ValueError(f"vary.bits = {value}: expected 1 to 16, a file or a run's folder")
        try:
            found[value] = with_widths(plain, value)
        except ValueError as error:
            raise ValueError(f"vary.bits = {value}: {error}") from None
    return found
