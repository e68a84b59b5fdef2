"""Rounding up, which every count of passes, bytes and cycles needs."""

from __future__ import annotations

from typing import Any

__all__ = ["ceil_div"]


def ceil_div(a: Any, b: Any) -> Any:  # noqa: ANN401
    """Return a / b rounded up, for integers and integer arrays."""
    return -(-a // b)
