"""What is not legal for an argument, by its kind, and what it must be refused with.

A wrong value is a ``ValueError``, an integer for a float a ``TypeError`` [S0.2], [S0.3]; where the
spec leaves the type of the error open, either will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msq_ref.conformance.cases.wrong.floats import floats, gradient, unit, weights
from msq_ref.conformance.cases.wrong.integers import (
    accumulators,
    codes,
    filters,
    images,
    integers,
    parameter,
    planes,
    signs,
)
from msq_ref.conformance.cases.wrong.scalars import (
    dtype,
    flag,
    low_bits,
    rate,
    real,
    scale,
    size,
    target,
    width,
)
from msq_ref.conformance.cases.wrong.sequences import (
    rates,
    sensitivities,
    sizes,
    steps,
    thresholds,
    widths,
)
from msq_ref.conformance.cases.wrong.value import EITHER, Wrong

__all__ = ["EITHER", "Wrong", "wrong_values"]


def wrong_values(kind: str, legal: Any, bits: int | None = None) -> Iterator[Wrong]:
    """Yield what is not legal for an argument.

    Parameters
    ----------
    kind : str
        Of `msq_ref.contract.KINDS`.
    legal : value
        A legal one, whose shape and dtype the wrong ones take.
    bits : int, optional
        Width that the legal codes have.
    """
    return _WRONG[kind](legal, bits)


_WRONG: dict[str, Callable[[Any, int | None], Iterator[Wrong]]] = {
    "unit": unit,
    "weights": weights,
    "floats": floats,
    "gradient": gradient,
    "width": width,
    "signed width": width,
    "slice": low_bits,
    "flag": flag,
    "dtype": dtype,
    "scale": scale,
    "real": real,
    "rate": rate,
    "target": target,
    "codes": codes,
    "filters": filters,
    "matrix": filters,
    "planes": planes,
    "signs": signs,
    "integers": integers,
    "images": images,
    "size": size,
    "accumulators": accumulators,
    "multiplier": parameter(2**30, 2**31 - 1, 2**30 + 2**20),
    "shift": parameter(1, 62, 35),
    "zero point": parameter(-(2**15), 2**16 - 1, 3),
    "widths": widths,
    "rates": rates,
    "steps": steps,
    "sizes": sizes,
    "thresholds": thresholds,
    "sensitivities": sensitivities,
}
