"""Everything needed to repeat a run, as one validated, frozen object."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, Field, ValidationError

from msq_ref.methods.config import DoReFaConfig, MSQConfig, Settings

__all__ = ["FORMAT", "IntegerConfig", "RunConfig", "TrainingConfig", "parse_config", "read_toml"]

FORMAT = 1
"""Version of the run folder; a folder with a higher one is from a newer program."""


class TrainingConfig(Settings):
    """Settings of the training loop."""

    epochs: int = Field(default=60, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=0.05, gt=0)
    """At the start; it falls to 0 along a cosine."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)


class IntegerConfig(Settings):
    """Settings of integer inference."""

    activation_bits: int = Field(default=8, ge=2, le=16)
    """Width of activations [S8.1]."""
    percentile: float = Field(default=100.0, gt=0, le=100)
    """Of the activations seen in calibration that a code can hold; 100: the maximum."""


class RunConfig(Settings):
    """A run: what is trained, on what, how, from which seed."""

    format: int = FORMAT
    model: str = "digits-cnn"
    data: str = "digits"
    method: Literal["float", "dorefa", "msq"] = "msq"
    seed: int = Field(default=0, ge=0, lt=2**63)
    training: TrainingConfig = TrainingConfig()
    msq: MSQConfig = MSQConfig()
    dorefa: DoReFaConfig = DoReFaConfig()
    integer: IntegerConfig = IntegerConfig()

    def to_toml(self) -> str:
        """Return the TOML text that gives this object back."""
        return tomli_w.dumps(self.model_dump(mode="json", by_alias=True, exclude_none=True))


def parse_config(values: Mapping[str, Any], source: str) -> RunConfig:
    """Make a run's settings of plain values.

    Raises
    ------
    ValueError
        In one line: the source, the key, its value, what was expected, and for an unknown key the
        nearest known one.
    """
    version = values.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(
            f"{source}: format = {version} is newer than this program's {FORMAT}; upgrade msq-ref"
        )
    try:
        # TOML writes 1 where a float is meant; booleans stay refused by the strict integers.
        return RunConfig.model_validate(_floats(values, RunConfig))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, _keys(RunConfig), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{source}: unknown key {key!r}{hint}") from None
        raise ValueError(f"{source}: {key} = {first['input']!r}: {first['msg']}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a ``ValueError`` in one line if that cannot be done."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a TOML file ({error})") from None


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, info in model.model_fields.items():
        key = prefix + (info.alias or name)
        keys.append(key)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            keys += _keys(info.annotation, key + ".")
    return keys


def _floats(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Turn whole numbers into floats where a setting is a float."""
    by_key = {info.alias or name: info for name, info in model.model_fields.items()}
    result = dict(values)
    for key, value in values.items():
        kind = by_key[key].annotation if key in by_key else None
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            result[key] = _floats(value, kind)
        elif kind is float and isinstance(value, int) and not isinstance(value, bool):
            result[key] = float(value)
    return result
