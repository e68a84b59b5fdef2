"""One axis of a sweep: the values of a setting, by their number, without a list of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from hwsim.sweep.config import Range, SweepConfig, Value

__all__ = ["ListAxis", "RangeAxis", "axes_of"]


@dataclass(frozen=True)
class ListAxis:
    """The values of a list."""

    key: str
    values: tuple[Value, ...]

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def kind(self) -> type:
        """The type of its column: words, if the values have no other one in common."""
        kinds = {type(value) for value in self.values}
        if len(kinds) == 1:
            return kinds.pop()
        return float if kinds == {int, float} else str

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values to check before anything runs: all of them."""
        return self.values

    def value(self, number: int) -> Value:
        """Return one of them, counted from 0."""
        return self.values[number]

    def sample(self, share: float) -> Value:
        """Return the value at a share in [0, 1) of the axis; each has an equal part of it."""
        return self.value(_number(share, self.count))


@dataclass(frozen=True)
class RangeAxis:
    """The values of a range; decimals are what they look like, so 0.1 + 2 x 0.1 is 0.3."""

    key: str
    range: Range

    @property
    def continuous(self) -> bool:
        """Whether there is a value between any two."""
        linear = self.range.scale == "linear"
        return linear and self.range.step is None and self.kind is float

    @property
    def count(self) -> int:
        """How many values there are; 0 stands for any number."""
        if self.continuous:
            return 0
        first, last = _exact(self.range.first), _exact(self.range.last)
        if self.range.scale == "log2":
            return math.floor(last / first).bit_length()
        return math.floor((last - first) / self._step) + 1

    @property
    def kind(self) -> type:
        """The type of its column: int if all numbers are written as whole ones, else float."""
        given = (self.range.first, self.range.last, self.range.step)
        return float if any(isinstance(one, float) for one in given) else int

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values to check before anything runs: the first and the last."""
        if self.continuous:
            return self.range.first, self.range.last
        return self.value(0), self.value(self.count - 1)

    def value(self, number: int) -> Value:
        """Return one of them, counted from 0."""
        first = _exact(self.range.first)
        doubles = self.range.scale == "log2"
        exact = first * 2**number if doubles else first + number * self._step
        return int(exact) if self.kind is int else float(exact)

    def sample(self, share: float) -> Value:
        """Return the value at a share in [0, 1) of the axis; each has an equal part of it."""
        if self.continuous:
            return self.range.first + share * (self.range.last - self.range.first)
        return self.value(_number(share, self.count))

    @property
    def _step(self) -> Fraction:
        return _exact(1 if self.range.step is None else self.range.step)


Axis = ListAxis | RangeAxis


def axes_of(config: SweepConfig) -> tuple[Axis, ...]:
    """Return the axes of a sweep: the accelerator, if it is at the top, then those of ``vary``.

    Raises
    ------
    ValueError
        If a grid has an axis with values everywhere, or names are a range.
    """
    axes: list[Axis] = []
    if config.accelerator is not None:
        names = config.accelerator
        axes.append(ListAxis("accelerator", tuple([names] if isinstance(names, str) else names)))
    for key, given in config.vary.items():
        axis = RangeAxis(key, given) if isinstance(given, Range) else ListAxis(key, tuple(given))
        if key == "accelerator" and axis.kind is not str:
            raise ValueError("vary.accelerator: expected a list of presets or files")
        if axis.count == 0 and config.sampling == "grid":
            raise ValueError(f"vary.{key}: step is missing: a grid of decimals needs one")
        axes.append(axis)
    return tuple(axes)


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _number(share: float, count: int) -> int:
    return min(int(share * count), count - 1)
