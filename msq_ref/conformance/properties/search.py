"""Look for arguments on which a property does not hold, and make them small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture import providers

from msq_ref import reference
from msq_ref.conformance.case import Case, Value
from msq_ref.conformance.guard import Guard, TooSlow
from msq_ref.conformance.judge import judge
from msq_ref.conformance.properties.property import Property
from msq_ref.conformance.properties.strategies import Scope
from msq_ref.conformance.runner import Result, has_subnormals
from msq_ref.conformance.shrink import shrink
from msq_ref.conformance.wide import bound_of

__all__ = ["Recorder", "search"]


class Broken(Exception):
    """A call did not do what a property says; `case` is the call."""

    def __init__(self, case: Case, fault: str) -> None:
        super().__init__(fault)
        self.case, self.fault = case, fault


class _Stopped(BaseException):
    """Ends a search at once: it makes no sense to make a call small that does not return."""

    def __init__(self, case: Case, fault: str) -> None:
        super().__init__(fault)
        self.case, self.fault = case, fault


class Recorder:
    """Makes a property's calls on a backend, and remembers them."""

    def __init__(self, backend: Any, entry: Property, guard: Guard) -> None:
        self._backend, self._entry, self._guard = backend, entry, guard
        self._flushes = getattr(backend, "flushes_subnormals", False) is True
        self.made: list[tuple[Case, Any]] = []

    def __call__(
        self, name: str, *required: Any, layout: str = "plain", same_objects: bool = False,
        **optional: Any,
    ) -> Any:  # fmt: skip
        """Call an operation, and return what it returns.

        Parameters
        ----------
        name : str
        required, optional
            Its arguments.
        layout : str
            How arrays lie in memory.
        same_objects : bool
            Whether the call gets these very arrays, not copies.

        Raises
        ------
        Broken
            If it raises, or does what a function of arrays has no business with.
        """
        # Arithmetic makes scalars of 0-dimensional arrays.
        required = tuple(np.asarray(v) if isinstance(v, np.generic) else v for v in required)
        given = _own(required) if same_objects else required
        case = Case(self.id, name, given, Value(None), optional, self._entry.clauses, layout)
        if self._flushes and has_subnormals(self.told(case)):
            hypothesis.reject()
        function = getattr(self._backend, name)
        self._guard.look_again()  # hypothesis seeds generators, too
        if same_objects:
            outcome = self._guard.call_with(function, name, required, optional)
        else:
            outcome = self._guard.call(function, case)
        self.made.append((case, outcome.value))
        if isinstance(outcome.error, TooSlow):
            raise _Stopped(case, f"raised {outcome.error!r}")
        if isinstance(outcome.error, NotImplementedError):
            raise outcome.error
        if outcome.error is not None:
            raised = f"raised {type(outcome.error).__name__}: {outcome.error}"
            raise Broken(self.told(case), raised)
        if outcome.besides:
            raise Broken(self.told(case), "; ".join(outcome.besides))
        return outcome.value

    @property
    def id(self) -> str:
        """Id of the property, as if it were a case."""
        return f"{self._entry.operation}/property/{self._entry.name}"

    def told(self, case: Case) -> Case:
        """Return a case with what the definition returns for its call."""
        return replace(case, expected=Value(_defined(case)))

    def culprit(self) -> tuple[Case, str]:
        """Return the first call whose result is not what the definition returns, else the last."""
        for case, got in self.made:
            fault = judge(
                case.operation, _defined(case), got,
                bound_of(case.operation, case.required, case.optional),
            ).fault  # fmt: skip
            if fault:
                return self.told(case), fault
        return self.told(self.made[-1][0]), ""


def search(
    backend: Any, entry: Property, scope: Scope, examples: int, seed: int, guard: Guard
) -> Result:
    """Return what became of a property after so many examples."""
    call = Recorder(backend, entry, guard)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples, database=None, deadline=None, derandomize=False, print_blob=False,
        verbosity=hypothesis.Verbosity.quiet, report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    )  # fmt: skip
    @hypothesis.given(entry.given(scope))
    def run(arguments: tuple[Any, ...]) -> None:
        call.made.clear()
        _check(call, entry, arguments)

    nothing = Case(call.id, entry.operation, (), Value(None), {}, entry.clauses)
    try:
        with _no_local_constants():
            run()
    except NotImplementedError:
        return Result(nothing, "not implemented")
    except (Broken, _Stopped) as found:
        case = found.case
        if isinstance(found, Broken) and entry.name == "definition":
            case = shrink(case, lambda smaller: _differs(backend, guard, smaller))
        whole = replace(case, operation=entry.operation)
        return Result(whole, "failed", found.fault, smallest=case)
    except Flaky:
        case, fault = call.culprit()
        fault = f"not the same twice; {fault or entry.statement}"
        return Result(replace(case, operation=entry.operation), "failed", fault, smallest=case)
    return Result(nothing, "passed")


@contextmanager
def _no_local_constants() -> Iterator[None]:
    """Keep hypothesis from drawing constants it reads in the source of loaded modules.

    They would make the arguments depend on what else the process has imported: the same seed must
    give the same ones. It has no setting; a release without it has nothing to be kept from.
    """
    if not hasattr(providers, "_get_local_constants"):
        yield
        return
    found, none = providers._get_local_constants, providers.Constants()
    providers.CONSTANTS_CACHE.cache.clear()  # filled by whoever ran before
    providers._get_local_constants = lambda: none
    try:
        yield
    finally:
        providers._get_local_constants = found
        providers.CONSTANTS_CACHE.cache.clear()


def _check(call: Recorder, entry: Property, arguments: tuple[Any, ...]) -> None:
    try:
        held = bool(entry.holds(call, *arguments))
        failed = None
    except (Broken, NotImplementedError, hypothesis.errors.UnsatisfiedAssumption):
        raise
    except Exception as error:  # a result the property can do nothing with, None for one
        held, failed = False, error
    if held:
        return
    case, fault = call.culprit()
    if failed is not None and not fault:
        raise failed  # the calls are right: the property is not
    raise Broken(case, f"{entry.statement}; {fault}" if fault else entry.statement)


def _own(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return copies: the arrays of a call may be changed before it is looked at."""
    return tuple(v.copy() if isinstance(v, list | np.ndarray) else v for v in values)


def _differs(backend: Any, guard: Guard, case: Case) -> bool:
    guard.look_again()
    outcome = guard.call(getattr(backend, case.operation), case)
    if outcome.error is not None or outcome.besides:
        return True
    bound = bound_of(case.operation, case.required, case.optional)
    assert isinstance(case.expected, Value)
    return bool(judge(case.operation, case.expected.value, outcome.value, bound).fault)


def _defined(case: Case) -> Any:
    with np.errstate(all="ignore"):
        return getattr(reference, case.operation)(*case.required, **case.optional)


