"""What is illegal about an argument, and what a lenient implementation takes it for [S0.2], [S0.3].

`LENIENT` has rows by kind of argument: name, mistake, an argument made illegal, and one that is
illegal in this way made legal. Long, for it is one table.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.mutants.samples import (
    Given,
)

Take = Callable[[Any, Given], Any]
NAN, INF = float("nan"), float("inf")


def _put(value: float) -> Callable[[np.ndarray, Given], np.ndarray]:
    """Put a value at the last place of an array."""

    def illegal(array: np.ndarray, given: Given) -> np.ndarray:
        array = array.copy()
        array.flat[-1] = value
        return array

    return illegal


def _mapped(where: Callable[[Any], Any], value: float) -> Take:
    def take(array: Any, given: Given) -> Any:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            return array
        with np.errstate(invalid="ignore"):
            return np.where(where(array), array.dtype.type(value), array)

    return take


def _cast(kinds: str, dtype: Any, sizes: tuple[int, ...] = (1, 2, 4, 8, 16)) -> Take:
    def take(array: Any, given: Given) -> Any:
        fits = isinstance(array, np.ndarray) and array.dtype.kind in kinds
        return array.astype(dtype) if fits and array.dtype.itemsize in sizes else array

    return take


def _promoted(kinds: str, dtype: Any, sizes: tuple[int, ...] = (1, 2, 4, 8, 16)) -> Take:
    """Cast to the float dtype of the other arrays, to `dtype` if there are none."""

    def take(array: Any, given: Given) -> Any:
        found = [value.dtype for value in given.values() if _is(value, np.ndarray)]
        others = [kind for kind in found if kind.kind == "f" and kind.itemsize in (4, 8)]
        return _cast(kinds, others[0] if others else dtype, sizes)(array, given)

    return take


def _from(dtype: Any) -> Take:
    return lambda array, given: array.astype(dtype)


Row = tuple[str, str, Take, Take]

FLOATS: list[Row] = [
    ("nan", "NaN counts as 0", _put(NAN), _mapped(np.isnan, 0)),
    ("infinity", "infinity counts as 1", _put(INF), _mapped(lambda a: a == INF, 1)),
    ("minus-infinity", "minus infinity counts as 0", _put(-INF), _mapped(lambda a: a == -INF, 0)),
    ("integers", "integers are promoted to float", _from(np.int64), _promoted("iu", np.float64)),
    ("booleans", "booleans are promoted to float", _from(bool), _promoted("b", np.float32)),
    ("float16", "float16 is promoted to float32", _from(np.float16),
     _promoted("f", np.float32, (2,))),
    *([("long-double", "long double is cut to float64", _from(np.longdouble),
        _promoted("f", np.float64, (12, 16)))] if np.longdouble().itemsize > 8 else []),
    ("complex", "complex numbers lose their imaginary part", _from(np.complex64),
     lambda a, given: a.real.copy() if np.iscomplexobj(a) else a),
]  # fmt: skip

UNIT: list[Row] = [
    *FLOATS,
    ("above-one", "one ulp above 1 counts as 1", lambda a, given: _put(np.nextafter(
        a.dtype.type(1), a.dtype.type(2)))(a, given), _mapped(lambda a: (a > 1) & (a < 1.001), 1)),
    ("below-zero", "a little below 0 counts as 0", _put(-1e-7),
     _mapped(lambda a: (a < 0) & (a > -1e-3), 0)),
    ("clipped", "clipped to [0, 1]", _put(1.5), lambda a, given: np.clip(a, 0, 1)),
]  # fmt: skip


def _model(given: Given) -> np.ndarray:
    """The array whose shape and dtype others must have."""
    return next(given[key] for key in ("w", "quantized") if key in given)


LIKE: list[Row] = [
    *FLOATS,
    ("other-dtype", "another float dtype is cast", _from(np.float64),
     lambda a, given: a.astype(_model(given).dtype) if a.dtype.kind == "f" else a),
    ("broadcast", "broadcast to the shape of the other array", lambda a, given: a[:1].copy(),
     lambda a, given: np.array(np.broadcast_to(a, _model(given).shape))
     if a.ndim == _model(given).ndim and len(a) == 1 else a),
    ("reshaped", "the same size in another shape", lambda a, given: a.reshape(-1),
     lambda a, given: a.reshape(_model(given).shape) if a.size == _model(given).size else a),
]  # fmt: skip


def _is(value: Any, *types: type) -> bool:
    return isinstance(value, types)


def number(illegal: float, where: Callable[[Any], bool], taken_for: Any) -> tuple[Take, Take]:
    """Take some illegal numbers for a legal one; `illegal` is one of them."""

    def take(value: Any, given: Given) -> Any:
        number = _is(value, int, float, np.number) and not _is(value, bool, complex)
        if not number or not where(value):
            return value
        return taken_for(value) if callable(taken_for) else taken_for

    return lambda value, given: illegal, take


def fewest(given: Given) -> int:
    """Shrink the other arguments to the least width that is legal, and return that."""
    for key in ("codes", "u"):
        if _is(given.get(key), np.ndarray):
            given[key] = given[key] * 0
    given.update({key: least for key, least in (("k", 1), ("zero_point", 0)) if key in given})
    return 2 if "k" in given else 1


def _few_bits(wanted: Any) -> tuple[Take, Take]:
    def take(value: Any, given: Given) -> Any:
        return fewest(given) if type(value) is type(wanted) and value == wanted else value

    return lambda value, given: wanted, take


INTEGRAL: list[Row] = [
    ("float", "a float that is whole is taken", lambda v, given: float(v),
     lambda v, given: int(v) if _is(v, float) and v == v // 1 else v),
    ("numpy-float", "a NumPy float that is whole is taken", lambda v, given: np.float32(v),
     lambda v, given: int(v) if _is(v, np.floating) and v == v // 1 else v),
    ("text", "text is taken", lambda v, given: str(v),
     lambda v, given: int(v) if _is(v, str) and v.isdigit() else v),
]  # fmt: skip

WIDTH: list[Row] = [
    *INTEGRAL,
    ("0", "0 bits are taken", *_few_bits(0)),
    ("17", "17 bits are taken", *number(17, lambda v: v == 17, 16)),
    ("32", "any larger width is taken", *number(32, lambda v: v > 16, 16)),
    ("negative", "-1 bits are taken", *_few_bits(-1)),
    ("true", "True is taken for 1", *_few_bits(True)),
]  # fmt: skip


def _no_slice(value: Any, given: Given) -> Any:
    if _is(value, int) and not _is(value, bool) and value == 0:
        given["u"] = given["u"] * 0
        return 1
    return value


def _whole_slice(value: Any, given: Given) -> Any:
    if _is(value, int) and not _is(value, bool) and value == given["bits"] and value > 1:
        return value - 1
    return value


SLICE: list[Row] = [
    *INTEGRAL,
    ("0", "k = 0 is taken: nothing sliced off", lambda v, given: 0, _no_slice),
    ("all", "k = n is taken", lambda v, given: given["bits"], _whole_slice),
    ("negative", "the sign of k is dropped", *number(-1, lambda v: v < 0, abs)),
    ("true", "True is taken for 1", lambda v, given: True, lambda v, given: 1 if v is True else v),
]  # fmt: skip

REAL: list[Row] = [
    ("nan", "NaN is taken for 0.5", *number(NAN, lambda v: v != v, 0.5)),
    ("text", "text is taken", lambda v, given: "0.5",
     lambda v, given: float(v) if _is(v, str) and v.replace(".", "").isdigit() else v),
    ("complex", "complex numbers lose their imaginary part", lambda v, given: complex(v),
     lambda v, given: v.real if _is(v, complex) else v),
]  # fmt: skip
FINITE: list[Row] = [
    *REAL,
    ("infinity", "infinity is taken for a large number", *number(INF, lambda v: v == INF, 1e30)),
]
NEGATIVE: Row = ("negative", "the sign is dropped", *number(-0.5, lambda v: v < 0, abs))
SCALE: list[Row] = [
    *FINITE,
    NEGATIVE,
    ("0", "0 is taken for 1", *number(0.0, lambda v: v == 0, 1.0)),
    (
        "overflowing",
        "infinite in float32 and taken for 1",
        *number(1e39, lambda v: INF > v > 3.5e38, 1.0),
    ),
    ("underflowing", "0 in float32 and taken for 1", *number(1e-60, lambda v: 0 < v < 7e-46, 1.0)),
]
INTEGERS: list[Row] = [
    ("floats", "floats are cut to integers", _from(np.float64), _cast("f", np.int64)),
    ("booleans", "booleans are taken for 0 and 1", lambda a, given: a > 0, _cast("b", np.int64)),
]


def _top(given: Given) -> int:
    return 2 ** (given["bits"] - ("signs" in given)) - 1


def _within(name: str) -> Take:
    def take(array: Any, given: Given) -> Any:
        bits = given.get("bits")
        fits = _is(array, np.ndarray) and array.dtype.kind in "iu" and type(bits) is int
        if not fits or not 0 < bits <= 16 or given.get("signed"):
            return array
        low = array < 0
        if name == "wrapped":
            return array % (_top(given) + 1)
        return np.where(low, 0, array) if name == "below" else np.where(low, array, np.minimum(
            array, _top(given)))  # fmt: skip

    return take


CODES: list[Row] = [
    *INTEGERS,
    ("above", "codes of 2^n and more are clamped",
     lambda a, given: _put(_top(given) + 1)(a, given), _within("above")),
    ("below", "codes below 0 are clamped", _put(-1), _within("below")),
    ("wrapped", "codes are masked to their width",
     lambda a, given: _put(_top(given) + 2)(a, given), _within("wrapped")),
]  # fmt: skip


def too_long(array: Any, given: Given) -> Any:
    return np.concatenate([array, array[..., -1:]], axis=-1)


def cut_to(axis: int, length: Callable[[Given], int]) -> Take:
    def take(array: Any, given: Given) -> Any:
        try:
            wanted = length(given)
        except (IndexError, AttributeError, TypeError):
            return array
        if _is(array, np.ndarray) and array.ndim and array.shape[axis] == wanted + 1:
            return array[..., :wanted] if axis == -1 else array[:wanted]
        return array

    return take


PLANES: list[Row] = [
    *INTEGERS,
    ("two", "2 counts as 1", lambda a, given: _put(2)(a, given), _mapped(lambda a: a == 2, 1)),
    ("minus-one", "-1 counts as 1", lambda a, given: _put(-1)(a.astype(np.int32), given),
     _mapped(lambda a: a == -1, 1)),
    ("seventeen", "planes above 16 are left out", lambda a, given: np.concatenate([a] * 6)[:17],
     lambda a, given: a[:16] if a.ndim else a),
    ("none", "no planes give 0", lambda a, given: a[:0],
     lambda a, given: np.zeros((1, *a.shape[1:]), a.dtype) if a.ndim and len(a) == 0 else a),
]  # fmt: skip
SIGNS: list[Row] = [
    ("two", "2 counts as 1", _put(2), _mapped(lambda a: a == 2, 1)),
    ("half", "0.5 counts as 1", lambda a, given: _put(0.5)(a.astype(float), given),
     _mapped(lambda a: a == 0.5, 1)),
    ("nan", "NaN counts as 0", lambda a, given: _put(NAN)(a.astype(float), given),
     _mapped(np.isnan, 0)),
    ("unsigned", "unsigned signs are taken", lambda a, given: abs(a).astype(np.uint8),
     _cast("u", np.int8)),
    ("booleans", "True is taken for 1", lambda a, given: a > 0, _cast("b", np.int8)),
    ("broadcast", "broadcast to the shape of the codes", lambda a, given: a[:1].copy(),
     lambda a, given: np.array(np.broadcast_to(a, _first(given).shape))
     if _is(a, np.ndarray) and a.ndim == _first(given).ndim and len(a) == 1 else a),
    ("scalar", "one sign for all", lambda a, given: np.int32(1),
     lambda a, given: np.full(_first(given).shape, a) if a is not None and not np.ndim(a) else a),
]  # fmt: skip


def _first(given: Given) -> np.ndarray:
    return np.asarray(given["q"] if "q" in given else given["codes"])


SIZE: list[Row] = [
    *INTEGRAL,
    ("true", "True is taken for 1", lambda v, given: True, lambda v, given: 1 if v is True else v),
]
ACCUMULATORS: list[Row] = [
    *INTEGERS,
    ("above", "2^31 is taken for 2^31 - 1", lambda a, given: _put(2**31)(a.astype(np.int64), given),
     _mapped(lambda a: a == 2**31, 2**31 - 1)),
    ("below", "-2^31 is taken for -2^31 + 1",
     lambda a, given: _put(-(2**31))(a.astype(np.int64), given),
     _mapped(lambda a: a == -(2**31), -(2**31) + 1)),
]  # fmt: skip
ONE_CHANNEL: Row = (
    "broadcast", "an array of 1 is taken for all channels", lambda v, given: np.array([v]),
    lambda v, given: int(np.ravel(v)[0])
    if np.shape(v) == (1,) and np.shape(given["acc"])[-1:] != (1,) else v,
)  # fmt: skip


def _output_range(given: Given) -> tuple[int, int]:
    n = given["bits"] if type(given["bits"]) is int and 1 <= given["bits"] <= 16 else 8
    return (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if given["signed"] else (0, 2**n - 1)


MULTIPLIER: list[Row] = [
    *INTEGRAL[:2],
    ONE_CHANNEL,
    ("above", "2^31 is taken for 2^31 - 1", *number(2**31, lambda v: v == 2**31, 2**31 - 1)),
    (
        "below",
        "2^30 - 1 is taken, not normalized",
        *number(2**30 - 1, lambda v: 0 < v < 2**30, 2**30),
    ),
    ("negative", "the sign is dropped", *number(-(2**30), lambda v: v < 0, abs)),
]
SHIFT: list[Row] = [
    *INTEGRAL[:2],
    ONE_CHANNEL,
    ("0", "shift 0 is taken", *number(0, lambda v: v == 0, 1)),
    ("63", "shift 63 is taken", *number(63, lambda v: v == 63, 62)),
    ("negative", "a left shift is taken", *number(-1, lambda v: v < 0, abs)),
]
ZERO_POINT: list[Row] = [
    *INTEGRAL[:2],
    ONE_CHANNEL,
    ("above", "a zero point above the range is clamped",
     lambda v, given: _output_range(given)[1] + 1,
     lambda v, given: min(v, _output_range(given)[1]) if type(v) is int else v),
    ("below", "a zero point below the range is clamped",
     lambda v, given: _output_range(given)[0] - 1,
     lambda v, given: max(v, _output_range(given)[0]) if type(v) is int else v),
]  # fmt: skip


def one_entry(rows: list[Row]) -> list[Row]:
    """The same for one entry of a list."""

    def of(row: Row) -> Row:
        slug, mistake, illegal, take = row
        return (
            slug, mistake, lambda v, given: [*v[:-1], illegal(v[-1], given)],
            lambda v, given: [take(item, given) for item in v] if _is(v, list, tuple) else v,
        )  # fmt: skip

    return [of(row) for row in rows]


def _layers(given: Given) -> int:
    return min(len(given[key]) for key in ("bits", "sizes", "betas") if key in given)


LENGTH: list[Row] = [
    ("too-long", "an entry too many is left out", lambda v, given: [*v, v[-1]],
     lambda v, given: list(v)[: _layers(given)] if _is(v, list, tuple) else v),
]  # fmt: skip
PLAIN_INTEGER: list[Row] = [
    *INTEGRAL,
    ("negative", "-1 is taken for 0", *number(-1, lambda v: v < 0, 0)),
    ("true", "True is taken for 1", lambda v, given: True, lambda v, given: 1 if v is True else v),
]
RATE: list[Row] = [*FINITE, NEGATIVE]

LENIENT: dict[str, list[Row]] = {
    "unit": UNIT,
    "weights": FLOATS,
    "floats": FLOATS,
    "gradient": LIKE,
    "width": WIDTH,
    "signed width": WIDTH,
    "slice": SLICE,
    "scale": SCALE,
    "real": FINITE,
    "rate": RATE,
    "target": [*REAL, NEGATIVE, ("0", "0 is taken for 1", *number(0.0, lambda v: v == 0, 1.0))],
    "codes": CODES,
    "filters": CODES,
    "matrix": CODES,
    "planes": PLANES,
    "signs": SIGNS,
    "integers": INTEGERS,
    "images": INTEGERS,
    "size": SIZE,
    "accumulators": ACCUMULATORS,
    "multiplier": MULTIPLIER,
    "shift": SHIFT,
    "zero point": ZERO_POINT,
    "widths": one_entry([*INTEGRAL, *WIDTH[4:5],
                      ("0", "0 bits are taken", *number(0, lambda v: v == 0, 1)),
                      ("true", "True is taken for 1", lambda v, given: True,
                       lambda v, given: 1 if v is True else v)]) + LENGTH,
    "rates": one_entry([*REAL, ("infinity", "infinity is taken for 1",
                               *number(INF, lambda v: v == INF, 1.0)),
                     ("negative", "a little below 0 is taken",
                      *number(-1e-9, lambda v: -1e-3 < v < 0, 0.0)),
                     ("above-one", "a little above 1 is taken",
                      *number(1 + 1e-9, lambda v: 1 < v < 1.001, 1.0))]) + LENGTH,
    "steps": one_entry(PLAIN_INTEGER) + LENGTH,
    "sizes": one_entry(PLAIN_INTEGER) + LENGTH,
    "thresholds": FINITE,
    "sensitivities": one_entry(FINITE),
}  # fmt: skip
