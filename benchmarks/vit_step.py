"""A training step of a small vision transformer under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import CLASSES, Step, batch_of, compare, growth, our_trainer, step_of
from msq_ref import kernels, models
from msq_ref.training.loop import Trainer

__all__ = ["run", "vit_trainer"]

WIDTH, DEPTH, HEADS, PATCH, SIDE, BATCH = 64, 4, 4, 8, 32, 64
BATCHES, WIDTHS = (16, 32, 64, 128), (32, 64, 128)


def vit_trainer(width: int | None = None) -> Trainer:
    """Return our training loop, at some number of features of a token."""
    network = models.build(
        "deit-ti", width=width or WIDTH, depth=DEPTH, heads=HEADS, patch=PATCH, input_size=SIDE,
        classes=CLASSES, backend=kernels,
    )  # fmt: skip
    return our_trainer(network)


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare with PyTorch's fused attention and with a plain one, and in float; see `compare`."""
    rows = compare(
        "vit_step", vit_trainer, _peers, batch_of(BATCH, (SIDE, SIDE, 3)), rounds, on_round
    )

    def of_size(count: int, width: int | None = None) -> Step:
        return step_of(vit_trainer(width), *batch_of(count, (SIDE, SIDE, 3)))

    batches = {f"batch {count}": lambda count=count: of_size(count) for count in BATCHES}
    widths = {f"width {width}": lambda width=width: of_size(BATCH, width) for width in WIDTHS}
    details = {
        **rows[0].details,
        **growth("time by batch", batches),
        **growth("time by width", widths),
    }
    return [replace(rows[0], details=details), *rows[1:]]


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_vit import peer_steps

    return peer_steps(images, labels)
