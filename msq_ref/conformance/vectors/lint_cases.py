"""Whether a single vector is right, by the definition and by rational arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.conformance.judge import judge
from msq_ref.conformance.vectors.encoding import Store, encode
from msq_ref.conformance.vectors.exact import Answer, exactly
from msq_ref.conformance.vectors.exact.ieee import epsilon
from msq_ref.conformance.vectors.exact.normalizing import tanh
from msq_ref.conformance.vectors.flags import seen
from msq_ref.conformance.vectors.folder import Vector, vector_of
from msq_ref.contract import Operation

__all__ = ["lint_case"]


def lint_case(
    entry: Operation, case: Mapping[str, Any], arrays: dict[str, NDArray[Any]]
) -> Iterator[str]:
    """Yield what is wrong with a case of an operation.

    Parameters
    ----------
    entry : Operation
    case : mapping
        As in the file, valid by the schema.
    arrays : dict of str to ndarray
        What lies beside the file.
    """
    try:
        vector = vector_of(case, arrays)
    except ValueError as error:
        yield str(error)
        return
    known = [*entry.required, *entry.optional]
    missing = [name for name in entry.required if name not in vector.arguments]
    unknown = [name for name in vector.arguments if name not in known]
    if missing or unknown:
        yield f"arguments: missing {missing}, unknown {unknown}"
        return
    if vector.errors:
        yield from _illegal(entry, vector)
    else:
        yield from _legal(entry, vector, case)


def _illegal(entry: Operation, vector: Vector) -> Iterator[str]:
    try:
        value = _call(entry, vector)
    except (TypeError, ValueError) as error:
        if type(error).__name__ not in vector.errors:
            yield f"the definition raises {type(error).__name__}, not {' or '.join(vector.errors)}"
    else:
        yield f"the definition does not refuse it, it returns {value!r:.80}"


def _legal(entry: Operation, vector: Vector, case: Mapping[str, Any]) -> Iterator[str]:
    try:
        value = _call(entry, vector)
    except (TypeError, ValueError) as error:
        yield f"the definition refuses it: {error}"
        return
    judgement = judge(entry.name, vector.expected, value)
    if judgement.fault:
        yield f"the definition disagrees: {judgement.fault}"
    answer = exactly(entry.name, vector.arguments)
    if not _same(answer.value, vector.expected):
        yield f"expected: rational arithmetic gives {encode(answer.value, Store())!r:.200}"
    if list(answer.intermediates) != list(vector.intermediates) and set(
        answer.intermediates
    ) != set(vector.intermediates):
        yield f"intermediates: expected {sorted(answer.intermediates)}"
    else:
        for name, wanted in answer.intermediates.items():
            if not _same(wanted, vector.intermediates[name]):
                yield f"intermediates: {name} is not {encode(wanted, Store())!r:.200}"
    shown = answer.flags | seen([*vector.arguments.values(), answer.value])
    if shown - set(case["flags"]):
        yield f"flags: {', '.join(sorted(shown - set(case['flags'])))} not set"
    if entry.name.endswith("_backward"):
        yield from _ill_posed(entry.name, vector, answer)


def _ill_posed(name: str, vector: Vector, answer: Answer) -> Iterator[str]:
    """Gradients are asked for only where every implementation can be right [S1.3]."""
    w, grad = vector.arguments["w"], vector.arguments["grad_u"]
    eps = epsilon(w.dtype.name)
    magnitudes = np.abs(w).ravel().tolist()
    largest = max(magnitudes)
    through = tanh if name == "normalize_backward" else abs
    top = through(largest)
    for value in magnitudes:
        if value != largest and top - through(value) < 64 * eps * top:
            yield f"a maximum of {largest} and a magnitude of {value}: no tie and no clear gap"
    result = float(np.abs(answer.value).max(initial=0.0))
    if largest and np.abs(grad).max() and result < 1e-3 * float(np.abs(grad).max()):
        yield "the gradient cancels: its largest is under a thousandth of what came in"


def _call(entry: Operation, vector: Vector) -> Any:
    arguments = dict(vector.arguments)
    required = [arguments.pop(name) for name in entry.required]
    return getattr(reference, entry.name)(*required, **arguments)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to the bit, types, dtypes and shapes included."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    same = type(one) is type(other)
    return same and bool(encode(one, Store()) == encode(other, Store()))
