"""Operations that act element by element commute with flattening and cutting arrays [S0.4]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.definition import ARGUMENTS
from msq_ref.conformance.properties.property import PROPERTIES, Calls, Property
from msq_ref.conformance.properties.strategies import Scope
from msq_ref.contract import operation

__all__: list[str] = []

BY_ELEMENT = (
    "roundclamp", "dorefa", "dequantize", "effective", "effective_signed", "lsb", "lsb_l1_grad",
    "bit_planes", "activation_codes", "integer_weights", "requantize", "sgd_step",
)  # fmt: skip

Cut = Callable[[NDArray[Any]], NDArray[Any]]


def _commutes(name: str) -> Property:
    @st.composite
    def given(draw: Any, scope: Scope) -> tuple[Any, ...]:
        required, optional = ARGUMENTS[name](draw, scope)
        if name == "requantize":  # parameters for each channel would not fit the pieces
            required = (required[0], 2**30 + 12345, 40, 0, *required[4:])
        return required, optional

    def holds(call: Calls, required: Any, optional: Any) -> bool:
        shape, half = required[0].shape, required[0].size // 2

        def on(cut: Cut) -> list[NDArray[Any]]:
            def piece(value: Any) -> Any:
                return cut(value) if _is_array(value, shape) else value

            named = {key: piece(value) for key, value in optional.items()}
            got = call(name, *map(piece, required), **named)
            size = cut(required[0]).size
            return [_flat(name, part, size) for part in (got if type(got) is tuple else (got,))]

        whole, flat = on(np.array), on(np.ravel)
        head, tail = on(lambda x: x.ravel()[:half].copy()), on(lambda x: x.ravel()[half:].copy())
        joined = [np.concatenate(parts, axis=-1) for parts in zip(head, tail, strict=True)]
        return all(map(_same, whole, flat)) and all(map(_same, whole, joined))

    statement = "flattened, or cut in two, an array gives the same results"
    clauses = ("S0.4", *operation(name).clauses)
    return Property(name, "pieces", (), clauses, statement, given, holds)


def _is_array(value: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(value, np.ndarray) and value.shape == shape


def _flat(name: str, result: Any, size: int) -> NDArray[Any]:
    """Return a result with its elements in a row; that of ``bit_planes`` has an axis in front."""
    array = np.asarray(result)
    return array.reshape(len(array) if name == "bit_planes" else 1, size)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


PROPERTIES.extend(_commutes(name) for name in BY_ELEMENT)
