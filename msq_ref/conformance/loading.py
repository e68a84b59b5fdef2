"""A backend by its name: a module, or an object in one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from msq_ref.contract import OPERATIONS

__all__ = ["declarations", "implemented", "load_backend"]


def load_backend(target: str) -> Any:
    """Return what ``MODULE`` or ``MODULE:NAME`` names.

    A module of the working directory is found too, as Python itself would.

    Raises
    ------
    ValueError
        In one line: it cannot be imported, has no such name, or none of the contract's functions.
    """
    module_name, _, path = target.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        backend: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module raises
        raise ValueError(
            f"MODULE = {target!r}: cannot be imported ({type(error).__name__}: {error})"
        ) from None
    for name in filter(None, path.split(".")):
        if not hasattr(backend, name):
            raise ValueError(f"MODULE = {target!r}: {module_name} has no {name!r}")
        backend = getattr(backend, name)
    if not any(implemented(backend, entry.name) for entry in OPERATIONS):
        raise ValueError(f"MODULE = {target!r}: none of the contract's operations is in it")
    return backend


def implemented(backend: Any, name: str) -> bool:
    """Tell whether a backend has an operation."""
    return callable(getattr(backend, name, None))


def declarations(backend: Any) -> dict[str, bool]:
    """Return what a backend says of itself: ``validates``, ``flushes_subnormals`` [S0.3]."""
    return {
        "validates": getattr(backend, "validates", True) is not False,
        "flushes_subnormals": getattr(backend, "flushes_subnormals", False) is True,
    }
