"""Whether a result is right: to the bit, or within the class the contract states."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.wide import GRADIENT_EPS, UNIT_EPS, Bound
from msq_ref.contract import BITEXACT, operation

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True)
class Judgement:
    """`fault` says in words what is wrong, "" if nothing is; `ulp` is the distance of floats."""

    fault: str = ""
    ulp: float = 0.0


def judge(name: str, expected: Any, got: Any, bound: Bound | None = None) -> Judgement:
    """Compare what an operation returned with what it must return.

    Types, dtypes and shapes are part of the result; an integer is no float and a scalar no array,
    except that a 0-dimensional result may be a NumPy scalar.

    Parameters
    ----------
    name : str
        Of the operation.
    expected : value
        What the definition returns.
    got : value
    bound : Bound, optional
        For an operation with a tolerance: what that is measured from, see
        `msq_ref.conformance.wide`; without it, it is measured from `expected`.
    """
    if bound is None and operation(name).exactness != BITEXACT:
        bound = _around(name, np.asarray(expected))
    if isinstance(expected, tuple):
        if not isinstance(got, tuple) or len(got) != len(expected):
            return Judgement(f"expected a tuple of {len(expected)}, got {_kind(got)}")
        parts = [judge(name, one, other) for one, other in zip(expected, got, strict=True)]
        worst = max(part.ulp for part in parts)
        faults = [f"[{i}]: {part.fault}" for i, part in enumerate(parts) if part.fault]
        return Judgement(faults[0] if faults else "", worst)
    if isinstance(expected, np.ndarray):
        return _array(expected, got, bound)
    if isinstance(expected, list):
        return _integers(expected, got)
    return _number(expected, got)


def ulp_distance(expected: NDArray[Any], got: NDArray[Any]) -> NDArray[np.float64]:
    """Return how many floats lie between two arrays of one dtype, element by element.

    Zeros of both signs are 1 apart; NaN is infinitely far from everything.
    """
    bits = 8 * expected.dtype.itemsize
    signed, unsigned = np.dtype(f"i{bits // 8}"), np.dtype(f"u{bits // 8}")

    def order(values: NDArray[Any]) -> NDArray[Any]:
        """Return integers in the order of the floats."""
        pattern = np.array(values, expected.dtype, order="C").view(signed)
        return np.asarray(pattern ^ ((pattern >> (bits - 1)) & (2 ** (bits - 1) - 1)))

    one, other = order(expected), order(got)
    low, high = np.minimum(one, other), np.maximum(one, other)
    with np.errstate(over="ignore"):  # modulo 2^bits the difference is right
        distance = (high.view(unsigned) - low.view(unsigned)).astype(np.float64)
    return np.where(np.isnan(expected) | np.isnan(got), np.inf, distance)


def _array(expected: NDArray[Any], got: Any, bound: Bound | None) -> Judgement:
    if not isinstance(got, np.ndarray) and not (isinstance(got, np.generic) and not expected.ndim):
        return Judgement(f"expected an array, got {_kind(got)}")
    array = np.asarray(got)
    if array.dtype != expected.dtype:
        return Judgement(f"expected dtype {expected.dtype}, got {array.dtype}")
    if not array.dtype.isnative:
        return Judgement(f"expected native byte order, got {array.dtype.byteorder}")
    if array.shape != expected.shape:
        return Judgement(f"expected shape {expected.shape}, got {array.shape}")
    if not array.flags.c_contiguous:
        return Judgement("the result is not C-contiguous [S0.4]")
    if expected.size == 0:
        return Judgement()
    if expected.dtype.kind != "f":
        wrong = expected != array
        ulp = 0.0
    else:
        same = np.ascontiguousarray(expected).tobytes() == np.ascontiguousarray(array).tobytes()
        distance = np.zeros(expected.shape) if same else ulp_distance(expected, array)
        ulp = float(distance.max())
        wrong = distance > 0 if bound is None else _beyond(bound, array)
    if not wrong.any():
        return Judgement("", ulp)
    where = tuple(int(i) for i in np.argwhere(wrong)[0]) if expected.ndim else ()
    place = f" at {list(where)}" if where else ""
    return Judgement(
        f"{int(wrong.sum())} of {expected.size} differ: expected {_show(expected[where])}, "
        f"got {_show(array[where])}{place}",
        ulp,
    )


def _around(name: str, expected: NDArray[Any]) -> Bound:
    """Return the bound of an operation with a tolerance around what the definition returns."""
    allowed = float(np.finfo(expected.dtype).eps) * UNIT_EPS
    if name != "normalize":
        allowed = float(np.finfo(expected.dtype).eps) * GRADIENT_EPS * float(
            np.abs(expected).max(initial=0)
        )
    return Bound(expected, allowed)


def _beyond(bound: Bound, got: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a result leaves its operation's tolerance."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.abs(bound.exact - got.astype(bound.exact.dtype)) <= bound.allowed
        # What overflows the dtype is as near as it gets.
        return np.asarray(~(near | (bound.exact.astype(got.dtype) == got)))


def _integers(expected: list[int], got: Any) -> Judgement:
    if not isinstance(got, list | tuple):
        return Judgement(f"expected a list, got {_kind(got)}")
    for item in got:
        if isinstance(item, bool) or not isinstance(item, Integral):
            return Judgement(f"expected a list of integers, got {_kind(item)} in it")
    if list(got) != expected:
        return Judgement(f"expected {expected}, got {[int(item) for item in got]}")
    return Judgement()


def _number(expected: Any, got: Any) -> Judgement:
    kinds = {int: Integral, float: Real, Fraction: Rational}
    wanted = next(kind for python, kind in kinds.items() if type(expected) is python)
    inexact = isinstance(expected, float) and isinstance(got, Integral)
    if isinstance(got, bool) or inexact or not isinstance(got, wanted):
        return Judgement(f"expected {type(expected).__name__}, got {_kind(got)}")
    if isinstance(expected, float):
        one, other = np.array(expected), np.array(float(got))
        ulp = float(ulp_distance(one, other)) if one.tobytes() != other.tobytes() else 0.0
        if ulp:
            return Judgement(f"expected {_show(expected)}, got {_show(float(got))}", ulp)
    elif got != expected:
        return Judgement(f"expected {expected}, got {got}")
    return Judgement()


def _show(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{float(value)!r} ({float(value).hex()})"
    return str(value)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (None)"
    return f"{type(value).__module__}.{type(value).__name__}"
