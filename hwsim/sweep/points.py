"""The points of a sweep by their number, without a list of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from hwsim.sweep.axes import Axis, axes_of
from hwsim.sweep.config import SweepConfig, Value

__all__ = ["LIMIT", "Points", "check_count", "points_of"]

LIMIT = 1_000_000
"""More points than these are a mistake, unless they are asked for."""

MOST = 2**62
"""Point numbers are kept in 64 bits."""


@dataclass(frozen=True)
class Points:
    """The combinations of the axes' values that are to run.

    Attributes
    ----------
    axes : tuple of ListAxis or RangeAxis
    count : int
        Point numbers are 0 to count - 1.
    sampling : {"grid", "sobol"}
        Of a grid a number counts all combinations, the last axis fastest, as `itertools.product`
        does. Of a Sobol sequence it is the place in the sequence.
    seed : int
        Of the scrambling of the sequence (Owen), with which its first point is not a corner.
    """

    axes: tuple[Axis, ...]
    count: int
    sampling: str = "grid"
    seed: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """What varies, or may."""
        return tuple(axis.key for axis in self.axes)

    def settings(self, first: int, stop: int) -> list[tuple[Value, ...]]:
        """Return the values of the axes at the points from `first` up to `stop`, without it."""
        if self.sampling == "grid":
            return [self._combination(number) for number in range(first, stop)]
        return self._samples(first, stop)

    def _combination(self, number: int) -> tuple[Value, ...]:
        values = []
        for axis in reversed(self.axes):
            number, place = divmod(number, axis.count)
            values.append(axis.value(place))
        return tuple(reversed(values))

    def _samples(self, first: int, stop: int) -> list[tuple[Value, ...]]:
        from scipy.stats.qmc import Sobol  # noqa: PLC0415  (slow to load)

        free = [axis.count != 1 for axis in self.axes]
        size = stop - first
        engine = Sobol(max(1, sum(free)), scramble=True, seed=self.seed)
        if first:
            engine.fast_forward(first)
        else:  # scipy warns of a beginning that is no power of 2
            size = 1 << (size - 1).bit_length()
        settings = []
        for shares in engine.random(size)[: stop - first].tolist():
            share = iter(shares)
            settings.append(
                tuple(
                    axis.sample(next(share)) if is_free else axis.value(0)
                    for axis, is_free in zip(self.axes, free, strict=True)
                )
            )
        return settings


def points_of(config: SweepConfig) -> Points:
    """Return the points of a sweep.

    Raises
    ------
    ValueError
        Naming the key: as `axes_of`, or for more points than can be numbered.
    """
    axes = axes_of(config)
    count = prod(axis.count for axis in axes) if config.points is None else config.points
    if count >= MOST:
        raise ValueError(f"{count:,} points: expected fewer than 2^62")
    return Points(axes, count, config.sampling, config.seed)


def check_count(points: Points, *, yes: bool) -> None:
    """Refuse more points than `LIMIT` with a ``ValueError`` that says how many, unless `yes`."""
    if points.count > LIMIT and not yes:
        raise ValueError(
            f"{points.count:,} points: more than {LIMIT:,} run only if that is confirmed: --yes"
        )
