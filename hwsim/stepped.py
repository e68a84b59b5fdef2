"""The engine, cycle by cycle, against the closed form and the definition, on drawn layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.comparison import Comparison, Pair, compared
from hwsim.drawn import Tensors, draw_tensors, generator
from hwsim.drawn_machines import draw
from hwsim.engine import simulate_layer
from hwsim.layer import Layer
from hwsim.replayed import tilings_to_run
from hwsim.skipping import closed_form_of_values
from msq_ref import reference

__all__ = ["definition", "engine_comparisons"]


def engine_comparisons(
    count: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Comparison]:
    """Compare every counter of the engine, and every output; parameters as of the brute force.

    Returns
    -------
    list of Comparison
        Of cycles, one row for those that compute and one for stalls of each tiling that runs; of
        all other counters, stalls by cause among them; and of the outputs with the definition's
        [S9.1].
    """
    cycles: list[Pair] = []
    others: list[Pair] = []
    outputs: list[Pair] = []
    for index in range(count):
        drawn = draw(index, seed)
        layer, accelerator = drawn
        rng = generator(seed, index, 2)
        in_signed = bool(rng.integers(0, 2))
        tensors = draw_tensors(rng, layer, in_signed=in_signed)
        expected = definition(layer, tensors).ravel()
        for tiling in tilings_to_run(drawn, index, seed):
            ran = simulate_layer(layer, accelerator, *tensors, in_signed=in_signed, tiling=tiling)
            counts = closed_form_of_values(
                layer, accelerator, tiling, tensors.weights(), tensors.x
            )
            there, row = asdict(ran.counts), f"{drawn.text}, {tiling}"
            for name, ours in asdict(counts).items():
                pairs = cycles if name in ("compute_cycles", "stall_cycles") else others
                pairs.append(Pair(f"{row}: {name}", ours, there[name], ours == there[name]))
            computed = ran.accumulators.ravel()
            outputs += [
                Pair(f"{row}: output {at}", int(here), int(right), bool(here == right))
                for at, (here, right) in enumerate(zip(computed, expected, strict=True))
            ]
        if progress is not None:
            progress(index + 1)
    said = f"{count} layers drawn, seed {seed}"
    return [
        compared(f"engine, cycle by cycle, {said}", "cycles, computing and stalled", cycles),
        compared(f"engine, cycle by cycle, {said}", "all other counters", others, total=False),
        compared(f"definition [S9.1], {said}", "outputs of the engine", outputs, total=False),
    ]  # fmt: skip


def definition(layer: Layer, tensors: Tensors) -> NDArray[np.int64]:
    """Return the accumulators of a layer; a product of attention is a grouped convolution."""
    x, codes, signs = tensors
    settings: dict[str, Any] = {}
    if layer.kind != "conv":
        x, codes = x[None], codes[None, None]
        signs = None if signs is None else signs[None, None]
    else:
        settings = {"stride": layer.stride, "padding": layer.padding}
    found = reference.integer_conv2d(
        x[None], codes, layer.bits, groups=layer.groups, signs=signs, **settings
    )
    return np.asarray(found)
