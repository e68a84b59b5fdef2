"""ResNet-20 cycle by cycle on a simulated edge core: one image, every output computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Row, interleave, row
from hwsim import Layer, load_accelerator, network_workload
from hwsim.analytic import closed_form
from hwsim.engine import simulate_layer
from hwsim.tiling import best_tiling
from msq_ref import reference

__all__ = ["run"]

NETWORK = "resnet20"
ACCELERATOR = "edge-small"
SIZES: dict[str, Any] = {}
"""Of the network, where they are not the published ones."""

MOST_ROUNDS = 5


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Time the engine beside the definition, which computes the same outputs; limit: the counts.

    Raises
    ------
    RuntimeError
        If an output differs from the definition, or a count from the closed form.
    """
    layers = network_workload(NETWORK, **SIZES).layers
    accelerator = load_accelerator(ACCELERATOR)
    rng = np.random.default_rng(0)
    operands = [_operands(layer, rng) for layer in layers]
    tilings = [best_tiling(layer, accelerator) for layer in layers]

    def engine() -> list[Any]:
        return [
            simulate_layer(layer, accelerator, *one)
            for layer, one in zip(layers, operands, strict=True)
        ]

    def definition() -> list[Any]:
        return [_definition(layer, *one) for layer, one in zip(layers, operands, strict=True)]

    def counts() -> list[Any]:
        return [
            closed_form(layer, accelerator, tiling)
            for layer, tiling in zip(layers, tilings, strict=True)
        ]

    cycles = 0
    for result, right, count in zip(engine(), definition(), counts(), strict=True):
        if result.counts != count or not np.array_equal(result.accumulators, right):
            raise RuntimeError("the engine differs from the closed form or the definition")
        cycles += count.cycles
    candidates = {"engine": engine, "NumPy definition": definition, "closed form": counts}
    seconds = interleave(candidates, min(rounds, MOST_ROUNDS), on_round)
    found = {"network": NETWORK, "accelerator": ACCELERATOR, "cycles": f"{cycles:,}"}
    return [
        row(
            "hwsim_engine", seconds, "engine", "NumPy definition", "closed form", threads=1,
            details={"every output and count is equal": [found]},
        )
    ]  # fmt: skip


def _operands(layer: Layer, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return random activation codes, weight codes and signs."""
    shape: tuple[int, ...] = layer.group_channels, layer.outputs
    image: tuple[int, ...] = layer.P, layer.channels
    if layer.kind == "conv":
        shape = layer.kernel_height, layer.kernel_width, *shape
        image = layer.height, layer.width, layer.channels
    x = rng.integers(0, 2**layer.in_bits, image)
    codes = rng.integers(0, 2 ** (layer.bits - 1), shape)
    return x, codes, rng.integers(-1, 2, shape)


def _definition(layer: Layer, x: Any, codes: Any, signs: Any) -> Any:  # noqa: ANN401
    if layer.kind != "conv":
        return reference.integer_linear(x, codes, layer.bits, signs)
    return reference.integer_conv2d(
        x[None], codes, layer.bits, layer.stride, layer.padding, layer.groups, signs
    )[0]
