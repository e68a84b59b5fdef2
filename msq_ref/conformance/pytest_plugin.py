"""Options of ``pytest --pyargs msq_ref.conformance --msq-backend=MODULE``."""

from __future__ import annotations

import pytest

__all__ = ["pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose what is checked; they are those of ``msq conform``."""
    group = parser.getgroup("msq", "conformance of a quantization backend")
    group.addoption("--msq-backend", metavar="MODULE[:NAME]", help="the backend to check")
    group.addoption("--msq-ops", metavar="A,B", help="operations; all by default")
    group.addoption("--msq-level", default="quick", choices=("quick", "full", "deep"))
    group.addoption("--msq-seed", type=int, default=0)
    group.addoption("--msq-limit", type=float, default=10.0, help="seconds a call may take")
