"""The RTL against the engine and the closed form: cycles, and every output."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hwsim.accelerator import Accelerator, Array, Buffers, Dram
from hwsim.comparison import Comparison
from hwsim.engine import simulate_layer
from hwsim.rtl.build import Shape
from hwsim.rtl.cases import SHAPES, Draw, demo_cases, draw_case
from hwsim.rtl.files import Case, read_cases, write_cases
from hwsim.rtl.run import RtlResult, simulate_batch
from hwsim.skipping import closed_form_of_values
from hwsim.tiling import Tiling

__all__ = ["LayerDifference", "RtlValidation", "compare", "rtl_comparison", "validate_rtl"]

_ROOM = 2**40
"""Bytes of buffers that hold every layer whole: the array alone is compared here."""

DEMO_SHAPE = Shape(8, 8, 16)
"""Of the preset edge-small."""


@dataclass(frozen=True)
class LayerDifference:
    """A layer that ran.

    Attributes
    ----------
    difference : str or None
        In what RTL, engine and closed form differ, None if in nothing.
    expected_cycles, cycles : int
        Of the closed form and of the RTL.
    outputs : int
    """

    difference: str | None
    expected_cycles: int
    cycles: int
    outputs: int


@dataclass(frozen=True)
class RtlValidation:
    """What a comparison found.

    Attributes
    ----------
    compared, equal : int
        Layers, and those of which cycles and every output are the same three times over: RTL,
        engine, closed form (of the cycles).
    outputs, cycles : int
        Outputs that were compared, and cycles that the RTL ran.
    expected_cycles : int
        Those of the closed form.
    difference : str or None
        The first layer that differs, and in what.
    """

    compared: int
    equal: int
    outputs: int
    cycles: int
    expected_cycles: int
    difference: str | None


def validate_rtl(
    count: int = 1000, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> RtlValidation:
    """Compare drawn layers and those of the demo network.

    Parameters
    ----------
    count : int
        Layers to draw; the demo network's come on top, on the array of the preset edge-small, and
        with two planes pruned on one that skips.
    seed : int
        Of the layers.
    progress : callable, optional
        Called with the number of layers done and of all.

    Returns
    -------
    RtlValidation

    Raises
    ------
    ValueError
        If `count` is negative.
    FileNotFoundError, RuntimeError
        As `hwsim.rtl.simulate_rtl`.
    """
    if count < 0:
        raise ValueError(f"count = {count}: expected at least 0")
    draws = [draw_case(index, seed) for index in range(count)]
    draws += [Draw(DEMO_SHAPE, case) for case in demo_cases(seed)]
    skipping = replace(DEMO_SHAPE, skip=True)
    draws += [Draw(skipping, case) for case in demo_cases(seed, pruned=2)]
    done: list[LayerDifference] = []
    for shape in SHAPES:
        cases = [draw.case for draw in draws if draw.shape == shape]
        for one in _compared(cases, simulate_batch(cases, shape), shape):
            done.append(one)
            if progress is not None:
                progress(len(done), len(draws))
    found = [one.difference for one in done if one.difference is not None]
    return RtlValidation(
        len(done), len(done) - len(found), sum(one.outputs for one in done),
        sum(one.cycles for one in done), sum(one.expected_cycles for one in done),
        found[0] if found else None,
    )  # fmt: skip


def rtl_comparison(
    count: int = 1000, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Return `validate_rtl` as a row of ``hwsim validate``; arguments and errors as there."""
    found = validate_rtl(count, seed, progress)
    return Comparison(
        against="RTL, simulated by Verilator",
        what=f"cycles, and {found.outputs:,} outputs, of layers drawn and of the demo network",
        rows=found.compared,
        equal=found.equal,
        first_difference=found.difference,
        ours=found.expected_cycles,
        theirs=found.cycles,
        error=found.expected_cycles / found.cycles - 1,
        differences=(),
    )


def compare(
    cases: Sequence[Case], results: Sequence[RtlResult], shape: Shape
) -> list[str | None]:
    """Return for each layer in what the RTL differs from the engine, None if in nothing.

    The engine gets its layers from a layer file, as the RTL does.
    """
    return [one.difference for one in _compared(cases, results, shape)]


def _compared(
    cases: Sequence[Case], results: Sequence[RtlResult], shape: Shape
) -> list[LayerDifference]:
    if not cases:
        return []
    with tempfile.TemporaryDirectory(prefix="hwsim-rtl-") as folder:
        write_cases(Path(folder) / "layers", cases)
        read = read_cases(Path(folder) / "layers")
    return [
        _difference(case.layer.name, one, result, shape)
        for case, one, result in zip(cases, read, results, strict=True)
    ]


def _difference(name: str, case: Case, result: RtlResult, shape: Shape) -> LayerDifference:
    layer, accelerator = case.layer, _accelerator(shape, case.drain)
    whole = Tiling("mpc", layer.M, layer.P, layer.group_channels)
    engine = simulate_layer(
        layer, accelerator, case.x, case.codes, case.signs, in_signed=case.in_signed, tiling=whole
    )
    counts = closed_form_of_values(layer, accelerator, whole, case.weights())
    cycles = result.cycles, engine.counts.compute_cycles, counts.compute_cycles
    expected = engine.accumulators.reshape(layer.P, layer.outputs)
    wrong = np.argwhere(result.outputs != expected)
    difference = None
    if len(set(cycles)) > 1:
        difference = f"{cycles[0]} cycles, engine {cycles[1]}, closed form {cycles[2]}"
    elif wrong.size:
        p, m = wrong[0]
        difference = (
            f"output {m} at position {p} is {result.outputs[p, m]}, engine {expected[p, m]}"
        )
    if difference is not None:
        skipping = ", skipping" if shape.skip else ""
        where = f"layer {name} on {shape.rows} x {shape.cols} x {shape.lanes}{skipping}"
        difference = f"{where}: {difference}"
    return LayerDifference(difference, cycles[2], cycles[0], result.outputs.size)


def _accelerator(shape: Shape, drain: int) -> Accelerator:
    return Accelerator(
        name="rtl",
        description="",
        frequency_mhz=1.0,
        array=Array(
            rows=shape.rows, cols=shape.cols, lanes=shape.lanes, drain=drain,
            skip="weight-planes" if shape.skip else "none",
        ),
        buffers=Buffers(weight_bytes=_ROOM, input_bytes=_ROOM, output_bytes=_ROOM),
        dram=Dram(bits_per_cycle=64),
    )
