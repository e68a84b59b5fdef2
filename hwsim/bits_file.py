"""Widths of weights by layer: from a file of names and bits, or from the folder of a run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hwsim.layer import MOST_BITS
from hwsim.run_folder import workload_from_run
from hwsim.workload import Workload
from msq_ref.formats import read_toml

__all__ = ["read_bits", "with_bits_of"]

MOST_NAMES = 10
"""Listed in an error."""


def with_bits_of(workload: Workload, path: Path | str) -> Workload:
    """Return a workload with the widths that a file, or a run, gives every one of its weights.

    Parameters
    ----------
    workload : Workload
    path : path
        A folder of a run, or a file as `read_bits` reads it.

    Raises
    ------
    ValueError
        As `read_bits`; if a name is not that of a layer with weights, with the nearest one; if
        layers are missing, which are listed.
    """
    path = Path(path)
    bits = read_bits(path)
    names = [layer.name for layer in workload.weighted]
    products = {layer.name for layer in workload.layers} - set(names)
    unknown = [name for name in bits if name not in names]
    if unknown:
        listed = [_hint(name, names, products) for name in unknown]
        raise ValueError(f"{path}: unknown layers: {_first(listed)}")
    missing = [name for name in names if name not in bits]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(names)} layers are missing: {_first(missing)}"
        )
    try:
        return workload.with_bits(bits)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_bits(path: Path | str) -> dict[str, int]:
    """Return the widths by name that a file or a run's folder holds.

    Parameters
    ----------
    path : path
        ``.json`` or ``.toml``: names and bits, ``"layer1.0.conv1" = 4``; tables are parts of a
        name, so that ``layer1.0.conv1 = 4`` says the same in TOML.

    Raises
    ------
    ValueError
        In one line: the file cannot be read, is neither, or holds something else than widths of 1
        to 16 bits.
    """
    path = Path(path)
    if path.is_dir():
        return {layer.name: layer.bits for layer in workload_from_run(path).weighted}
    suffix = path.suffix.lower()
    if suffix not in (".json", ".toml"):
        raise ValueError(f"bits = {str(path)!r}: expected 1 to 16, a .toml or .json file, or a run")
    values = read_toml(path) if suffix == ".toml" else _json(path)
    found: dict[str, int] = {}
    for name, value in _flat(values, ""):
        if type(value) is not int or not 1 <= value <= MOST_BITS:
            raise ValueError(f"{path}: {name} = {value!r}: expected 1 to {MOST_BITS} bits")
        if name in found:
            raise ValueError(f"{path}: {name} is there twice")
        found[name] = value
    if not found:
        raise ValueError(f"{path}: no names with bits in it")
    return found


def _json(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a JSON file of names and bits ({error})") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected an object of names and bits")
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} is there twice")
    return values


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _hint(name: str, names: list[str], products: set[str]) -> str:
    if name in products:
        return f"{name!r} (a product of attention: its operands are activations)"
    near = difflib.get_close_matches(name, names, n=1)
    return f"{name!r} (did you mean {near[0]!r}?)" if near else f"{name!r}"


def _first(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
