"""What hypothesis draws arguments from: few shapes, and numbers on edges more often than not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from msq_ref.conformance.cases.plan import FLOATS
from msq_ref.conformance.layouts import FIRST, LAYOUTS

__all__ = [
    "Scope", "code_arrays", "dtypes", "finite_arrays",
    "grid_arrays", "layouts", "positive", "shapes", "signs_like", "slice_widths", "unit_arrays",
    "widths",
]  # fmt: skip

Shape = tuple[int, ...]
Arrays = SearchStrategy[NDArray[Any]]

GRID = 2**17
"""Every bin edge of RoundClamp at every width is a multiple of 1 / GRID."""

SHAPES: dict[str, tuple[Shape, ...]] = {
    "quick": ((), (1,), (7,), (2, 3, 5)),
    "full": ((), (1,), (7,), (2, 3, 5), (33,), (4, 1), (1, 1, 1, 2)),
    "deep": ((), (1,), (7,), (2, 3, 5), (33,), (4, 1), (1, 1, 1, 2), (5, 6, 7), (257,)),
}
"""Few, since some backends compile anew for each."""


@dataclass(frozen=True)
class Scope:
    """How far arguments go."""

    level: str
    subnormals: bool = True


def shapes(scope: Scope, *, empty: bool = True) -> SearchStrategy[Shape]:
    """Draw a shape."""
    return st.sampled_from(SHAPES[scope.level] + (((0,), (3, 0, 2)) if empty else ()))


def dtypes() -> SearchStrategy[np.dtype[Any]]:
    """Draw float32 or float64."""
    return st.sampled_from(FLOATS)


def layouts() -> SearchStrategy[str]:
    """Draw a way for arrays to lie in memory."""
    return st.sampled_from([*LAYOUTS, f"strided{FIRST}", f"Fortran order{FIRST}"])


def widths(low: int = 1) -> SearchStrategy[int]:
    """Draw a width."""
    return st.integers(low, 16)


@st.composite
def slice_widths(draw: Any) -> tuple[int, int]:
    """Draw a width and a number of low bits."""
    n = draw(st.integers(2, 16))
    return n, draw(st.integers(1, n - 1))


@st.composite
def unit_arrays(
    draw: Any, scope: Scope, shape: Shape | None = None, *, empty: bool = True,
    dtype: np.dtype[Any] | None = None,
) -> NDArray[Any]:  # fmt: skip
    """Draw an array in [0, 1]: on bin edges, one ulp beside them, or anywhere."""
    shape = draw(shapes(scope, empty=empty)) if shape is None else shape
    kind = draw(dtypes()) if dtype is None else dtype
    if draw(st.booleans()):
        chosen = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 3 * GRID + 2)))
        values = np.asarray(chosen // 3 / GRID).astype(kind)
        beside = np.nextafter(values, np.where(chosen % 3 == 1, 0, 1).astype(kind))
        # The float beside 0 is subnormal.
        return np.asarray(np.where((chosen % 3 == 0) | (values == 0), values, beside))
    elements = _floats(scope, kind, 0.0, 1.0)
    return cast(NDArray[Any], draw(hnp.arrays(kind, shape, elements=elements)))


@st.composite
def finite_arrays(
    draw: Any, scope: Scope, shape: Shape, dtype: np.dtype[Any], bound: float = 1e6
) -> NDArray[Any]:
    """Draw an array of finite numbers, small integers more often than not."""
    simple = st.integers(-8, 8).map(float)
    anything = _floats(scope, dtype, -bound, bound)
    return cast(
        NDArray[Any], draw(hnp.arrays(dtype, shape, elements=st.one_of(simple, anything)))
    )


def grid_arrays(shape: Shape, dtype: np.dtype[Any]) -> Arrays:
    """Draw weights that are equal or clearly apart: near the maximum nothing else is defined."""
    steps = hnp.arrays(np.int64, shape, elements=st.integers(-24, 24))
    return steps.map(lambda values: np.asarray(values / 8).astype(dtype))


def code_arrays(
    shape: Shape, low: int, high: int, dtype: np.dtype[Any] | type = np.int32
) -> Arrays:
    """Draw an array of integers in [low, high], as far as the dtype can hold them."""
    info = np.iinfo(dtype)
    elements = st.integers(max(low, int(info.min)), min(high, int(info.max)))
    return hnp.arrays(dtype, shape, elements=elements)


def signs_like(shape: Shape) -> Arrays:
    """Draw signs of some dtype."""
    kinds = st.sampled_from([np.int8, np.int64, np.float32, np.float64])
    return st.tuples(hnp.arrays(np.int8, shape, elements=st.integers(-1, 1)), kinds).map(
        lambda drawn: drawn[0].astype(drawn[1])
    )


def positive(low: float = 1e-3, high: float = 1e3) -> SearchStrategy[float]:
    """Draw a scale; most are no float32."""
    return st.floats(low, high)


def _floats(scope: Scope, dtype: np.dtype[Any], low: float, high: float) -> SearchStrategy[float]:
    width = 32 if dtype.itemsize == 4 else 64
    return st.floats(
        float(dtype.type(low)), float(dtype.type(high)), width=cast(Any, width),
        allow_subnormal=scope.subnormals,
    )  # fmt: skip
