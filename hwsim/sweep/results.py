"""The results of a sweep as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.sweep.columns import MEASURES, columns_of
from hwsim.sweep.points import points_of
from hwsim.sweep.record import read_record
from hwsim.sweep.stores import store_of

__all__ = ["read_results"]

_TYPES: dict[type, Any] = {bool: np.bool_, int: np.int64, float: np.float64, str: object}


def read_results(target: str | Path) -> dict[str, NDArray[Any]]:
    """Return the columns of a sweep's results, finished or not, sorted by point.

    Parameters
    ----------
    target : path
        As given to `run_sweep`.

    Returns
    -------
    dict of ndarray
        ``point``, the axes by their keys, ``status`` (``"ok"``, ``"does not fit"`` or
        ``"invalid"``), ``reason``, and the figures of `hwsim.sweep.columns.MEASURES`. Words are
        objects; axes int64, float64 or bool; figures float64, NaN where a point did not run, and
        whole ones exact up to 2^53.

    Raises
    ------
    ValueError
        If there are no results of a sweep, or they are not as they were written.
    """
    target = Path(target)
    config, _ = read_record(target)
    kinds = columns_of(points_of(config))
    store = store_of(target, kinds)
    if not target.exists():
        raise ValueError(f"{target}: no such results; run the sweep")
    types = {
        name: np.float64 if name in MEASURES else _TYPES[kind] for name, kind in kinds.items()
    }
    words: dict[Any, Any] = {}  # one object for each: most are alike
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in kinds}
    for block in store.blocks():
        for name, values in block.items():
            if types[name] is object:
                values = [words.setdefault(value, value) for value in values]
            found[name].append(np.asarray(values, types[name]))
    columns = {
        name: np.concatenate([np.empty(0, types[name]), *parts]) for name, parts in found.items()
    }
    order = np.argsort(columns["point"], kind="stable")
    return {name: values[order] for name, values in columns.items()}
