"""Legal arguments that are refused, and errors of the wrong type [S0.2], [S0.3], [S0.4]."""

from collections.abc import Callable
from typing import Any

import numpy as np

from msq_ref import reference
from msq_ref.contract import operation
from tests.mutants.registry import Call, add
from tests.mutants.samples import (
    ELEMENTWISE,
    OTHERS,
    REDUCTIONS,
    SAMPLES,
    SIGNED,
    Given,
    altered,
    arrays,
    call,
    names,
    with_channels,
    with_signs,
)


def _refusing(name: str, argument: str, refuses: Callable[[Any], bool]) -> Callable[..., Any]:
    def change(given: Given) -> None:
        if argument in given and refuses(given[argument]):
            raise TypeError(f"{argument} is of the wrong kind")

    return altered(name, change)


def _register(
    name: str, argument: str, slug: str, mistake: str, refuses: Callable[[Any], bool], given: Given
) -> None:
    wrong = _refusing(name, argument, refuses)
    add(name, f"refuses-{slug}-{argument}", f"{argument}: {mistake}", lambda: wrong,
        call(name, given))  # fmt: skip


def _dtype(value: Any, *dtypes: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype in [np.dtype(dtype) for dtype in dtypes]


def _numpy_integer(value: Any) -> bool:
    return isinstance(value, np.integer)


def _numpy_float(value: Any) -> bool:
    return isinstance(value, np.floating)


def _whole(value: Any) -> bool:
    return isinstance(value, int)


INTEGER_ARRAYS = ("codes", "filters", "matrix", "planes", "integers", "images", "accumulators")
INTEGER_NUMBERS = ("width", "signed width", "slice", "multiplier", "shift", "zero point", "size")
REAL_NUMBERS = ("scale", "real", "rate", "target", "thresholds")
LISTS = ("widths", "rates", "steps", "sizes", "sensitivities")
PLAIN = {"stride": 1, "padding": 0, "groups": 1}


def _kinds(name: str) -> list[tuple[str, str]]:
    entry = operation(name)
    return [(argument, entry.kind_of(argument).name) for argument in names(name)]


for _name, _given in SAMPLES.items():
    for _argument, _kind in _kinds(_name):
        _value = _given.get(_argument, PLAIN.get(_argument))
        if _kind in INTEGER_ARRAYS:
            for _type in (np.int64, np.uint8, np.int16):
                _wide = np.abs(_value).astype(_type) if _type is np.uint8 else _value.astype(_type)
                _register(_name, _argument, np.dtype(_type).name, f"{np.dtype(_type).name} refused",
                          lambda v, t=_type: _dtype(v, t), _given | {_argument: _wide})  # fmt: skip
        elif _kind in INTEGER_NUMBERS:
            _register(_name, _argument, "numpy", "a NumPy integer is refused", _numpy_integer,
                      _given | {_argument: np.int64(_value)})  # fmt: skip
        elif _kind in REAL_NUMBERS:
            _register(_name, _argument, "int", "a whole number is refused", _whole,
                      _given | {_argument: 1})  # fmt: skip
            _register(_name, _argument, "numpy", "a NumPy number is refused", _numpy_float,
                      _given | {_argument: np.float32(_value)})  # fmt: skip
        elif _kind in LISTS:
            _register(_name, _argument, "tuple", "a tuple is refused",
                      lambda v: isinstance(v, tuple),
                      _given | {_argument: tuple(_value)})  # fmt: skip
            _register(_name, _argument, "numpy", "NumPy numbers in a list are refused",
                      lambda v: isinstance(v, list) and any(isinstance(i, np.generic) for i in v),
                      _given | {_argument: list(np.array(_value))})  # fmt: skip
    _floats = [key for key in arrays(_given) if _given[key].dtype == np.float32]
    if _floats:
        _all = {key: _given[key].astype(np.float64) for key in _floats}
        _register(_name, _floats[0], "float64", "float64 is refused",
                  lambda v: _dtype(v, np.float64), _given | _all)  # fmt: skip
        _register(_name, _floats[0], "float32", "float32 is refused",
                  lambda v: _dtype(v, np.float32), _given)  # fmt: skip

for _name in (*SIGNED, "effective_signed"):
    _given = with_signs(_name) if _name in SIGNED else SAMPLES[_name]
    for _type in (np.int8, np.int64, np.float32, np.float64):
        _register(_name, "signs", np.dtype(_type).name, f"{np.dtype(_type).name} refused",
                  lambda v, t=_type: _dtype(v, t),
                  _given | {"signs": _given["signs"].astype(_type)})  # fmt: skip
for _argument in ("multiplier", "shift", "zero_point"):
    _channels = with_channels()
    _register("requantize", _argument, "array", "one per channel is refused",
              lambda v: np.ndim(v) == 1, _channels)  # fmt: skip


def _shape_refused(name: str, slug: str, mistake: str, witness: Call, refuses: Any) -> None:
    def change(given: Given) -> None:
        if any(refuses(given[key]) for key in arrays(given)[:1]):
            raise ValueError("unexpected shape")

    wrong = altered(name, change)
    add(name, f"refuses-{slug}", mistake, lambda: wrong, witness)


def _is_empty(array: np.ndarray) -> bool:
    return array.size == 0


for _name, _make in (ELEMENTWISE | REDUCTIONS).items():
    _never_empty = _name.startswith("normalize") or _name == "lsb_nonzero_rate"
    if not _never_empty:
        _shape_refused(_name, "empty", "empty arrays are refused", call(_name, _make((0,))),
                       _is_empty)  # fmt: skip
        _shape_refused(_name, "no-rows", "an empty array of two axes is refused",
                       call(_name, _make((0, 3))),
                       lambda a: _is_empty(a) and a.ndim > 1)  # fmt: skip
    if _name != "from_bit_planes":
        _shape_refused(_name, "0-d", "0-dimensional arrays are refused", call(_name, _make(())),
                       lambda a: a.ndim == 0)  # fmt: skip
    _shape_refused(_name, "many-axes", "more than 4 axes are refused",
                   call(_name, _make((1, 2, 1, 3, 2))), lambda a: a.ndim > 4)  # fmt: skip

for _name, _empty in {
    "integer_linear": {"x": np.zeros((0, 5), np.int32)},
    "bitserial_linear": {"x": np.zeros((0, 5), np.int32)},
    "integer_conv2d": {"x": np.zeros((0, 4, 5, 3), np.int32)},
}.items():
    _shape_refused(_name, "empty-batch", "an empty batch is refused",
                   call(_name, OTHERS[_name] | _empty), _is_empty)  # fmt: skip
for _name in ("integer_linear", "bitserial_linear"):
    _shape_refused(_name, "vector", "a single vector is refused",
                   call(_name, OTHERS[_name] | {"x": OTHERS[_name]["x"][0]}),
                   lambda a: a.ndim == 1)  # fmt: skip
    _shape_refused(_name, "three-axes", "more than one batch axis is refused",
                   call(_name, OTHERS[_name] | {"x": OTHERS[_name]["x"][None]}),
                   lambda a: a.ndim > 2)  # fmt: skip


def _raising(name: str, errors: dict[type, type]) -> Callable[..., Any]:
    """The definition, with other errors."""
    right = getattr(reference, name)

    def wrong(*required: Any, **optional: Any) -> Any:
        try:
            return right(*required, **optional)
        except tuple(errors) as error:
            raise errors[type(error)](str(error)) from None

    return wrong


def _bad_value(name: str) -> Given:
    """The sample with something of a legal type and an illegal value."""
    given = dict(SAMPLES[name])
    for key in ("bits", "scale", "weight_decay", "omegas", "planes", "trace"):
        if key in given:
            bad = {"bits": 17, "omegas": [], "planes": np.full((2, 3, 4), 2), "trace": float("nan")}
            given[key] = bad.get(key, -1.0)
            if key == "bits" and isinstance(SAMPLES[name]["bits"], list):
                given[key] = [17] * 3
            return given
    key = arrays(given)[-1]
    given[key] = np.full_like(given[key], np.nan)
    return given


for _name in SAMPLES:
    _witness = call(_name, _bad_value(_name))
    for _error in (RuntimeError, AssertionError, TypeError, IndexError):
        add(_name, f"raises-{_error.__name__}", f"{_error.__name__} where ValueError is due",
            lambda n=_name, e=_error: _raising(n, {ValueError: e}), _witness)  # fmt: skip
    _arrays = arrays(SAMPLES[_name])
    if _arrays:
        _complex = SAMPLES[_name] | {_arrays[0]: SAMPLES[_name][_arrays[0]].astype(np.complex64)}
        # Of integer arrays the spec says ValueError in one clause and TypeError in another.
        _floats = SAMPLES[_name][_arrays[0]].dtype.kind == "f"
        for _error in (RuntimeError, ValueError) if _floats else (RuntimeError,):
            add(_name, f"raises-{_error.__name__}-for-dtype",
                f"{_error.__name__} where TypeError is due",
                lambda n=_name, e=_error: _raising(n, {TypeError: e}),
                call(_name, _complex))  # fmt: skip


def _float_width(name: str, argument: str) -> Callable[..., Any]:
    def change(given: Given) -> None:
        if isinstance(given.get(argument), float):
            raise TypeError(f"{argument} must be an integer")

    return altered(name, change)


for _name, _given in SAMPLES.items():
    for _argument, _kind in _kinds(_name):
        if _kind in ("width", "signed width", "slice"):
            _witness = call(_name, _given | {_argument: float(_given[_argument])})
            add(_name, f"raises-TypeError-for-float-{_argument}",
                f"{_argument}: TypeError for a float, where ValueError is due",
                lambda n=_name, a=_argument: _float_width(n, a), _witness)  # fmt: skip
