"""What the processor that Numba compiles for can do."""

from __future__ import annotations

from functools import cache

from llvmlite import binding
from numba.core import config

__all__ = ["has"]


@cache
def processor_features() -> frozenset[str]:
    """Return LLVM's names of the features: the host's, or what ``NUMBA_CPU_FEATURES`` says."""
    if config.CPU_NAME or config.CPU_FEATURES is not None:
        asked = (config.CPU_FEATURES or "").split(",")
        return frozenset(name[1:] for name in asked if name[:1] == "+")
    return frozenset(name for name, there in binding.get_host_cpu_features().items() if there)


def has(*features: str) -> bool:
    """Tell whether all of the features are there."""
    return processor_features().issuperset(features)
