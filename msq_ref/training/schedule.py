"""The learning rate of each step: warm-up, then a cosine, steps or nothing."""

from __future__ import annotations

import math
from bisect import bisect_right

from msq_ref.training.config import TrainingConfig

__all__ = ["cosine_rate", "learning_rate", "step_rate"]


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Return the learning rate of a step.

    Parameters
    ----------
    config : TrainingConfig
        Names the schedule. During the first ``warmup_steps`` the rate rises linearly, the last of
        them at the full rate; a cosine covers the steps that are left, while the milestones of
        ``schedule = "step"`` are epochs of the whole run.
    step, steps : int
        Counted over all epochs; 0 <= step < steps, a multiple of ``epochs``.

    Returns
    -------
    float
        A function of its arguments alone: the position in the run is all that resuming needs.
    """
    start, warmup = config.learning_rate, config.warmup_steps
    if step < warmup:
        return start * ((step + 1) / warmup)
    if config.schedule == "cosine":
        return cosine_rate(start, step - warmup, steps - warmup)
    if config.schedule == "step":
        epoch = step // (steps // config.epochs)
        return step_rate(start, epoch, config.milestones, config.factor)
    return start


def cosine_rate(start: float, step: int, steps: int) -> float:
    """Return ``start / 2 * (1 + cos(pi * step / steps))``.

    Parameters
    ----------
    start : float
        The rate at step 0.
    step, steps : int
        0 <= step < steps.

    Returns
    -------
    float
        Between 0 and `start`, falling with `step`.
    """
    return start / 2 * (1 + math.cos(math.pi * step / steps))


def step_rate(start: float, epoch: int, milestones: tuple[int, ...], factor: float) -> float:
    """Return ``start * factor^m``, m the number of milestones that are not after the epoch.

    Parameters
    ----------
    start : float
        The rate at epoch 0.
    epoch : int
    milestones : tuple of int
        Rising.
    factor : float
    """
    return float(start * factor ** bisect_right(milestones, epoch))
