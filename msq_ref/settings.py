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
    """A group of settings: unknown keys and wrong types are errors.

    Types are strict, but for one thing: a whole number may stand for a float, as in TOML.
    """

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
        return model.model_validate(dict(values))
    except ValidationError as error:
        # A misspelled key that is required is missing too; the misspelling is what to mend.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, _keys(model), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{source}: unknown key {key!r}{hint}") from None
        if first["type"] == "missing":
            raise ValueError(f"{source}: {key} is missing") from None
        if first["type"] == "value_error":  # a validator of ours: it says what it is about
            raise ValueError(f"{source}: {key}: {first['ctx']['error']}") from None
        value = repr(first["input"])
        shown = value if len(value) <= 80 else value[:77] + "..."
        raise ValueError(f"{source}: {key} = {shown}: {first['msg']}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a ``ValueError`` in one line if that cannot be done."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # also of numbers of thousands of digits
        raise ValueError(f"{path}: not a TOML file ({error})") from None


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, info in model.model_fields.items():
        key = prefix + (info.alias or name)
        keys.append(key)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            keys += _keys(info.annotation, key + ".")
    return keys
