"""Follow a training step, or ten, through a backend: the first intermediate that diverges.

Every operation gets what the backend itself returned before. Its result is compared with the
definition on the same arguments, within the operation's class; and with the intermediate recorded
from the definitions alone: to the bit as long as all before it were, else within `DRIFT`.
Where a tolerance comes in, the weights are chosen such that no u within the drift of theirs has
another code; so codes, slices and widths must always be those recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks, reference
from msq_ref.conformance.case import Case, Value
from msq_ref.conformance.cases.plan import FLOATS, LEVELS, Plan
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.judge import judge
from msq_ref.conformance.loading import implemented
from msq_ref.conformance.runner import Result
from msq_ref.conformance.training import (
    OPERATIONS_OF_A_STEP,
    OPERATIONS_OF_TRAINING,
    Call,
    Layer,
    Training,
    step,
)
from msq_ref.conformance.wide import bound_of
from msq_ref.names import known_name

__all__ = ["DRIFT", "check_trajectories"]

DRIFT = 64
"""How far a float may be from the recorded one behind a tolerance, in eps times the largest."""

UNIT_DRIFT = 4
"""How far u may be from the recorded one before the first update, in eps: twice [S1.1]."""

CLAUSES = {"training_step": ("S4.3", "S12.1"), "trajectory": ("S4.3", "S6.1", "S12.1")}

WIDTHS = ((8, 1), (8, 2), (6, 3), (4, 2), (3, 1), (2, 1), (2, 0), (16, 5), (16, 14))
"""Widths and slices of the training steps; k is capped where there is a sign."""

SHAPES = ((4, 5), (5, 3))
"""Of the two layers; a single step has the first."""


@dataclass(frozen=True)
class Recorded:
    """An intermediate: where it belongs, the operation that gives it, and its value."""

    place: str
    operation: str
    value: Any


class Diverged(Exception):
    """A call whose result is not the recorded one."""

    def __init__(self, case: Case, fault: str) -> None:
        super().__init__(fault)
        self.case, self.fault = case, fault


def check_trajectories(
    backend: Any, name: str, level: str, seed: int, guard: Guard
) -> Iterator[Result]:
    """Yield a result per training step, or per training.

    Parameters
    ----------
    backend : module or object
    name : {"training_step", "trajectory"}
    level : {"quick", "full", "deep"}
    seed : int
        Of weights and data.
    guard : Guard
        Makes the calls.

    Raises
    ------
    ValueError
        If the name or the level is unknown, or `seed` is no such number.
    """
    plan = Plan(known_name("level", level, LEVELS), checks.integer("seed", seed, 0))
    make = _steps if known_name("name", name, CLAUSES) == "training_step" else _trainings
    for id, domain, run in make(plan):
        needs: tuple[str, ...] = OPERATIONS_OF_A_STEP[domain]
        if name == "trajectory":
            needs = (*needs, *OPERATIONS_OF_TRAINING)
        nothing = Case(id, name, (), Value(None), {}, CLAUSES[name])
        yield _followed(backend, nothing, needs, run, guard)


Run = Callable[[Callable[[str], Call]], None]
"""Runs a training step or a training with what makes calls."""


def _followed(
    backend: Any, nothing: Case, needs: Sequence[str], run: Run, guard: Guard
) -> Result:
    missing = [name for name in needs if not implemented(backend, name)]
    if missing:
        return Result(nothing, "not implemented", f"needs {', '.join(missing)}")
    follow = _Follower(backend, nothing, _record(run), guard)
    try:
        run(follow.at)
    except NotImplementedError:
        return Result(nothing, "not implemented")
    except Diverged as found:
        return Result(nothing, "failed", found.fault, smallest=found.case)
    return Result(nothing, "passed")


def _record(run: Run) -> list[Recorded]:
    """Return every intermediate of a run of the definitions."""
    made: list[Recorded] = []

    def at(place: str) -> Call:
        def call(label: str, name: str, *required: Any, **optional: Any) -> Any:
            value = getattr(reference, name)(*required, **optional)
            made.append(Recorded(f"{place}: {label}" if place else label, name, value))
            return value

        return call

    run(at)
    return made


class _Follower:
    """Makes the calls on a backend and compares each result with the recorded one."""

    def __init__(
        self, backend: Any, nothing: Case, recorded: Sequence[Recorded], guard: Guard
    ) -> None:
        self._backend, self._nothing, self._guard = backend, nothing, guard
        self._recorded = iter(recorded)

    def at(self, place: str) -> Call:
        """Return what makes calls at a place; the record says itself where it is."""
        return self._call

    def _call(self, label: str, name: str, *required: Any, **optional: Any) -> Any:
        wanted = next(self._recorded)
        case = Case(self._nothing.id, name, required, Value(None), optional, self._nothing.clauses)
        outcome = self._guard.call(getattr(self._backend, name), case)
        if isinstance(outcome.error, NotImplementedError):
            raise outcome.error
        truth = getattr(reference, name)(*required, **optional)
        case = Case(case.id, name, required, Value(truth), optional, case.clauses)
        if outcome.error is not None:
            error = outcome.error
            raise Diverged(case, f"{wanted.place}: raised {type(error).__name__}: {error}")
        bound = bound_of(name, required, optional)
        fault = judge(name, truth, outcome.value, bound).fault or "; ".join(outcome.besides)
        fault = fault or self._drift(wanted.value, outcome.value)
        if fault:
            raise Diverged(case, f"{wanted.place}: {fault}")
        return outcome.value

    def _drift(self, recorded: Any, got: Any) -> str:
        """Say how a result left the recorded one, "" if it did not.

        Before the first tolerance the arguments are those recorded, and with `judge` content the
        bits are the same.
        """
        parts = [(recorded, got)]
        if isinstance(recorded, tuple):
            parts = list(zip(recorded, got, strict=True))
        for one, other in parts:
            if _bits(one) == _bits(other):
                continue
            apart, allowed = _apart(one, other)
            if not apart <= allowed:
                return f"{apart:g} from the recorded one, where {allowed:g} is allowed"
        return ""


def _apart(recorded: Any, got: Any) -> tuple[float, float]:
    """Return how far a result is from the recorded one, and how far it may be."""
    one, other = np.asarray(recorded), np.asarray(got)
    if one.dtype.kind != "f":
        return (0.0 if np.array_equal(one, other) else np.inf), 0.0
    eps, largest = float(np.finfo(one.dtype).eps), float(np.abs(one).max(initial=0))
    if not isinstance(recorded, np.ndarray):
        # Omega has the eps of float32 weights, and is made of differences of weights around 1.
        eps, largest = float(np.finfo(np.float32).eps), max(1.0, largest)
    difference = np.abs(one.astype(np.float64) - other)
    return float(difference.max(initial=0)), DRIFT * eps * largest


def _bits(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [int(item) for item in value]
    if isinstance(value, Fraction):
        return value
    return np.asarray(value).tobytes()


def _steps(plan: Plan) -> Iterator[tuple[str, str, Run]]:
    for domain in OPERATIONS_OF_A_STEP:
        for dtype in FLOATS:
            for number in range(plan.pick(1, 5, 50)):
                for n, k in WIDTHS:
                    label = f"{domain}/{dtype}/n{n}/k{k}/{number}"
                    rng = plan.rng("step", label)
                    layer = _layer(rng, domain, dtype, SHAPES[0], n, k)
                    grad = rng.normal(0, 0.1, SHAPES[0]).astype(dtype)
                    strength = float(rng.choice([0.0, 1e-3, 0.05]))
                    rates = (0.1, 0.9, 1e-4) if number % 2 == 0 else (0.03, 0.0, 0.01)
                    yield f"training_step/{label}", domain, _step(layer, grad, strength, rates)


def _step(
    layer: Layer, grad: NDArray[Any], strength: float, rates: tuple[float, float, float]
) -> Run:
    return lambda at: step(at(""), deepcopy(layer), grad, strength, rates)


def _layer(
    rng: np.random.Generator, domain: str, dtype: np.dtype[Any], shape: tuple[int, int], n: int,
    k: int,
) -> Layer:  # fmt: skip
    """Return a layer whose weights have their codes for sure."""
    while True:
        w = rng.normal(0, 0.5, shape).astype(dtype)
        velocity = rng.normal(0, 0.05, shape).astype(dtype)
        scale = float(np.abs(w).max()) if domain == "signed" else 0.75
        layer = Layer(domain, w, velocity, n, k, scale)
        layer.k = min(k, layer.code_bits - 1)
        if _sure(layer, UNIT_DRIFT):
            return layer


def _sure(layer: Layer, drift: int) -> bool:
    """Tell whether no u within the drift, in eps, of that of the weights has another code."""
    normalize = reference.normalize if layer.domain == "offset" else reference.normalize_signed
    u = normalize(layer.w).astype(np.float64)
    margin = drift * float(np.finfo(layer.w.dtype).eps)
    low, high = np.clip(u - margin, 0, 1), np.clip(u + margin, 0, 1)
    return all(
        np.array_equal(reference.roundclamp(low, n), reference.roundclamp(high, n))
        for n in (layer.code_bits, layer.code_bits - layer.k)
    )


def _trainings(plan: Plan) -> Iterator[tuple[str, str, Run]]:
    for domain in OPERATIONS_OF_A_STEP:
        for dtype in FLOATS:
            for number in range(plan.pick(1, 4, 20)):
                label = f"{domain}/{dtype}/{number}"
                training = _training(plan, domain, dtype, label)
                yield f"trajectory/{label}", domain, _training_run(training)


def _training_run(training: Training) -> Run:
    return lambda at: deepcopy(training).run(at)


def _training(plan: Plan, domain: str, dtype: np.dtype[Any], label: str) -> Training:
    """Return a training in which every weight has its code for sure at every step."""
    rng = plan.rng("trajectory", label)
    while True:
        layers = [_layer(rng, domain, dtype, shape, 8, 1) for shape in SHAPES]
        training = Training(
            layers, rng.normal(0, 1, (8, 4)), rng.integers(0, 3, 8), traces=(1.7, 0.4), alpha=0.97,
            target=4.2, n_min=2, strength=0.002, rates=(0.05, 0.9, 1e-3),
        )  # fmt: skip
        if _stays_sure(training):
            return training


def _stays_sure(training: Training) -> bool:
    trial = deepcopy(training)
    sure = True

    def at(place: str) -> Call:
        def call(label: str, name: str, *required: Any, **optional: Any) -> Any:
            nonlocal sure
            if label == "u":
                sure = sure and all(_sure(layer, DRIFT) for layer in trial.layers)
            return getattr(reference, name)(*required, **optional)

        return call

    trial.run(at)
    first, second = trial.layers
    return sure and first.bits < second.bits == 8  # the round has stopped in its middle
