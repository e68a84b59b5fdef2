"""Progress of a training run on standard error, with the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msq_ref.training.loop import Trainer

__all__ = ["epochs_bar"]


@contextmanager
def epochs_bar(
    label: str, epochs: int, *, quiet: bool = False
) -> Iterator[Callable[[Trainer], None]]:
    """Show a bar over epochs; gives the function to call after each."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
        TimeRemainingColumn(), TextColumn("{task.fields[state]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(f"{label:8}", total=epochs, state="")

        def advance(trainer: Trainer) -> None:
            row = trainer.rows[-1]
            state = f"accuracy {row['accuracy']:.3f}  {row['average_bits']:.2f} bits"
            bar.update(task, completed=trainer.epoch, state=state)

        yield advance
