"""A training step of the demo's small network under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import Step, compare_and_grow, our_trainer
from msq_ref import kernels, models
from msq_ref.models.digits_cnn import INPUT_SHAPE
from msq_ref.training.loop import Trainer

__all__ = ["run", "small_cnn_trainer"]

WIDTH, BATCH = 16, 64
BATCHES, WIDTHS = (16, 64, 256), (8, 16, 32)


def small_cnn_trainer(width: int | None = None) -> Trainer:
    """Return our training loop, at some number of channels of the first layer."""
    return our_trainer(models.build("digits-cnn", width=width or WIDTH, backend=kernels))


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare with PyTorch in both layouts, under MSQ and in float; see `compare`.

    A step takes a millisecond or two, so each turn is of several.
    """
    return compare_and_grow(
        "small_cnn_step", small_cnn_trainer, _peers, INPUT_SHAPE, BATCH, BATCHES, WIDTHS, rounds,
        on_round,
    )  # fmt: skip


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_steps import peer_steps, small_cnn

    return peer_steps(lambda msq: small_cnn(WIDTH, msq=msq), images, labels)
