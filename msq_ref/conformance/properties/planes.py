"""What holds for bit planes, whoever computes them [S3.3], [S9.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import Scope, code_arrays, shapes, widths

__all__: list[str] = []

Array = NDArray[Any]


@st.composite
def _codes(draw: Any, scope: Scope) -> tuple[Array, int, bool]:
    n, signed = draw(widths()), draw(st.booleans())
    low, high = (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)
    return draw(code_arrays(draw(shapes(scope)), low, high)), n, signed


@st.composite
def _planes(draw: Any, scope: Scope) -> tuple[Array, bool]:
    shape = (draw(widths()), *draw(shapes(scope)))
    return draw(code_arrays(shape, 0, 1, np.uint8)), draw(st.booleans())


@about("bit_planes", clauses="S3.3 S9.1", given=_codes)
def weighted_sum(call: Calls, codes: Array, n: int, signed: bool) -> bool:
    """The code is the sum of 2^j times plane j, the top plane negative if signed."""
    planes = call("bit_planes", codes, n, signed=signed)
    if planes.shape != (n, *codes.shape) or not np.isin(planes, (0, 1)).all():
        return False
    total = sum(planes[j].astype(np.int64) << j for j in range(n))
    if signed:
        total = total - (planes[n - 1].astype(np.int64) << n)
    return bool((total == codes).all())


@about("bit_planes", "from_bit_planes", clauses="S3.3 S9.1", given=_codes)
def round_trip(call: Calls, codes: Array, n: int, signed: bool) -> bool:
    """Codes come back from their planes."""
    planes = call("bit_planes", codes, n, signed=signed)
    return bool((call("from_bit_planes", planes, signed=signed) == codes).all())


@about("bit_planes", clauses="S3.3", given=_codes)
def plane_order(call: Calls, codes: Array, n: int, signed: bool) -> bool:
    """Without the lowest plane, the planes are those of the code halved and rounded down."""
    planes = call("bit_planes", codes, n, signed=signed)
    if n == 1:
        return bool((planes[0] == np.abs(codes)).all())
    return bool((planes[1:] == call("bit_planes", codes >> 1, n - 1, signed=signed)).all())


@about("from_bit_planes", "bit_planes", clauses="S3.3 S9.1", given=_planes)
def round_trip_of_planes(call: Calls, planes: Array, signed: bool) -> bool:
    """Planes come back from their codes."""
    codes = call("from_bit_planes", planes, signed=signed)
    return bool((call("bit_planes", codes, len(planes), signed=signed) == planes).all())


@about("from_bit_planes", clauses="S3.3", given=_planes)
def one_plane_at_a_time(call: Calls, planes: Array, signed: bool) -> bool:
    """The code is the sum of the codes of each plane alone."""
    total = np.zeros(planes.shape[1:], np.int64)
    for j in range(len(planes)):
        alone = np.zeros_like(planes)
        alone[j] = planes[j]
        total += call("from_bit_planes", alone, signed=signed)
    return bool((call("from_bit_planes", planes, signed=signed) == total).all())
