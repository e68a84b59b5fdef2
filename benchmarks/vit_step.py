"""A training step of a small vision transformer under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import CLASSES, Step, compare_and_grow, our_trainer
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
    return compare_and_grow(
        "vit_step", vit_trainer, _peers, (SIDE, SIDE, 3), BATCH, BATCHES, WIDTHS, rounds,
        on_round,
    )  # fmt: skip


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_vit import peer_steps

    return peer_steps(images, labels)
