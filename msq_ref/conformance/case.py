"""A case: one call of one operation, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.conformance.layouts import FIRST
from msq_ref.contract import operation

__all__ = ["Case", "Raises", "Value", "case_of", "invalid_case", "paste"]


@dataclass(frozen=True)
class Value:
    """The call returns this, within the operation's exactness class."""

    value: Any


@dataclass(frozen=True)
class Raises:
    """The call is refused with one of these."""

    errors: tuple[type[Exception], ...] = (ValueError,)

    def __str__(self) -> str:
        """Return the names of the errors."""
        return " or ".join(error.__name__ for error in self.errors)


@dataclass(frozen=True)
class Case:
    """One call.

    Attributes
    ----------
    id : str
        Stable: the same seed and level give the same ids in the same order.
    operation : str
    required : tuple
        Passed by position.
    optional : mapping of str to value
        Passed by keyword.
    clauses : tuple of str
        What the case is about, the operation's own clauses if nothing narrower.
    expected : Value or Raises
    layout : str
        How array arguments lie in memory, see `msq_ref.conformance.layouts`; "plain" as they are.
    """

    id: str
    operation: str
    required: tuple[Any, ...]
    expected: Value | Raises
    optional: Mapping[str, Any] = field(default_factory=dict)
    clauses: tuple[str, ...] = ()
    layout: str = "plain"

    def of(self, *required: Any, **optional: Any) -> Case:
        """Return the case of another legal call of the operation."""
        value = getattr(reference, self.operation)(*required, **optional)
        return replace(self, required=required, optional=optional, expected=Value(value))


def case_of(
    id: str, name: str, *required: Any, clauses: tuple[str, ...] = (), layout: str = "plain",
    **optional: Any,
) -> Case:  # fmt: skip
    """Return a legal case; what it must return is what the definition returns."""
    value = getattr(reference, name)(*required, **optional)
    return Case(
        id, name, required, Value(value), optional, clauses or operation(name).clauses, layout
    )


def invalid_case(
    id: str, name: str, *required: Any, errors: tuple[type[Exception], ...] = (ValueError,),
    clauses: tuple[str, ...] = (), **optional: Any,
) -> Case:  # fmt: skip
    """Return a case that must be refused."""
    return Case(id, name, required, Raises(errors), optional, clauses or operation(name).clauses)


def paste(case: Case, module: str) -> str:
    """Return a line of Python that makes the call of a case on a backend.

    Parameters
    ----------
    case : Case
    module : str
        ``MODULE`` or ``MODULE:NAME``, as the command line takes it.
    """
    path, _, name = module.partition(":")
    target = f"{path}.{name}" if name else path
    named = [("", value) for value in case.required]
    named += [(f"{key}=", value) for key, value in case.optional.items()]
    arguments, layout = [], case.layout
    for key, value in named:
        laid = layout != "plain" and isinstance(value, np.ndarray)
        arguments.append(f"{key}lay({_literal(value)})" if laid else key + _literal(value))
        if laid and layout.endswith(FIRST):
            layout = "plain"
    call = f"{target}.{case.operation}({', '.join(arguments)})"
    lay = "" if case.layout == "plain" else (
        "from msq_ref.conformance.layouts import LAYOUTS; "
        f"lay = LAYOUTS[{case.layout.removesuffix(FIRST)!r}]; "
    )
    return f"import numpy as np, {path}; {lay}print(repr({call}))"


def _literal(value: Any) -> str:
    """Return Python text that gives a value back to the bit."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype}({_scalar(value, value.dtype)})"
    if isinstance(value, list | tuple):
        items = ", ".join(_literal(item) for item in value)
        closing = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"[{items}]" if isinstance(value, list) else f"({items}{closing})"
    if isinstance(value, float):
        return _scalar(value, np.dtype(np.float64))
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return f"np.{value!r}" if isinstance(value, np.dtype) else repr(value)


def _array(value: NDArray[Any]) -> str:
    flat = value.ravel()
    shape = "" if value.ndim == 1 else f".reshape({value.shape})"
    starts = _runs(flat)
    if 4 * len(starts) > flat.size:
        return f"np.array({_list(flat)}, {str(value.dtype)!r}){shape}"
    lengths = np.diff(starts, append=flat.size)
    values = f"np.array({_list(flat[starts])}, {str(value.dtype)!r})"
    return f"np.repeat({values}, {lengths.tolist()}){shape}"


def _runs(flat: NDArray[Any]) -> NDArray[np.intp]:
    """Return where runs of the same bits start: many an array is long only to be long."""
    if flat.size < 16:
        return np.arange(flat.size)
    rows = np.frombuffer(flat.tobytes(), np.uint8).reshape(flat.size, flat.itemsize)
    return np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]).any(axis=1)))


def _list(flat: NDArray[Any]) -> str:
    return "[" + ", ".join(_scalar(item, flat.dtype) for item in flat) + "]"


def _scalar(item: Any, dtype: np.dtype[Any]) -> str:
    if dtype.kind == "f":
        number = float(item)
        return f"float({str(number)!r})" if not np.isfinite(number) else repr(number)
    return repr(item.item() if isinstance(item, np.generic) else item)
