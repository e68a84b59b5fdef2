"""Which hwsim this is."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


@functools.cache
def installed_version() -> str:
    """Return the version of the installed package, ``"unknown"`` where it is not installed."""
    try:
        return version("msq-ref")
    except PackageNotFoundError:
        return "unknown"
