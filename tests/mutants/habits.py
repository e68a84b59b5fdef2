"""Right numbers with something else besides: output, state, no answer [S0.4]."""

import os
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from msq_ref import reference
from tests.mutants.registry import Call, add, at, f32, raw_mutant
from tests.mutants.samples import SAMPLES, arrays, call

Act = Callable[[], object]


def _besides(name: str, act: Act) -> Callable[..., Any]:
    right = getattr(reference, name)

    def wrong(*required: Any, **optional: Any) -> Any:
        result = right(*required, **optional)
        act()
        return result

    return wrong


ACTS: dict[str, tuple[str, Act]] = {
    "prints": ("prints", lambda: print("debug")),
    "sets-error-state": ("leaves NumPy's errors ignored",
                         lambda: np.seterr(over="ignore", divide="raise")),
    "seeds": ("seeds NumPy's global generator", lambda: np.random.seed(0)),  # noqa: NPY002
    "draws": ("draws from NumPy's global generator", lambda: np.random.rand()),  # noqa: NPY002
    "seeds-python": ("seeds Python's global generator", lambda: random.seed(0)),
}  # fmt: skip


def _swallowing(name: str) -> Callable[..., Any]:
    right = getattr(reference, name)
    default = right(**SAMPLES[name])

    def wrong(*required: Any, **optional: Any) -> Any:
        try:
            return right(*required, **optional)
        except (TypeError, ValueError):
            return default

    return wrong


def _illegal(name: str) -> Call:
    given = SAMPLES[name]
    if not arrays(given):
        return call(name, {key: [0.5, "x"] for key in given})
    return call(name, given | {key: given[key].astype(np.complex64) for key in arrays(given)})


for _name in SAMPLES:
    _witness = call(_name, SAMPLES[_name])
    for _slug, (_mistake, _act) in ACTS.items():
        add(_name, _slug, _mistake, lambda n=_name, a=_act: _besides(n, a), _witness)
    add(_name, "returns-none", "returns nothing", lambda: lambda *a, **b: None, _witness)
    add(_name, "swallows-errors", "returns something where the definition refuses",
        lambda n=_name: _swallowing(n), _illegal(_name))  # fmt: skip


@raw_mutant("roundclamp", "prints past sys.stdout", at(f32(0.5), 3))
def writes_descriptor(u, bits):
    os.write(1, b"debug")
    return reference.roundclamp(u, bits)


def _running_maximum() -> Callable[..., Any]:
    largest = 0.0

    def wrong(w: np.ndarray) -> np.ndarray:
        nonlocal largest
        u = reference.normalize(w)
        own = float(np.abs(np.tanh(w)).max())
        largest = max(largest, own)
        return np.asarray((u - u.dtype.type(0.5)) * u.dtype.type(own / largest if own else 1)
                          + u.dtype.type(0.5))  # fmt: skip

    return wrong


add("normalize", "running-maximum", "the maximum is that of all calls so far", _running_maximum,
    at(f32(2, 1)), at(f32(1, 0.5)))  # fmt: skip


@raw_mutant("lsb", "never returns", at(f32(0.5), 4, 2), hangs=True)
def hangs(u, bits, k):
    while True:
        pass


@raw_mutant("lsb_l1", "never returns for an empty array", at(f32(), 4, 2), hangs=True)
def hangs_on_empty(u, bits, k):
    while not np.size(u):
        pass
    return reference.lsb_l1(u, bits, k)


@raw_mutant("dorefa", "never returns where u is subnormal", at(f32(1e-40), 4), hangs=True)
def hangs_on_subnormals(u, bits):
    codes = reference.dorefa(u, bits)
    while ((u > 0) & (u < np.finfo(u.dtype).tiny)).any():
        pass
    return codes


@raw_mutant("compression", "ends the process", at([1], [8]))
def exits(sizes, bits):
    raise SystemExit(0)


@raw_mutant("roundclamp", "2**bits in the dtype of bits: 0 for int8", at(f32(0.5), np.int8(8)))
def small_width_dtype(u, bits):
    codes = reference.roundclamp(u, bits)
    if isinstance(bits, np.int8 | np.uint8):
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            return np.minimum(codes, np.int32(type(bits)(2) ** bits) - 1)
    return codes


@raw_mutant("requantize", "results depend on the environment (number of threads)",
            at(*call("requantize", SAMPLES["requantize"]).required))  # fmt: skip
def by_threads(acc, multiplier, shift, zero_point, bits, signed):
    codes = reference.requantize(acc, multiplier, shift, zero_point, bits, signed)
    step = max(codes.size // (os.cpu_count() or 1), 1) + 1
    codes.reshape(-1)[::step] += 1
    return codes
