"""Settings that come from files: validated, frozen, and wrong ones named in one line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Tag, ValidationError

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
        key = _dotted(model, first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, _keys(model), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{source}: unknown key {key!r}{hint}") from None
        if first["type"] == "missing":
            raise ValueError(f"{source}: {key} is missing") from None
        if first["type"] == "value_error":  # a validator of ours: it says what it is about
            raise ValueError(f"{source}: {key}: {first['ctx']['error']}") from None
        if first["type"] == "union_tag_invalid":
            tag, known = first["ctx"]["tag"], first["ctx"]["expected_tags"]
            raise ValueError(f"{source}: {key}: no such kind as {tag!r}: known: {known}") from None
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


def _dotted(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """Return the key of a place: kinds of a group, which pydantic names too, are no part of it."""
    parts: list[str] = []
    inner: Any = model
    for part in place:
        kinds = _kinds(inner)
        if part in kinds:
            inner = kinds[str(part)]
            continue
        parts.append(str(part))
        fields = inner.model_fields if _is_group(inner) else {}
        inner = fields[part].annotation if part in fields else None
    return ".".join(parts)


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, info in model.model_fields.items():
        key = prefix + (info.alias or name)
        keys.append(key)
        for group in (info.annotation, *_kinds(info.annotation).values()):
            if _is_group(group):
                keys += [one for one in _keys(group, key + ".") if one not in keys]
    return keys


def _kinds(annotation: Any) -> dict[str, type[BaseModel]]:  # noqa: ANN401
    """Return the groups of settings that a tagged union has, by their tags."""
    found = {}
    for option in get_args(annotation):
        group, *marks = get_args(option) or (option,)
        found.update({mark.tag: group for mark in marks if isinstance(mark, Tag)})
    return found


def _is_group(annotation: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
