"""The RTL against the engine and the closed form: cycles, and every output."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwsim.accelerator import Accelerator, Array, Buffers, Dram
from hwsim.analytic import compute_cycles
from hwsim.engine import simulate_layer
from hwsim.rtl.build import Shape
from hwsim.rtl.cases import SHAPES, Draw, demo_cases, draw_case
from hwsim.rtl.files import Case, read_cases, write_cases
from hwsim.rtl.run import RtlResult, simulate_batch
from hwsim.tiling import Tiling

__all__ = ["RtlValidation", "compare", "validate_rtl"]

_ROOM = 2**40
"""Bytes of buffers that hold every layer whole: the array alone is compared here."""


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
    difference : str or None
        The first layer that differs, and in what.
    """

    compared: int
    equal: int
    outputs: int
    cycles: int
    difference: str | None


def validate_rtl(
    count: int = 1000, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> RtlValidation:
    """Compare drawn layers and those of the demo network.

    Parameters
    ----------
    count : int
        Layers to draw; the demo network's come on top, on the array of the preset edge-small.
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
    draws += [Draw(SHAPES[-1], case) for case in demo_cases(seed)]
    done: list[str | None] = []
    outputs = cycles = 0
    for shape in SHAPES:
        cases = [draw.case for draw in draws if draw.shape == shape]
        if not cases:
            continue
        results = simulate_batch(cases, shape)
        outputs += sum(result.outputs.size for result in results)
        cycles += sum(result.cycles for result in results)
        for difference in compare(cases, results, shape):
            done.append(difference)
            if progress is not None:
                progress(len(done), len(draws))
    found = [difference for difference in done if difference is not None]
    return RtlValidation(
        len(done), len(done) - len(found), outputs, cycles, found[0] if found else None
    )


def compare(
    cases: Sequence[Case], results: Sequence[RtlResult], shape: Shape
) -> list[str | None]:
    """Return for each layer in what the RTL differs from the engine, None if in nothing.

    The engine gets its layers from a layer file, as the RTL does.
    """
    with tempfile.TemporaryDirectory(prefix="hwsim-rtl-") as folder:
        write_cases(Path(folder) / "layers", cases)
        read = read_cases(Path(folder) / "layers")
    return [
        _difference(case.layer.name, one, result, shape)
        for case, one, result in zip(cases, read, results, strict=True)
    ]


def _difference(name: str, case: Case, result: RtlResult, shape: Shape) -> str | None:
    layer, accelerator = case.layer, _accelerator(shape, case.drain)
    engine = simulate_layer(
        layer, accelerator, case.x, case.codes, case.signs, in_signed=case.in_signed,
        tiling=Tiling("weights", layer.M, layer.P),
    )  # fmt: skip
    where = f"layer {name} on {shape.rows} x {shape.cols} x {shape.lanes}"
    cycles = result.cycles, engine.counts.compute_cycles, compute_cycles(layer, accelerator)
    if len(set(cycles)) > 1:
        return f"{where}: {cycles[0]} cycles, engine {cycles[1]}, closed form {cycles[2]}"
    expected = engine.accumulators.reshape(layer.P, layer.outputs)
    wrong = np.argwhere(result.outputs != expected)
    if wrong.size:
        p, m = wrong[0]
        return (
            f"{where}: output {m} at position {p} is {result.outputs[p, m]}, engine "
            f"{expected[p, m]}"
        )
    return None


def _accelerator(shape: Shape, drain: int) -> Accelerator:
    return Accelerator(
        name="rtl",
        description="",
        frequency_mhz=1.0,
        array=Array(rows=shape.rows, cols=shape.cols, lanes=shape.lanes, drain=drain),
        buffers=Buffers(weight_bytes=_ROOM, input_bytes=_ROOM, output_bytes=_ROOM),
        dram=Dram(bits_per_cycle=64),
    )
