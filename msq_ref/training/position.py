"""Where a run is: what, with the arrays and the method, decides all that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from msq_ref import checks
from msq_ref.methods import Method
from msq_ref.training.config import TrainingConfig

__all__ = ["Position", "demand_same_run", "run_settings"]

CHANGES_NOTHING = {"checkpoint_every"}
"""Settings that change no bit of a run."""


@dataclass
class Position:
    """A place in a run.

    Orders of batches and augmentation are drawn from (seed, epoch), rates follow from the count
    of steps: no generator and no schedule has a state of its own.

    Attributes
    ----------
    epoch : int
        Whole epochs done.
    step : int
        Steps done of the next one.
    images : int
        Size of the data set; 0: not known yet.
    steps : int
        Of an epoch.
    loss, penalty : float
        Sums over the steps done of this epoch: of the losses of all images, of the penalties of
        all steps.
    """

    epoch: int = 0
    step: int = 0
    images: int = 0
    steps: int = 0
    loss: float = 0.0
    penalty: float = 0.0

    def begin(self, images: int, batch_size: int) -> None:
        """Take up the size of the data set, or check that it is that of the checkpoint."""
        if not images:
            raise ValueError("source has 0 images: expected at least one")
        if self.images not in (0, images):
            raise ValueError(
                f"source has {images} images: expected {self.images}, as in the checkpoint"
            )
        self.images, self.steps = images, -(-images // batch_size)

    def advance(self, loss: float, penalty: float, count: int) -> None:
        """Count a step over `count` images."""
        self.step += 1
        self.loss += loss * count
        self.penalty += penalty

    def next_epoch(self) -> None:
        """Count a whole epoch."""
        self.epoch, self.step, self.loss, self.penalty = self.epoch + 1, 0, 0.0, 0.0

    def state(self) -> dict[str, Any]:
        """Return plain JSON values."""
        sums = {"loss": self.loss, "penalty": self.penalty}
        return {"epoch": self.epoch, "step": self.step, "images": self.images, "sums": sums}

    @classmethod
    def stored(cls, state: Mapping[str, Any], config: TrainingConfig) -> Self:
        """Return what `state` was made of; ``ValueError`` if a value is missing or out of range."""
        epoch = checks.integer("epoch", state.get("epoch"), 0, config.epochs)
        images = checks.integer("images", state.get("images"), 0)
        steps = -(-images // config.batch_size)
        # At the end of a run there is no step to have been done.
        last = max(0, steps - 1) if epoch < config.epochs else 0
        step = checks.integer("step", state.get("step"), 0, last)
        sums = state.get("sums")
        try:
            loss, penalty = (
                checks.real(f"sums.{name}", sums.get(name) if isinstance(sums, Mapping) else None)
                for name in ("loss", "penalty")
            )
        except TypeError as error:
            raise ValueError(str(error)) from None
        return cls(epoch, step, images, steps, loss, penalty)


def run_settings(config: TrainingConfig, seed: int, method: Method) -> dict[str, Any]:
    """Return all settings that decide the bits of a run, as plain JSON values."""
    values = config.model_dump(mode="json", exclude=CHANGES_NOTHING)
    return {
        **values,
        "seed": seed,
        "method": type(method).__name__,
        "sign_bits": method.sign_bits(),
    }


def demand_same_run(state: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless a checkpoint's settings are those of this run, listing all."""
    there = state.get("settings")
    if not isinstance(there, Mapping):
        raise ValueError(f"settings = {there!r}: expected those of the run in the checkpoint")
    missing = object()
    faults = [
        f"{key} = {'nothing' if there.get(key, missing) is missing else repr(there[key])}, "
        f"here {here.get(key, 'nothing')!r}"
        for key in {**here, **there}
        if there.get(key, missing) != here.get(key, missing)
    ]
    if faults:
        raise ValueError(f"the checkpoint is of a run with other settings: {'; '.join(faults)}")
