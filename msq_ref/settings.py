"""Settings that come from files: validated, frozen, and wrong ones named in one line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Settings", "parse_settings", "read_toml"]


class Settings(BaseModel):
    """A group of settings: unknown keys and wrong types are errors."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


Model = TypeVar("Model", bound=Settings)


def parse_settings(model: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """Make settings of plain values, such as those of a TOML file.

    Parameters
    ----------
    model : subclass of Settings
    values : mapping
    source : str
        Where the values come from, for the error.

    Raises
    ------
    ValueError
        In one line: the source, the key, its value, what was expected, and for an unknown key the
        nearest known one.
    """
    try:
        # TOML writes 1 where a float is meant; booleans stay refused by the strict integers.
        return model.model_validate(_floats(values, model))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, _keys(model), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{source}: unknown key {key!r}{hint}") from None
        if first["type"] == "missing":
            raise ValueError(f"{source}: {key} is missing") from None
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
