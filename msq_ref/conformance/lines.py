"""A case as a line of text that scanf, strtol and strtod read.

Integers in decimal, floats in hexadecimal, fields with single spaces between. What the format of
each operation is, `line_format` says and ``docs/pipes.md`` explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.encoding import float_text
from msq_ref.contract import Operation

__all__ = ["SCALAR", "TYPES", "NotALine", "answer_text", "case_text", "elements", "forms",
           "line_format", "typed"]  # fmt: skip

SCALAR = frozenset(
    (
        "roundclamp", "dorefa", "dequantize", "effective", "effective_signed", "lsb", "lsb_l1_grad",
        "activation_codes", "integer_weights", "requantize", "sgd_step",
    )
)  # fmt: skip
"""Operations that take one element after another: one element a line, arrays as single numbers."""

_FORMS = {
    "floats": ("unit", "weights", "floats", "gradient"),
    "integers": ("codes", "filters", "matrix", "planes", "integers", "images", "accumulators",
                 "multiplier", "shift", "zero point"),
    "signs": ("signs",),
    "integer": ("width", "signed width", "slice", "size"),
    "flag": ("flag",),
    "dtype": ("dtype",),
    "real": ("scale", "real", "rate", "target"),
    "integer list": ("widths", "steps", "sizes"),
    "real list": ("rates", "sensitivities"),
    "reals": ("thresholds",),
}  # fmt: skip
_FORM_OF = {kind: form for form, kinds in _FORMS.items() for kind in kinds}

TYPES = {"float32": "f32", "float64": "f64"}
"""The first word of a line by dtype."""

_INT64 = range(-(2**63), 2**63)


class NotALine(ValueError):
    """A value that has no text, or a text that is no value."""


def forms(entry: Operation) -> list[tuple[str, str, bool]]:
    """Return name, form and whether it may be missing, in the order of the line."""
    found = [
        (name, _FORM_OF[entry.kind_of(name).name], entry.optional.get(name) == "None")
        for name in (*entry.required, *entry.optional)
    ]
    return [item for item in found if item[1] != "dtype"]


def typed(entry: Operation) -> bool:
    """Tell whether lines of an operation start with a float type."""
    found = [_FORM_OF[entry.kind_of(name).name] for name in (*entry.required, *entry.optional)]
    return "floats" in found or "dtype" in found


def line_format(entry: Operation) -> str:
    """Return how a line of an operation looks: ``f32|f64 u bits`` and so on.

    ``[x]`` stands for an array: the number of axes, their lengths, the elements in C order;
    ``(x)`` for a list: its length, then the entries; ``?x`` for 0, or 1 and then x.
    """
    parts = ["f32|f64"] if typed(entry) else []
    for name, form, optional in forms(entry):
        shown = name
        if form in ("floats", "integers", "signs") and entry.name not in SCALAR:
            shown = f"[{name}]"
        elif form in ("integer list", "real list", "reals"):
            shown = f"({name})"
        parts.append(f"?{shown}" if optional else shown)
    return " ".join(parts)


def case_text(entry: Operation, arguments: Mapping[str, Any]) -> str:
    """Return the line of a call, without an answer; `NotALine` if it has none.

    Parameters
    ----------
    entry : Operation
    arguments : mapping of str to value
        All of them by name, the optional ones too; arrays of operations in `SCALAR` without axes.
    """
    words = [TYPES[_dtype(entry, arguments)]] if typed(entry) else []
    for name, form, optional in forms(entry):
        value = arguments[name]
        if optional:
            words.append("0" if value is None else "1")
            if value is None:
                continue
        if form == "reals":
            value = value if isinstance(value, list) else [value] * len(arguments["bits"])
        words += _words(form, value, entry.name in SCALAR)
    return " ".join(words)


def _dtype(entry: Operation, arguments: Mapping[str, Any]) -> str:
    found = set()
    for name, value in arguments.items():
        form = _FORM_OF[entry.kind_of(name).name]
        if form == "floats":
            found.add(np.asarray(value).dtype.name)
        elif form == "dtype":
            found.add(value if isinstance(value, str) else getattr(value, "__name__", str(value)))
    if len(found) != 1 or not found <= set(TYPES):
        raise NotALine(f"dtypes {', '.join(sorted(found))}: expected float32 or float64")
    return found.pop()


def _words(form: str, value: Any, scalar: bool) -> list[str]:
    if form in ("floats", "integers", "signs"):
        array = np.asarray(value)
        if scalar and array.ndim:
            raise NotALine(f"shape {array.shape}: expected a single number")
        head = [] if scalar else [str(array.ndim), *map(str, array.shape)]
        write = {"floats": _real, "integers": _integer, "signs": _sign}[form]
        return head + [write(item) for item in array.ravel().tolist()]
    if form.endswith("list") or form == "reals":
        if not isinstance(value, list | tuple):
            raise NotALine(f"{value!r}: expected a list")
        write = _integer if form.startswith("integer") else _real
        return [str(len(value)), *(write(item) for item in value)]
    if form == "flag":
        if not isinstance(value, bool | np.bool_):
            raise NotALine(f"{value!r}: expected True or False")
        return [str(int(value))]
    return [_integer(value) if form == "integer" else _real(value)]


def _integer(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise NotALine(f"{value!r}: expected an integer")
    if int(value) not in _INT64:
        raise NotALine(f"{value}: expected an integer of 64 bits")
    return str(int(value))


def _sign(value: Any) -> str:
    """Write a sign, an integer or a float; that of a negative zero has no text."""
    if isinstance(value, float) and value in (-1, 0, 1) and str(value) != "-0.0":
        return str(int(value))
    return _integer(value)


def _real(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise NotALine(f"{value!r}: expected a real number")
    try:
        number = float(value)
    except OverflowError:
        raise NotALine(f"{value!r}: expected a double") from None
    if number != value and not math.isnan(number):
        raise NotALine(f"{value!r}: expected a double")
    return float_text(number)


def answer_text(entry: Operation, value: Any) -> str:
    """Return the answer of a call of an operation as text."""
    return " ".join(_answer_words(value, entry.name in SCALAR))


def _answer_words(value: Any, scalar: bool) -> list[str]:
    if isinstance(value, tuple):
        return [word for item in value for word in _answer_words(item, scalar)]
    if isinstance(value, np.ndarray):
        write = float_text if value.dtype.kind == "f" else _integer
        head = [] if scalar else [str(value.ndim), *map(str, value.shape)]
        return head + [write(item) for item in value.ravel().tolist()]
    if isinstance(value, list):
        return [str(len(value)), *(_integer(item) for item in value)]
    if isinstance(value, Fraction):
        return [_integer(value.numerator), _integer(value.denominator)]
    return [float_text(value) if isinstance(value, float) else _integer(value)]


def elements(
    arguments: Mapping[str, Any], entry: Operation, choose: Callable[[int], Iterable[int]]
) -> Iterator[dict[str, Any]]:
    """Yield calls on single elements of those that a call on arrays stands for.

    Parameters
    ----------
    arguments : mapping of str to value
        Arrays of one shape; those per channel go with the last axis, as in `requantize`.
    entry : Operation
    choose : callable
        From the number of elements to the indices wanted.
    """
    arrays = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    shapes = {value.shape for name, value in arrays.items() if not _per_channel(entry, name)}
    if len(shapes) != 1:
        return
    shape = shapes.pop()
    try:
        spread = {name: np.broadcast_to(value, shape) for name, value in arrays.items()}
    except ValueError:
        return
    for index in choose(math.prod(shape)):
        where = np.unravel_index(index, shape)
        yield {**arguments, **{name: np.asarray(value[where]) for name, value in spread.items()}}


def _per_channel(entry: Operation, name: str) -> bool:
    return entry.kind_of(name).name in ("multiplier", "shift", "zero point")
