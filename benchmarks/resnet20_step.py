"""A training step of ResNet-20 under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import Step, batch_of, compare, growth, our_trainer, step_of
from msq_ref import kernels, models
from msq_ref.training.loop import Trainer

__all__ = ["resnet20_trainer", "run"]

WIDTH, SIDE, BATCH = 16, 32, 128
BATCHES, WIDTHS = (32, 64, 128, 256), (8, 16, 32)


def resnet20_trainer(width: int | None = None, side: int | None = None) -> Trainer:
    """Return our training loop, at some number of channels of the first stage, and of pixels."""
    sizes: dict[str, Any] = {"width": width or WIDTH, "input_size": side or SIDE}
    return our_trainer(models.build("resnet20", backend=kernels, **sizes))


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare with PyTorch in both layouts, under MSQ and in float; see `compare`."""
    rows = compare(
        "resnet20_step", resnet20_trainer, _peers, batch_of(BATCH, (SIDE, SIDE, 3)), rounds,
        on_round,
    )  # fmt: skip

    def of_size(count: int, width: int | None = None) -> Step:
        return step_of(resnet20_trainer(width), *batch_of(count, (SIDE, SIDE, 3)))

    batches = {f"batch {count}": lambda count=count: of_size(count) for count in BATCHES}
    widths = {f"width {width}": lambda width=width: of_size(BATCH, width) for width in WIDTHS}
    details = {
        **rows[0].details,
        **growth("time by batch", batches),
        **growth("time by width", widths),
    }
    return [replace(rows[0], details=details), *rows[1:]]


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_steps import peer_steps, resnet20

    return peer_steps(lambda msq: resnet20(WIDTH, msq=msq), images, labels)
