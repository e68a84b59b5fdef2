"""A training step of the demo's small network under MSQ, against the same step in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.measure import Row
from benchmarks.steps import Step, batch_of, compare, growth, our_trainer, step_of
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
    rows = compare(
        "small_cnn_step", small_cnn_trainer, _peers, batch_of(BATCH, INPUT_SHAPE), rounds, on_round
    )

    def of_size(count: int, width: int | None = None) -> Step:
        return step_of(small_cnn_trainer(width), *batch_of(count, INPUT_SHAPE))

    batches = {f"batch {count}": lambda count=count: of_size(count) for count in BATCHES}
    widths = {f"width {width}": lambda width=width: of_size(BATCH, width) for width in WIDTHS}
    details = {
        **rows[0].details,
        **growth("time by batch", batches),
        **growth("time by width", widths),
    }
    return [replace(rows[0], details=details), *rows[1:]]


def _peers(images: Any, labels: Any) -> Mapping[str, Step]:  # noqa: ANN401
    from benchmarks.torch_steps import peer_steps, small_cnn

    return peer_steps(lambda msq: small_cnn(WIDTH, msq=msq), images, labels)
