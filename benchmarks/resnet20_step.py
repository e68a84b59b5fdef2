"""A training step of ResNet-20 under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import Step, compare_and_grow, our_trainer
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
    return compare_and_grow(
        "resnet20_step", resnet20_trainer, _peers, (SIDE, SIDE, 3), BATCH, BATCHES, WIDTHS, rounds,
        on_round,
    )  # fmt: skip


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_steps import peer_steps, resnet20

    return peer_steps(lambda msq: resnet20(WIDTH, msq=msq), images, labels)
