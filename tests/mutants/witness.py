"""Whether a mutant is wrong on its witness, judged without the kit."""

import contextlib
import os
import random
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from msq_ref import reference
from tests.mutants.registry import Call, Mutant

TOLERANCE = {"normalize", "normalize_backward", "normalize_signed_backward"}
PATIENCE = 0.3


class _Hung(BaseException):
    pass


def seen(mutant: Mutant) -> str:
    """Say what is wrong on a witness, "" if nothing is."""
    function = mutant.make()
    kept: list[tuple[Any, Any]] = []
    fault = ""
    for call in mutant.witness:
        found, result = _call(mutant, function, call)
        kept.append((result, _copy(result)))
        fault = fault or found
    lost = any(not _same(now, before) for now, before in kept)
    return fault or ("an earlier result changed" if lost else "")


def _call(mutant: Mutant, function: Any, call: Call) -> tuple[str, Any]:
    required, optional = call.fresh()
    try:
        with warnings.catch_warnings(action="ignore"):
            truth = getattr(reference, mutant.operation)(*required, **optional)
        refused = None
    except (TypeError, ValueError) as error:
        truth, refused = None, type(error)
    required, optional = call.fresh()
    given = [*required, *optional.values()]
    unsettle()
    before, state = [_copy(value) for value in given], _state()
    with tempfile.TemporaryFile() as printed, warnings.catch_warnings(action="ignore"):
        with _redirected(printed.fileno()):
            result, error = _timed(function, required, optional, mutant.hangs)
        has_printed = os.fstat(printed.fileno()).st_size > 0
    after = _state()
    np.seterr(**state[0])
    if error is not None or refused:
        right = refused is not None and error is not None and isinstance(error, refused)
        fault = "" if right else f"{error!r}, expected {refused or 'a result'}"
    else:
        fault = _difference(mutant.operation, truth, result)
        if not all(_same(value, old) for value, old in zip(given, before, strict=True)):
            fault += " input changed"
        if has_printed:
            fault += " printed"
        if after != state:
            fault += " global state changed"
        if any(_overlap(result, value) for value in given):
            fault += " memory of the input returned"
    return fault, result


@contextlib.contextmanager
def _redirected(target: int) -> Iterator[None]:
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(target, 1)
    try:
        with open(1, "w", closefd=False) as stream, contextlib.redirect_stdout(stream):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _timed(
    function: Any, required: Any, optional: Any, hangs: bool
) -> tuple[Any, BaseException | None]:
    def stop(_number: int, _frame: object) -> None:
        raise _Hung

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE if hangs else 100 * PATIENCE)
    try:
        return function(*required, **optional), None
    except (Exception, SystemExit, _Hung) as error:
        return None, error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _difference(name: str, truth: Any, got: Any) -> str:
    if isinstance(truth, tuple) and isinstance(got, tuple) and len(truth) == len(got):
        return "".join(_difference(name, one, other) for one, other in zip(truth, got, strict=True))
    if isinstance(truth, np.ndarray):
        if not isinstance(got, np.ndarray):
            return f"{type(got)} for an array"
        if (truth.dtype, truth.shape) != (got.dtype, got.shape) or not got.flags.c_contiguous:
            return f"{got.dtype} {got.shape} for {truth.dtype} {truth.shape}, or its order"
        if name in TOLERANCE:
            eps = float(np.finfo(truth.dtype).eps)
            bound = 2 * eps if name == "normalize" else 16 * eps * np.abs(truth).max(initial=0)
            # Twice the bound: the definition itself may be off by as much.
            far = ~(np.abs(truth.astype(np.float64) - got) <= 2 * bound)
        else:
            far = np.array(truth.tobytes() != got.tobytes())
        return f"{truth} expected, {got} found" if far.any() else ""
    if type(truth) is not type(got) or repr(truth) != repr(got):
        return f"{truth!r} expected, {got!r} found"
    return ""


def _copy(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_copy(item) for item in value]
    return np.array(value) if isinstance(value, np.ndarray) else value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        return one.tobytes() == other.tobytes()
    return one is other or repr(one) == repr(other)


def _overlap(result: Any, value: Any) -> bool:
    if isinstance(result, tuple):
        return any(_overlap(item, value) for item in result)
    arrays = isinstance(result, np.ndarray) and isinstance(value, np.ndarray)
    return arrays and bool(result.size and np.may_share_memory(result, value))


def unsettle() -> None:
    """Put the global generators where no seed puts them."""
    random.seed("unsettled")
    np.random.seed(987654321)  # noqa: NPY002


def _state() -> tuple[Any, ...]:
    numpy_state = np.random.get_state()  # noqa: NPY002
    return np.geterr(), numpy_state[1].tobytes(), numpy_state[2], random.getstate()
