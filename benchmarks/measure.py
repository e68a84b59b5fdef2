"""Interleaved timing: candidates take turns, so that a drifting machine is fair to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Row", "interleave", "quartile_spread", "row"]

PAUSE = 0.05
"""Seconds between turns: another runtime's spinning threads go to sleep in it."""


@dataclass(frozen=True)
class Row:
    """One comparison; times are medians in seconds.

    Attributes
    ----------
    ratio : float
        Median of ours / peer, turn by turn; below 1 we are faster.
    limit_s : float
        What the machine needs at the least, measured in the same run.
    spread : float
        Interquartile range of the turn-by-turn ratios.
    """

    case: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    limit_s: float
    ratio_to_limit: float
    spread: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def interleave(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Time every candidate once a round, in turn; one uncounted round first.

    Parameters
    ----------
    candidates : mapping of name to callable
        A callable that returns a float has timed itself, in seconds.
    rounds : int
    on_round : callable
        Called after each round, for progress.

    Returns
    -------
    dict of name to list of float
        Seconds, one per round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, call in candidates.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            own = call()
            taken = own if isinstance(own, float) else time.perf_counter() - start
            if turn:
                seconds[name].append(taken)
        on_round()
    return seconds


def row(
    case: str, seconds: Mapping[str, Sequence[float]], ours: str, peer: str, limit: str
) -> Row:
    """Compare two candidates of one `interleave`, and ours with a third, the limit."""
    ratios = [a / b for a, b in zip(seconds[ours], seconds[peer], strict=True)]
    to_limit = [a / b for a, b in zip(seconds[ours], seconds[limit], strict=True)]
    return Row(
        case=case,
        ours_s=statistics.median(seconds[ours]),
        peer=peer,
        peer_s=statistics.median(seconds[peer]),
        ratio=statistics.median(ratios),
        limit_s=statistics.median(seconds[limit]),
        ratio_to_limit=statistics.median(to_limit),
        spread=quartile_spread(ratios),
    )


def quartile_spread(values: Sequence[float]) -> float:
    """Return the interquartile range; 0.0 of fewer than two values."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low
