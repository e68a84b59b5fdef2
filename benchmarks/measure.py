"""Interleaved timing: candidates take turns, so that a drifting machine is fair to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Row", "better", "interleave", "quartile_spread", "row"]

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
    spread, ours_spread_s, peer_spread_s : float
        Interquartile ranges: of the turn-by-turn ratios, and of the times.
    unit : str
        ``s``; or ``B``, where the three "times" are bytes.
    threads : int
        Of ours and of the peer; the time is that of the processors, not of the clock, where 1.
    flops, nbytes : float
        Floating-point operations, and bytes to and from memory, that the work takes at the least;
        0: not counted.
    details : dict of str to table
        What else was found out, by title: rows of named values.
    """

    case: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    limit_s: float
    ratio_to_limit: float
    spread: float
    ours_spread_s: float = 0.0
    peer_spread_s: float = 0.0
    unit: str = "s"
    threads: int = 2
    flops: float = 0.0
    nbytes: float = 0.0
    details: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def interleave(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time every candidate once a round, in turn; one uncounted round first.

    Parameters
    ----------
    candidates : mapping of name to callable
        A callable that returns a float has timed itself, in seconds.
    rounds : int
    on_round : callable
        Called after each round, for progress.
    clock : callable
        `time.process_time` counts this process's time on processors, of all its threads: what
        another process takes away does not count, nor what waits.

    Returns
    -------
    dict of name to list of float
        Seconds, one per round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, call in candidates.items():
            time.sleep(PAUSE)
            start = clock()
            own = call()
            taken = own if isinstance(own, float) else clock() - start
            if turn:
                seconds[name].append(taken)
        on_round()
    return seconds


def row(
    case: str, seconds: Mapping[str, Sequence[float]], ours: str, peer: str, limit: str | float,
    **more: Any,  # noqa: ANN401
) -> Row:  # fmt: skip
    """Compare two candidates of one `interleave`, and ours with a third, the limit.

    Parameters
    ----------
    limit : str or float
        A candidate, or seconds.
    **more
        Other attributes of `Row`.
    """
    ratios = [a / b for a, b in zip(seconds[ours], seconds[peer], strict=True)]
    limits = seconds[limit] if isinstance(limit, str) else [limit] * len(ratios)
    to_limit = [a / b for a, b in zip(seconds[ours], limits, strict=True)]
    return Row(
        case=case,
        ours_s=statistics.median(seconds[ours]),
        peer=peer,
        peer_s=statistics.median(seconds[peer]),
        ratio=statistics.median(ratios),
        limit_s=statistics.median(limits),
        ratio_to_limit=statistics.median(to_limit),
        spread=quartile_spread(ratios),
        ours_spread_s=quartile_spread(seconds[ours]),
        peer_spread_s=quartile_spread(seconds[peer]),
        **more,
    )


def better(seconds: Mapping[str, Sequence[float]], *names: str) -> str:
    """Return the name of the candidate with the smallest median."""
    return min(names, key=lambda name: statistics.median(seconds[name]))


def quartile_spread(values: Sequence[float]) -> float:
    """Return the interquartile range; 0.0 of fewer than two values."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low
