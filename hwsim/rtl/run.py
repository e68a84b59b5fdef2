"""Layers on the simulated RTL, many to a process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.array import Array
from hwsim.layer import Layer
from hwsim.rtl.build import Shape, simulator
from hwsim.rtl.files import Case, read_results, write_cases
from msq_ref.formats import run_program

__all__ = ["RtlResult", "simulate_batch", "simulate_rtl", "trace_rtl"]

TRACE = (
    "cycle", "busy", "ask_weights", "ask_activations", "ask_group", "ask_output", "ask_position",
    "ask_term", "ask_plane", "result", "result_output", "result_position",
)  # fmt: skip
"""The signals of a cycle in a trace."""

_LARGEST = 2**23
"""Above all sizes of a layer; the controller counts in 24 bits."""


@dataclass(frozen=True)
class RtlResult:
    """What the hardware computed.

    Attributes
    ----------
    cycles : int
        In which the array worked or drained [S10.1].
    outputs : ndarray of int64
        ``sum x v`` with the integer weights v [S9.1]; shaped as the engine's accumulators by
        `simulate_rtl`, (positions, outputs) by `simulate_batch`.
    """

    cycles: int
    outputs: NDArray[np.int64]


def simulate_rtl(
    layer: Layer,
    accelerator: Accelerator,
    x: NDArray[Any],
    codes: NDArray[Any],
    signs: NDArray[Any] | None = None,
    *,
    in_signed: bool = False,
) -> RtlResult:
    """Run a layer on the array of an accelerator, in Verilog.

    Parameters
    ----------
    layer, accelerator, x, codes, signs, in_signed
        As `hwsim.engine.simulate_layer` takes them; of the accelerator only the array counts.

    Returns
    -------
    RtlResult

    Raises
    ------
    TypeError, ValueError
        If the tensors do not fit the layer, the layer or the array is too large, or the array is
        none of those in Verilog.
    FileNotFoundError
        If there is no Verilator or no C++ compiler.
    RuntimeError
        If a tool fails, or the hardware does not come to an end or leaves an output out.
    """
    array = _in_verilog(accelerator)
    case = Case(layer, x, codes, signs, in_signed, array.drain)
    built = Shape(array.rows, array.cols, array.lanes, skip=array.skip == "weight-planes")
    result = simulate_batch([case], built)[0]
    shape = (layer.out_height, layer.out_width) if layer.kind == "conv" else np.shape(x)[:-1]
    return RtlResult(result.cycles, result.outputs.reshape(*shape, layer.outputs))


def simulate_batch(cases: Sequence[Case], shape: Shape) -> list[RtlResult]:
    """Run layers one after another on an array, in one process; errors as `simulate_rtl`."""
    return _run(cases, shape, trace=False)[0]


def trace_rtl(case: Case, shape: Shape) -> list[dict[str, int]]:
    """Return the signals of `TRACE` for every cycle of a layer, from the one of `start`.

    Cycles are counted from 1; `cycle` is 0 in the one of `start`, in which the memories are first
    asked. Without drain a line follows in which the last results leave. Errors as `simulate_rtl`.
    """
    lines = _run([case], shape, trace=True)[1].splitlines()
    return [dict(zip(TRACE, map(int, line.split(",")), strict=True)) for line in lines]


def _run(cases: Sequence[Case], shape: Shape, *, trace: bool) -> tuple[list[RtlResult], str]:
    for case in cases:
        _fits(case, shape)
    if not cases:
        return [], ""
    program = simulator(shape)
    # Far above what any layer takes; only hardware that hangs gets there.
    limit = 1000 + max(
        case.layer.groups * case.layer.M * case.layer.P
        * (case.layer.K * case.layer.bits + case.drain)
        for case in cases
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="hwsim-rtl-") as folder:
        layers, results, cycles = (Path(folder) / name for name in ("layers", "results", "cycles"))
        write_cases(layers, cases)
        arguments = [str(layers), str(results), str(limit), *([str(cycles)] if trace else [])]
        run_program("the simulated array", [str(program), *arguments])
        found = [RtlResult(*result) for result in read_results(results, cases)]
        return found, cycles.read_text("utf-8") if trace else ""


def _in_verilog(accelerator: Accelerator) -> Array:
    """Return the accelerator's array, if that is what the Verilog is."""
    array = accelerator.array
    if isinstance(array, Array):
        bare = Array(rows=array.rows, cols=array.cols, lanes=array.lanes, drain=array.drain)
        if array in (bare, bare.model_copy(update={"skip": "weight-planes"})):
            return array
    raise ValueError(
        f"accelerator {accelerator.name}: array = {array!r}: expected a weight-serial array in "
        "RTL, with no more than rows, cols, lanes, drain and skip = 'weight-planes' by array"
    )


def _fits(case: Case, shape: Shape) -> None:
    layer = case.layer
    for name in ("K", "M", "P", "groups"):
        if getattr(layer, name) >= _LARGEST:
            raise ValueError(
                f"layer {layer.name}: {name} = {getattr(layer, name)}: expected less than "
                f"{_LARGEST} in RTL"
            )
    wide = layer.in_bits + (not case.in_signed)
    if wide > shape.activation:
        raise ValueError(
            f"layer {layer.name}: in_bits = {layer.in_bits}: too wide for an array with "
            f"{shape.activation}-bit activations"
        )
    # Partial sums may wrap around, the outputs may not.
    largest = layer.K * (2**layer.bits - 1) * (2**layer.in_bits - 1)
    if largest >= 2 ** (shape.accumulator - 1):
        raise ValueError(
            f"layer {layer.name}: outputs up to {largest}: too wide for an array with "
            f"{shape.accumulator}-bit accumulators"
        )
