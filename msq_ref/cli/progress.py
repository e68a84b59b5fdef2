"""Progress on standard error, with the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msq_ref.training.loop import Trainer

__all__ = ["count_bar", "epochs_bar"]


@contextmanager
def epochs_bar(label: str, epochs: int) -> Iterator[Callable[[Trainer], None]]:
    """Show a bar over the epochs of a run; gives the function to call after each step."""
    with _bar("epochs") as bar:
        task = bar.add_task(f"{label:8}", total=epochs, state="")

        def advance(trainer: Trainer) -> None:
            state = ""
            if trainer.rows:
                row = trainer.rows[-1]
                state = f"accuracy {row['accuracy']:.3f}  {row['average_bits']:.2f} bits"
            done = trainer.epoch + trainer.step / trainer.steps
            bar.update(task, completed=done, state=state)

        yield advance


@contextmanager
def count_bar(label: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a bar over a number of steps; gives the function to call with how many are done."""
    with _bar("done") as bar:
        task = bar.add_task(label, total=total, completed=done, state="")
        yield lambda done: bar.update(task, completed=done)


def _bar(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit),
        TimeRemainingColumn(), TextColumn("{task.fields[state]}"), console=Console(stderr=True),
    )  # fmt: skip
