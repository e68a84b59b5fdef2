"""A training step of MobileNetV3-Small under MSQ at 32x32, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import CLASSES, Step, compare_and_grow, our_trainer
from msq_ref import kernels, models
from msq_ref.nn import Conv2d, Layer
from msq_ref.training.loop import Trainer

__all__ = ["mobilenetv3_trainer", "run"]

WIDTH, SIDE, BATCH = 1.0, 32, 64
BATCHES, WIDTHS = (16, 32, 64, 128), (0.5, 1.0, 2.0)


def mobilenetv3_trainer(width: float | None = None) -> Trainer:
    """Return our training loop, channels times `width`."""
    network = models.build(
        "mobilenetv3-small", width_mult=width or WIDTH, input_size=SIDE, classes=CLASSES,
        backend=kernels,
    )  # fmt: skip
    return our_trainer(network)


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare with PyTorch in both layouts, under MSQ and in float; see `compare`."""
    rows = compare_and_grow(
        "mobilenetv3_step", mobilenetv3_trainer, _peers, (SIDE, SIDE, 3), BATCH, BATCHES, WIDTHS,
        rounds, on_round,
    )  # fmt: skip
    details = rows[0].details
    details = {**details, **_by_kind(details["where the time goes"])}
    return [replace(rows[0], details=details), *rows[1:]]


def _by_kind(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return a table that adds up the lines of single convolutions by the kind of these."""
    layers, totals = mobilenetv3_trainer().network.operations, dict[str, dict[str, Any]]()
    for line in lines:
        name = line["part"].strip()
        if name in layers and isinstance(layers[name], Conv2d):
            kind = _kind(name, layers[name])
            total = totals.setdefault(kind, dict.fromkeys(line, 0.0) | {"part": kind})
            for column in line.keys() - {"part"}:
                total[column] += line[column]
    return {"convolutions by kind": list(totals.values())}


def _kind(name: str, layer: Layer) -> str:
    side, _, inputs, outputs = layer.weight.shape
    if ".fc" in name:
        return "squeeze-and-excitation"
    return f"{side}x{side} depthwise" if inputs == 1 < outputs else f"{side}x{side}"


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_mobilenetv3 import mobilenetv3
    from benchmarks.torch_steps import peer_steps

    return peer_steps(lambda msq: mobilenetv3(WIDTH, msq=msq), images, labels)
