"""Changes to an accelerator from the command line: the array's sides, and ``KEY=VALUE``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from hwsim.accelerator import Accelerator, checked
from hwsim.array import AnArray, Array, FusionArray, SystolicArray
from hwsim.units import other_unit
from msq_ref.formats import known_name, parse_settings

__all__ = ["known_keys", "override", "shortened"]

KINDS: dict[str, type[AnArray]] = {
    "serial": Array, "systolic": SystolicArray, "fusion": FusionArray,
}  # fmt: skip
NEEDED: dict[str, dict[str, object]] = {"serial": {"lanes": 1}, "systolic": {"dataflow": "os"}}
"""What a kind of array has by default when another one becomes one."""

LONGEST = 10_000
"""Characters of a value."""


def override(
    accelerator: Accelerator, array: str | None = None, assignments: Iterable[str] = ()
) -> Accelerator:
    """Return an accelerator with some settings changed.

    Parameters
    ----------
    accelerator : Accelerator
    array : str, optional
        ``ROWSxCOLS``, or ``ROWSxCOLSxLANES`` where the array has lanes.
    assignments : iterable of str
        ``KEY=VALUE``, the key dotted as in the accelerator's file, such as
        ``buffers.weight_bytes=65536``; the value as in TOML, quotes of a word left out. Later ones
        win, and win over `array`. Another `array.kind` keeps the sides; its other settings are a
        lane (serial) and output-stationary (systolic), unless they are set too.

    Returns
    -------
    Accelerator
        Its description says what was changed.

    Raises
    ------
    ValueError
        In one line: a value of another form; an unknown key, with the nearest known one and all of
        them, or what it would be in the unit of the known one; a value out of range.
    """
    changes: dict[str, Any] = {} if array is None else _sides(accelerator, array)
    for text in assignments:
        key, value = _assignment(text)
        changes[key] = value
    if not changes:
        return accelerator
    kind = changes.get("array.kind", accelerator.array.kind)
    if kind != accelerator.array.kind:
        known_name("--set array.kind", kind, KINDS)
        accelerator = _of_kind(accelerator, str(kind))
    values = accelerator.model_dump(exclude_none=True)
    known = known_keys(accelerator)
    frequency = changes.get("frequency_mhz", accelerator.frequency_mhz)
    for key, value in changes.items():
        if key not in known:
            raise ValueError(_unknown(key, value, known, frequency))
        place = values
        *groups, leaf = key.split(".")
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    said = ", ".join(f"{key} = {_shown(value)}" for key, value in changes.items())
    if "description" not in changes:
        values["description"] = f"{accelerator.description}; changed: {said}"
    table = values.get("energy")
    touched = sorted(key for key in changes if key.startswith("energy."))
    if isinstance(table, dict) and touched and "energy.source" not in touched:
        table["source"] = f"{table['source']}; changed: {', '.join(touched)}"
    changed = parse_settings(Accelerator, values, f"{accelerator.name} with {said}")
    return checked(changed, changed.name)


def known_keys(accelerator: Accelerator) -> list[str]:
    """Return the dotted keys that `override` takes: those of its kind of array."""
    return _keys(Accelerator, accelerator)


def _of_kind(accelerator: Accelerator, kind: str) -> Accelerator:
    """Return an accelerator whose array has the same sides and is of another kind."""
    sides = {"kind": kind, "rows": accelerator.array.rows, "cols": accelerator.array.cols}
    array = KINDS[kind].model_validate({**NEEDED.get(kind, {}), **sides})
    return accelerator.model_copy(update={"array": array})


def _keys(model: type[BaseModel], value: Any, prefix: str = "") -> list[str]:  # noqa: ANN401
    keys: list[str] = []
    for name, field in model.model_fields.items():
        inner = getattr(value, name, None)
        group = type(inner) if isinstance(inner, BaseModel) else _group(field.annotation)
        if group is None:
            keys.append(prefix + name)
        else:
            keys += _keys(group, inner, f"{prefix}{name}.")
    return keys


def _group(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """Return the settings that an absent group would have."""
    options = (
        get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    )
    models = [one for one in options if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if len(models) == 1 else None


def _sides(accelerator: Accelerator, text: str) -> dict[str, Any]:
    sides = text.lower().split("x")
    names = ["rows", "cols"]
    if "lanes" in type(accelerator.array).model_fields:
        names.append("lanes")
    numbers = [int(side) for side in sides if side.isascii() and side.isdigit() and len(side) < 10]
    if len(numbers) != len(sides) or not 2 <= len(sides) <= 3:
        raise ValueError(f"--array = {text!r}: expected ROWSxCOLS or ROWSxCOLSxLANES")
    if len(sides) > len(names):
        raise ValueError(
            f"--array = {text!r}: {accelerator.name} has no lanes: expected ROWSxCOLS"
        )
    for name, number in zip(names, numbers, strict=False):
        if number < 1:
            raise ValueError(f"--array = {text!r}: {name} = {number}: expected at least 1")
    return {f"array.{name}": number for name, number in zip(names, numbers, strict=False)}


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key or not value or len(value) > LONGEST:
        raise ValueError(f"--set = {shortened(text)}: expected KEY=VALUE")
    try:
        found = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return key, value
    return key, found["value"] if found.keys() == {"value"} else value


def _unknown(key: str, value: object, known: list[str], frequency: Any) -> str:  # noqa: ANN401
    said = f"--set {shortened(key)}: unknown key"
    if isinstance(frequency, int | float) and not isinstance(frequency, bool) and frequency > 0:
        unit = other_unit(key, value, known, frequency)
        if unit is not None:
            return f"{said}: its unit is another one: {unit}"
    groups = [one for one in known if one.startswith(f"{key}.")]
    if groups:
        return f"{said}: it is a group: {', '.join(groups)}"
    leaves = {one.rpartition(".")[2]: one for one in known}
    near = difflib.get_close_matches(key, known, n=1)
    near = near or [leaves[leaf] for leaf in difflib.get_close_matches(key, leaves, n=1)]
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{said}: {hint}known: {', '.join(known)}"


def shortened(value: object) -> str:
    """Return a value as a message shows it, in 80 characters at most."""
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _shown(value: object) -> str:
    """Return a value for a description: a table of many entries says only that it is one."""
    return "..." if isinstance(value, list | Mapping) else shortened(str(value)).strip("'\"")
