"""What holds for quantizers and slices, whoever computes them [S2], [S3], [S4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import (
    Scope,
    code_arrays,
    dtypes,
    positive,
    shapes,
    signs_like,
    slice_widths,
    unit_arrays,
    widths,
)

__all__: list[str] = []

Array = NDArray[Any]


@st.composite
def _u_n(draw: Any, scope: Scope) -> tuple[Array, int]:
    return draw(unit_arrays(scope)), draw(widths())


@st.composite
def _u_n_k(draw: Any, scope: Scope) -> tuple[Array, int, int]:
    return draw(unit_arrays(scope, empty=False)), *draw(slice_widths())


@st.composite
def _coarse(draw: Any, scope: Scope) -> tuple[Array, int, int]:
    """Draw points of the grid ``j / 2^(n-k)``."""
    n, k = draw(slice_widths())
    j = draw(code_arrays(draw(shapes(scope, empty=False)), 0, 2 ** (n - k) - 1))
    return np.asarray(j / 2 ** (n - k)).astype(draw(dtypes())), n, k


@st.composite
def _codes(draw: Any, scope: Scope) -> tuple[Array, int, str]:
    n = draw(widths())
    codes = draw(code_arrays(draw(shapes(scope)), 0, 2**n - 1))
    return codes, n, draw(st.sampled_from(["float32", "float64"]))


@about("roundclamp", clauses="S2.1", given=_u_n)
def monotone(call: Calls, u: Array, n: int) -> bool:
    """Codes do not fall as u grows."""
    return bool((np.diff(call("roundclamp", np.sort(u.ravel()), n)) >= 0).all())


@about("roundclamp", clauses="S2.1 S0.1", given=_u_n)
def nearest(call: Calls, u: Array, n: int) -> bool:
    """A code is the integer nearest to 2^n u, the even one on a tie, at most 2^n - 1."""
    exact = 2.0**n * np.asarray(u, np.float64)
    code = np.asarray(call("roundclamp", u, n))
    apart = np.abs(code - exact)
    tie_to_even = (apart < 0.5) | (code % 2 == 0)
    inside = (apart <= 0.5) & tie_to_even
    return bool((inside | ((code == 2**n - 1) & (exact >= 2**n - 0.5))).all())


@about("roundclamp", clauses="S2.1 S0.3", given=_u_n)
def same_in_both_dtypes(call: Calls, u: Array, n: int) -> bool:
    """Codes of a float32 array are those of the same numbers in float64."""
    narrow = np.asarray(u, np.float32)
    wide = narrow.astype(np.float64)
    return bool((call("roundclamp", narrow, n) == call("roundclamp", wide, n)).all())


@about("dorefa", clauses="S2.2", given=_u_n)
def not_falling(call: Calls, u: Array, n: int) -> bool:
    """Codes do not fall as u grows, and lie in [0, 2^n - 1]."""
    codes = call("dorefa", np.sort(u.ravel()), n)
    return bool((np.diff(codes) >= 0).all() and (codes >= 0).all() and (codes < 2**n).all())


@about("dorefa", "dequantize", clauses="S2.2 S2.3", given=_codes)
def round_trip(call: Calls, codes: Array, n: int, dtype: str) -> bool:
    """Dequantized codes quantize to themselves."""
    return bool((call("dorefa", call("dequantize", codes, n, dtype=dtype), n) == codes).all())


@about("dequantize", clauses="S2.3", given=_codes)
def nearest_float(call: Calls, codes: Array, n: int, dtype: str) -> bool:
    """Of all floats q, none makes q (2^n - 1) nearer to the code."""
    q = np.asarray(call("dequantize", codes, n, dtype=dtype))
    exact = codes.astype(np.longdouble) / (2**n - 1)
    error = np.abs(q - exact)
    up, down = np.nextafter(q, q.dtype.type(2)), np.nextafter(q, q.dtype.type(-1))
    return bool(((error <= np.abs(up - exact)) & (error <= np.abs(down - exact))).all())


@st.composite
def _scaled(draw: Any, scope: Scope) -> tuple[Array, float, int]:
    q = np.asarray(draw(code_arrays(draw(shapes(scope)), 0, 1024)) / 1024).astype(draw(dtypes()))
    return q, draw(positive()), draw(st.integers(-4, 4))


@about("effective", clauses="S1.2", given=_scaled)
def odd(call: Calls, q: Array, scale: float, _shift: int) -> bool:
    """Weights of 1 - q are the negatives of those of q."""
    return bool((call("effective", 1 - q, scale) == -call("effective", q, scale)).all())


@about("effective", clauses="S1.2", given=_scaled)
def proportional(call: Calls, q: Array, scale: float, shift: int) -> bool:
    """A scale times a power of two gives weights times it, to the bit."""
    factor = 2.0**shift
    return bool(
        (call("effective", q, scale * factor) == call("effective", q, scale) * factor).all()
    )


@st.composite
def _signed(draw: Any, scope: Scope) -> tuple[Array, Array, float]:
    q = np.asarray(np.abs(draw(unit_arrays(scope))))
    return q, draw(signs_like(q.shape)), draw(positive())


@about("effective_signed", clauses="S1.4", given=_signed)
def sign_and_magnitude(call: Calls, q: Array, signs: Array, scale: float) -> bool:
    """A weight has its sign, and as magnitude scale q, rounded once; sign 0 gives 0."""
    w = np.asarray(call("effective_signed", q, signs, scale))
    magnitude = w.dtype.type(scale) * q
    return bool((np.abs(w) == np.where(signs == 0, 0, magnitude)).all() and (w * signs >= 0).all())


@about("lsb", "roundclamp", clauses="S3.1 S3.2", given=_u_n_k)
def recombination(call: Calls, u: Array, n: int, k: int) -> bool:
    """The code is 2^k times the coarse code, plus the slice."""
    coarse = call("roundclamp", u, n - k)
    return bool((call("roundclamp", u, n) == 2**k * coarse + call("lsb", u, n, k)).all())


@about("lsb", clauses="S3.2", given=_u_n_k)
def range_of_slices(call: Calls, u: Array, n: int, k: int) -> bool:
    """A slice is within 2^(k-1), except where the coarse code clamps: there up to 2^k - 1."""
    low = np.asarray(call("lsb", u, n, k))
    clamps = u.astype(np.float64) >= 1 - 2.0 ** (k - n - 1)
    most = np.where(clamps, 2**k - 1, 2 ** (k - 1))
    return bool(((low <= most) & (low >= -(2 ** (k - 1)))).all())


@about("lsb", clauses="S2.5", given=_coarse)
def zero_on_grid(call: Calls, u: Array, n: int, k: int) -> bool:
    """The slice of a point of the coarse grid is zero."""
    return not np.any(call("lsb", u, n, k))


@about("lsb_l1", clauses="S2.5 S4.1", given=_coarse)
def zero_on_grid_l1(call: Calls, u: Array, n: int, k: int) -> bool:
    """The regularizer of points of the coarse grid is zero."""
    return bool(call("lsb_l1", u, n, k) == 0)


@about("lsb_l1_codes", clauses="S2.5 S4.1", given=_coarse)
def zero_on_grid_codes(call: Calls, u: Array, n: int, k: int) -> bool:
    """The sum of the slices of points of the coarse grid is zero."""
    return bool(call("lsb_l1_codes", u, n, k) == 0)


@about("lsb_l1_grad", clauses="S2.5 S4.2", given=_coarse)
def zero_on_grid_grad(call: Calls, u: Array, n: int, k: int) -> bool:
    """No force acts on points of the coarse grid."""
    return not np.any(call("lsb_l1_grad", u, n, k))


@about("lsb_nonzero_rate", clauses="S2.5 S3.4", given=_coarse)
def zero_on_grid_rate(call: Calls, u: Array, n: int, k: int) -> bool:
    """No slice of a point of the coarse grid is nonzero."""
    return bool(call("lsb_nonzero_rate", u, n, k) == 0)


@about("lsb_l1_grad", clauses="S2.5 S4.2", given=_u_n_k)
def points_to_grid(call: Calls, u: Array, n: int, k: int) -> bool:
    """Against the gradient lies the nearest point of the coarse grid."""
    grad = np.asarray(call("lsb_l1_grad", u, n, k))
    grid, exact = 2.0 ** (n - k), np.asarray(u, np.float64)
    below = np.minimum(np.floor(grid * exact), grid - 1) / grid
    above = below + 1 / grid
    to_below = exact - below
    to_above = np.where(above < 1, above - exact, np.inf)
    down = (grad != 1) | ((to_below <= to_above) & (to_below > 0))
    up = (grad != -1) | ((to_above <= to_below) & (to_above > 0))
    return bool((down & up & np.isin(grad, (-1, 0, 1))).all())


@about("lsb_l1_grad", "lsb", clauses="S4.2", given=_u_n_k)
def sign_of_slice(call: Calls, u: Array, n: int, k: int) -> bool:
    """The gradient is the sign of the slice."""
    return bool((call("lsb_l1_grad", u, n, k) == np.sign(call("lsb", u, n, k))).all())


@about("lsb_l1_codes", "lsb", clauses="S4.1", given=_u_n_k)
def sum_of_slices(call: Calls, u: Array, n: int, k: int) -> bool:
    """The sum is that of the magnitudes of the slices."""
    low = np.asarray(call("lsb", u, n, k), np.int64)
    return bool(call("lsb_l1_codes", u, n, k) == int(np.abs(low).sum()))


@about("lsb_l1", "lsb_l1_codes", clauses="S4.1", given=_u_n_k)
def codes_over_scale(call: Calls, u: Array, n: int, k: int) -> bool:
    """The regularizer is the sum in codes over 2^n."""
    return bool(call("lsb_l1", u, n, k) == call("lsb_l1_codes", u, n, k) / 2**n)


@about("lsb_nonzero_rate", "lsb", clauses="S3.4", given=_u_n_k)
def count_of_slices(call: Calls, u: Array, n: int, k: int) -> bool:
    """The rate is the number of slices that are not zero over that of all."""
    count = int(np.count_nonzero(call("lsb", u, n, k)))
    return bool(call("lsb_nonzero_rate", u, n, k) == count / u.size)


@st.composite
def _two_parts(draw: Any, scope: Scope) -> tuple[Array, Array, int, int]:
    u = draw(unit_arrays(scope, shape=(14,)))
    return u[:7].copy(), u[7:].copy(), *draw(slice_widths())


@about("lsb_l1_codes", clauses="S4.1", given=_two_parts)
def additive(call: Calls, one: Array, other: Array, n: int, k: int) -> bool:
    """The sum over two arrays is that over both of them together."""
    whole = call("lsb_l1_codes", np.concatenate([one, other]), n, k)
    return bool(call("lsb_l1_codes", one, n, k) + call("lsb_l1_codes", other, n, k) == whole)


@about("lsb_l1", clauses="S4.1 S0.5", given=_two_parts)
def order_does_not_matter(call: Calls, one: Array, other: Array, n: int, k: int) -> bool:
    """The regularizer does not depend on the order of the weights."""
    there, back = np.concatenate([one, other]), np.concatenate([other[::-1], one])
    return bool(call("lsb_l1", there, n, k) == call("lsb_l1", back, n, k))
