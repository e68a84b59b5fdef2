"""Units that end the names of keys, and what a value in another unit would be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

__all__ = ["other_unit", "refuse_other_units"]

_SIZES = {"bits": 1 / 8, "bytes": 1.0, "kb": 1024.0, "kib": 1024.0, "mb": 2.0**20, "mib": 2.0**20}
_FREQUENCIES = {"hz": 1e-6, "khz": 1e-3, "mhz": 1.0, "ghz": 1e3}
_ENERGIES = {"fj": 1e-3, "pj": 1.0, "nj": 1e3, "uj": 1e6}
_POWERS = {"pw": 1.0, "nw": 1e3, "uw": 1e6, "mw": 1e9}


def other_unit(key: str, value: object, known: Iterable[str], frequency_mhz: float) -> str | None:
    """Say what a value would be under the known key that differs from `key` in its unit only.

    Parameters
    ----------
    key : str
        Dotted, not a known one.
    value : object
    known : iterable of str
    frequency_mhz : float
        Of the array: it joins cycles and seconds.

    Returns
    -------
    str or None
        None if there is no such key, or the value is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    hertz = frequency_mhz * 1e6
    rates = {
        "bits_per_cycle": 1.0, "bytes_per_cycle": 8.0,
        **{f"{prefix}{name}": scale * bits / hertz
           for prefix, scale in (("", 1.0), ("k", 1e3), ("m", 1e6), ("g", 1e9))
           for name, bits in (("b_per_s", 8.0), ("bytes_per_s", 8.0), ("bit_per_s", 1.0),
                              ("bits_per_s", 1.0), ("bps", 1.0))},
    }  # fmt: skip
    times = {"cycles": 1.0, "s": hertz, "ms": hertz / 1e3, "us": hertz / 1e6, "ns": hertz / 1e9}
    group, _, leaf = key.lower().rpartition(".")
    leaf = leaf.removeprefix("bandwidth_")
    for units in (rates, _SIZES, _FREQUENCIES, _ENERGIES, _POWERS, times):
        split = _split(leaf, units)
        if split is None:
            continue
        stem, unit, rest = split
        for right in known:
            right_group, _, right_leaf = right.rpartition(".")
            ending = _split(right_leaf, units)
            if right_group != group or ending is None or (ending[0], ending[2]) != (stem, rest):
                continue
            factor = units[unit] / units[ending[1]]
            note = f" at {frequency_mhz:g} MHz" if units is rates or units is times else ""
            return f"{key} = {value:g} is {right} = {value * factor:.10g}{note}"
    return None


def refuse_other_units(
    values: Mapping[str, Any], groups: Mapping[str, type[BaseModel]], source: str
) -> None:
    """Raise ``ValueError`` for a key of a file that differs from a known one in its unit only.

    Parameters
    ----------
    values : mapping
        Of an accelerator's file, tables for its groups.
    groups : mapping
        The settings that a table of this name holds; "" is the file itself.
    source : str
        Where the values come from, for the error.
    """
    frequency = values.get("frequency_mhz")
    clock = float(frequency) if isinstance(frequency, int | float) and frequency > 0 else None
    for group, model in groups.items():
        inner = values.get(group) if group else values
        if not isinstance(inner, Mapping) or (group and clock is None):
            continue  # which is said by whoever reads them
        prefix = f"{group}." if group else ""
        known = [prefix + name for name in model.model_fields]
        for key, value in inner.items():
            unit = None
            if prefix + key not in known:
                unit = other_unit(prefix + key, value, known, clock or 1.0)
            if unit is not None:
                raise ValueError(
                    f"{source}: unknown key {prefix + key!r}: its unit is another one: {unit}"
                )


def _split(leaf: str, units: Iterable[str]) -> tuple[str, str, str] | None:
    """Return stem, unit and rest of a key: ``leakage_nw_per_gate`` has the rest ``_per_gate``."""
    names = "|".join(sorted(units, key=len, reverse=True))
    found = re.fullmatch(rf"(?:(\w+)_)?({names})(_per_\w+)?", leaf)
    return None if found is None else (found[1] or "", found[2], found[3] or "")

