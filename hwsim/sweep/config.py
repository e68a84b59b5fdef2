"""What a sweep is to run: settings of a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hwsim.overrides import shortened
from msq_ref.formats import Settings, parse_settings, read_toml

__all__ = ["Number", "Range", "SweepConfig", "Value", "parse_sweep", "read_sweep"]

Number = int | float
"""An end or step of a range."""

Value = bool | int | float | str
"""What a setting may be."""

MOST_SAMPLES = 2**30
"""Points that scipy's Sobol sequence has."""

LARGEST = 2**53
"""Whole numbers up to it are exact in every format of the results."""


class Range(Settings):
    """Values from one number to another: evenly spaced, doubling, or all of them.

    Of whole numbers the step is 1 if it is left out. Of others, without a step, there are as many
    values as floats, which only a Sobol sequence can take from.
    """

    first: Number = Field(alias="from", ge=-LARGEST)
    last: Number = Field(alias="to", le=LARGEST)
    step: Number | None = Field(default=None, gt=0)
    scale: Literal["linear", "log2"] = "linear"
    """log2: from, 2 from, 4 from and so on, up to `to`."""

    @model_validator(mode="after")
    def _has_values(self) -> Range:
        if self.last < self.first:
            raise ValueError(f"to = {self.last}: expected at least from = {self.first}")
        if self.scale == "log2" and self.first <= 0:
            raise ValueError(f"from = {self.first}: expected more than 0 with scale = 'log2'")
        if self.scale == "log2" and self.step is not None:
            raise ValueError(f"step = {self.step}: expected none with scale = 'log2', it doubles")
        return self


class SweepConfig(Settings):
    """A sweep: one network on many designs.

    ``vary`` has a list of values or a `Range` by the key of a setting: ``accelerator``, ``bits``,
    or a dotted one of an accelerator's file such as ``array.rows``.
    """

    network: str = Field(min_length=1)
    """Whatever `hwsim.load.load_workload` takes."""
    accelerator: str | list[str] | None = None
    """Preset or TOML file; several are an axis, the first one."""
    bits: int | str | None = None
    compression: float | None = None
    in_bits: int | None = None
    objective: Literal["cycles", "energy", "bytes"] = "cycles"
    sampling: Literal["grid", "sobol"] = "grid"
    points: int | None = Field(default=None, ge=1, le=MOST_SAMPLES)
    """Of a Sobol sequence; a grid has all combinations."""
    seed: int = Field(default=0, ge=0)
    """Of the scrambling of the Sobol sequence."""
    vary: dict[str, Any] = Field(default_factory=dict)

    @field_validator("vary", mode="before")
    @classmethod
    def _axes(cls, table: object) -> dict[str, list[Value] | Range]:
        if not isinstance(table, Mapping):
            raise ValueError(f"{shortened(table)}: expected a table")
        return dict(_flat(table, ""))

    @model_validator(mode="after")
    def _one_of_each(self) -> SweepConfig:
        if (self.accelerator is None) == ("accelerator" not in self.vary):
            raise ValueError("accelerator: expected once: at the top, or in vary")
        if isinstance(self.accelerator, list):
            _checked_list("accelerator", self.accelerator)
        if "bits" in self.vary and (self.bits is not None or self.compression is not None):
            raise ValueError("vary.bits: expected neither bits nor compression at the top")
        if self.sampling == "sobol" and self.points is None:
            raise ValueError("points is missing: a Sobol sequence has as many as are asked for")
        if self.sampling == "grid" and self.points is not None:
            raise ValueError(f"points = {self.points}: expected with sampling = 'sobol' only")
        return self


def parse_sweep(values: Mapping[str, Any], source: str) -> SweepConfig:
    """Make a sweep's settings of plain values; ``ValueError`` in one line naming the source."""
    return parse_settings(SweepConfig, values, source)


def read_sweep(path: str | Path) -> SweepConfig:
    """Read a sweep's settings from a TOML file; ``ValueError`` in one line naming the file."""
    return parse_sweep(read_toml(Path(path)), str(path))


def _flat(table: Mapping[str, Any], prefix: str) -> list[tuple[str, list[Value] | Range]]:
    """Return lists and ranges by dotted keys: TOML reads ``array.rows`` as a table in a table."""
    axes: list[tuple[str, list[Value] | Range]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Range):
            axes.append((key, value))
        elif isinstance(value, Mapping) and ("from" in value or "to" in value):
            axes.append((key, parse_settings(Range, value, key)))
        elif isinstance(value, Mapping):
            axes += _flat(value, f"{key}.")
        else:
            axes.append((key, _checked_list(key, value)))
    return axes


def _checked_list(key: str, values: object) -> list[Value]:
    if not isinstance(values, list) or not values:
        raise ValueError(
            f"{key} = {shortened(values)}: expected a list of values, or a table with from and to"
        )
    for at, value in enumerate(values):
        if not isinstance(value, bool | int | float | str) or value != value:
            raise ValueError(f"{key}: {shortened(value)}: expected numbers, words, true or false")
        if isinstance(value, int | float) and abs(value) > LARGEST:
            raise ValueError(f"{key}: {shortened(value)}: expected at most 2^53")
        if isinstance(value, str) and not value.isprintable():
            raise ValueError(f"{key}: {shortened(value)}: expected no control characters")
        if (type(value), value) in ((type(one), one) for one in values[:at]):
            raise ValueError(f"{key}: {shortened(value)}: given twice")
    return values
