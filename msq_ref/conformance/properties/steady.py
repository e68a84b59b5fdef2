"""Results depend on the arguments alone: on no earlier call, and on no number of threads [S0.5]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from msq_ref import reference
from msq_ref.conformance.cases.examples import OF_FLOATS, example
from msq_ref.conformance.cases.plan import BIG
from msq_ref.conformance.judge import judge
from msq_ref.conformance.properties.definition import ARGUMENTS
from msq_ref.conformance.properties.property import PROPERTIES, Calls, Property
from msq_ref.conformance.properties.strategies import Scope
from msq_ref.conformance.wide import bound_of
from msq_ref.contract import OPERATIONS

__all__: list[str] = []

THREADED = (
    "normalize", "normalize_signed", "normalize_backward", "normalize_signed_backward", "lsb_l1",
    "lsb_l1_codes", "lsb_nonzero_rate", "sensitivity", "integer_linear", "bitserial_linear",
)  # fmt: skip
"""Operations that look at a whole array at once."""


def _remembers_nothing(name: str, clauses: tuple[str, ...]) -> Property:
    @st.composite
    def given(draw: Any, scope: Scope) -> tuple[Any, ...]:
        return ARGUMENTS[name](draw, scope)

    def holds(call: Calls, required: Any, optional: Any) -> bool:
        given = tuple(_own(value) for value in required)
        for _ in range(2):
            for _ in range(2):
                got = call(name, *given, same_objects=True, **optional)
                expected = getattr(reference, name)(*given, **optional)
                if judge(name, expected, got, bound_of(name, given, optional)).fault:
                    return False
            if isinstance(given[0], list | np.ndarray):
                _reverse(given[0])
                continue
            for value in given:
                if isinstance(value, np.ndarray):
                    _reverse(value)
                    break
        return True

    statement = "called again, also after a change of the same array, the result is right"
    return Property(name, "called-again", (), ("S0.4", *clauses), statement, given, holds, 4)


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, list | np.ndarray) else value


def _reverse(value: Any) -> None:
    if isinstance(value, list):
        value.reverse()
    else:
        value[...] = value.ravel()[::-1].reshape(value.shape)


def _one_thread(name: str, clauses: tuple[str, ...]) -> Property:
    def given(_scope: Scope) -> st.SearchStrategy[tuple[Any, ...]]:
        return st.just(())

    def holds(call: Calls) -> bool:
        shape = (BIG,) if name in OF_FLOATS else (300, 500)
        rng, dtype = np.random.default_rng(0), np.float32 if name in OF_FLOATS else np.int32
        arguments = example(name, rng, shape, dtype)
        assert arguments is not None, name
        required, optional = arguments
        expected = getattr(reference, name)(*required, **optional)
        bound = bound_of(name, required, optional)
        with threadpool_limits(1):
            alone = call(name, *required, **optional)
        together = call(name, *required, **optional)
        return not any(judge(name, expected, got, bound).fault for got in (alone, together))

    statement = "the result does not depend on the number of threads"
    return Property(name, "threads", (), ("S0.5", *clauses), statement, given, holds)


for _entry in OPERATIONS:
    PROPERTIES.append(_remembers_nothing(_entry.name, _entry.clauses))
    if _entry.name in THREADED:
        PROPERTIES.append(_one_thread(_entry.name, _entry.clauses))
