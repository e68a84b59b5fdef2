"""Lines of cases and answers back to values; whatever is not one is refused, not guessed."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.lines import SCALAR, TYPES, NotALine, forms, typed
from msq_ref.conformance.vectors.encoding import float_text
from msq_ref.contract import Operation

__all__ = ["arguments_of", "read_answer"]

_DTYPES = {text: dtype for dtype, text in TYPES.items()}

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(
    r"[+-]?(0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(p[+-]?[0-9]{1,5})?|inf|infinity|nan)",
    re.IGNORECASE,
)


class _Words:
    """The words of a text, taken one after another."""

    def __init__(self, text: str) -> None:
        self._words = iter(text.split())

    def next(self) -> str:
        """Return the next word."""
        for word in self._words:
            return word
        raise NotALine("it ends too early")

    def integer(self) -> int:
        """Return the next word as an integer."""
        word = self.next()
        if not _INTEGER.fullmatch(word):
            raise NotALine(f"{word!r:.40}: expected an integer in decimal")
        return int(word)

    def real(self) -> float:
        """Return the next word as a float."""
        word = self.next()
        try:
            if _FLOAT.fullmatch(word):
                return float.fromhex(word)
        except (ValueError, OverflowError):  # no digits; beyond all doubles
            pass
        raise NotALine(f"{word!r:.40}: expected a float in hexadecimal, such as 0x1.8p-3")

    def count(self) -> int:
        """Return the next word as a length."""
        count = self.integer()
        if not 0 <= count <= 10**7:
            raise NotALine(f"{count}: expected a length")
        return count

    def shape(self) -> tuple[int, ...]:
        """Return a number of axes and their lengths."""
        axes = self.count()
        if axes > 8:
            raise NotALine(f"{axes}: expected at most 8 axes")
        shape = tuple(self.count() for _ in range(axes))
        if math.prod(shape) > 10**7:
            raise NotALine(f"{shape}: expected at most 10^7 elements")
        return shape

    def end(self) -> None:
        """Make sure that there is nothing more."""
        for word in self._words:
            raise NotALine(f"{word!r:.40}: expected nothing more")


def arguments_of(entry: Operation, text: str) -> dict[str, Any]:
    """Return the arguments of a line by name; `NotALine` if it is not one of the operation."""
    words = _Words(text)
    dtype = "float64"
    arguments: dict[str, Any] = {}
    if typed(entry):
        word = words.next()
        if word not in _DTYPES:
            raise NotALine(f"{word!r:.40}: expected f32 or f64")
        dtype = _DTYPES[word]
        if "dtype" in entry.optional:
            arguments["dtype"] = dtype
    for name, form, optional in forms(entry):
        if optional and not _flag(words):
            arguments[name] = None
            continue
        arguments[name] = _read(words, form, dtype, entry.name in SCALAR)
    words.end()
    return arguments


def _read(words: _Words, form: str, dtype: str, scalar: bool) -> Any:
    if form in ("floats", "integers", "signs"):
        shape = () if scalar else words.shape()
        kind = dtype if form == "floats" else "int64"
        return _array(words, kind, shape)
    if form in ("integer list", "real list", "reals"):
        read = words.integer if form == "integer list" else words.real
        return [read() for _ in range(words.count())]
    if form == "flag":
        return _flag(words)
    return words.integer() if form == "integer" else words.real()


def _flag(words: _Words) -> bool:
    value = words.integer()
    if value not in (0, 1):
        raise NotALine(f"{value}: expected 0 or 1")
    return value == 1


def _array(words: _Words, dtype: str, shape: tuple[int, ...]) -> Any:
    kind = np.dtype(dtype)
    count = math.prod(shape)
    if kind.kind == "f":
        values: list[Any] = [words.real() for _ in range(count)]
        with np.errstate(over="ignore"):
            array = np.array(values, kind)
        wrong = [v for v, w in zip(values, array.tolist(), strict=True) if v != w and v == v]
        if wrong:
            raise NotALine(f"{float_text(wrong[0])}: expected a {dtype}")
        return array.reshape(shape)
    values = [words.integer() for _ in range(count)]
    limits = np.iinfo(kind)
    for value in values:
        if not limits.min <= value <= limits.max:
            raise NotALine(f"{value}: expected an {dtype}")
    return np.array(values, kind).reshape(shape)


def read_answer(entry: Operation, text: str, like: Any) -> Any:
    """Return an answer as a value of the type of the right one; `NotALine` if it is none."""
    words = _Words(text)
    value = _read_answer(words, like, entry.name in SCALAR)
    words.end()
    return value


def _read_answer(words: _Words, like: Any, scalar: bool) -> Any:
    if isinstance(like, tuple):
        return tuple(_read_answer(words, item, scalar) for item in like)
    if isinstance(like, np.ndarray):
        return _array(words, like.dtype.name, () if scalar else words.shape())
    if isinstance(like, list):
        return [words.integer() for _ in range(words.count())]
    if isinstance(like, Fraction):
        numerator, denominator = words.integer(), words.integer()
        if denominator == 0:
            raise NotALine("a denominator of 0")
        return Fraction(numerator, denominator)
    return words.real() if isinstance(like, float) else words.integer()
