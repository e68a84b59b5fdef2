"""Right numbers in the wrong type, shape or memory, or not for every element [S0.2]-[S0.4]."""

from collections.abc import Callable
from typing import Any

import numpy as np

from msq_ref import reference
from tests.mutants.registry import Call, add
from tests.mutants.samples import ELEMENTWISE, REDUCTIONS, SAMPLES, Given, altered, arrays, call

Array = np.ndarray

OTHER_DTYPES = {
    "float32": ("float64",),
    "int32": ("int64", "int16", "float64"),
    "int64": ("int32", "float64"),
    "uint8": ("int32", "bool"),
}
"""What an implementation might return instead."""


def _changed(name: str, change: Callable[[Array], Any]) -> Callable[..., Any]:
    """The definition, its arrays changed on the way back."""
    right = getattr(reference, name)

    def wrong(*required: Any, **optional: Any) -> Any:
        result = right(*required, **optional)
        return tuple(map(change, result)) if isinstance(result, tuple) else change(result)

    return wrong


def _reusing(name: str) -> Callable[..., Any]:
    right, buffers = getattr(reference, name), {}

    def wrong(*required: Any, **optional: Any) -> Any:
        result = right(*required, **optional)
        parts = result if isinstance(result, tuple) else (result,)
        kept = buffers.setdefault(tuple((part.shape, part.dtype) for part in parts), parts)
        for buffer, part in zip(kept, parts, strict=True):
            buffer[...] = part
        return kept if isinstance(result, tuple) else kept[0]

    return wrong


def _caching(name: str) -> Callable[..., Any]:
    right, results = getattr(reference, name), {}

    def wrong(*required: Any, **optional: Any) -> Any:
        key = tuple((value.shape, value.dtype) if isinstance(value, np.ndarray) else repr(value)
                    for value in (*required, *optional.values()))  # fmt: skip
        kept = results.setdefault(key, right(*required, **optional))
        return tuple(map(np.array, kept)) if isinstance(kept, tuple) else np.array(kept)

    return wrong


def _wrong_from(start: Callable[[int], int]) -> Callable[[Array], Array]:
    def change(array: Array) -> Array:
        array = array.copy()
        flat = array.reshape(-1)
        flat[start(flat.size) :] = 1 - flat[start(flat.size) :]
        return array

    return change


def _reordered(given: Given) -> Given:
    """Other values in the same shapes."""
    return given | {key: given[key].ravel()[::-1].reshape(given[key].shape)
                    for key in arrays(given)}  # fmt: skip


def _double(given: Given) -> Given:
    wide = {key: given[key].astype(float) for key in arrays(given) if given[key].dtype.kind == "f"}
    return given | wide if wide else given | {"dtype": np.float64}


def _register(name: str, given: Given) -> None:
    witness = call(name, given)

    def result(slug: str, mistake: str, change: Callable[[Array], Any], seen: Call) -> None:
        wrong = _changed(name, change)
        add(name, slug, mistake, lambda: wrong, seen)

    truth = getattr(reference, name)(**given)
    dtype = (truth[0] if isinstance(truth, tuple) else truth).dtype.name
    for other in OTHER_DTYPES[dtype]:
        result(f"returns-{other}", f"returns {other}", lambda a, d=other: a.astype(d), witness)
    if dtype == "float32":
        result("returns-float32", "returns float32 for float64",
               lambda array: array.astype(np.float32), call(name, _double(given)))  # fmt: skip
    result("returns-fortran-order", "returns an array in Fortran order",
           lambda array: np.array(array, order="F"), witness)  # fmt: skip
    if dtype != "uint8":
        result("returns-big-endian", "returns big-endian numbers",
               lambda array: array.astype(array.dtype.newbyteorder(">")), witness)  # fmt: skip
    result("returns-list", "returns a list", lambda array: array.tolist(), witness)
    result("returns-flat", "returns a flat array", lambda array: array.reshape(-1), witness)
    result("last-element", "the last element is wrong", _wrong_from(lambda size: size - 1), witness)
    result("tail", "what is behind the last whole vector of 8 is wrong",
           _wrong_from(lambda size: size // 8 * 8), witness)  # fmt: skip
    two = witness, call(name, _reordered(given))
    add(name, "reused-buffer", "results of one shape share their memory",
        lambda: _reusing(name), *two)  # fmt: skip
    add(name, "cached-by-shape", "remembers results by shape", lambda: _caching(name), *two)
    if name in ELEMENTWISE:
        make = ELEMENTWISE[name]
        result("squeezed", "axes of length 1 are squeezed away", np.squeeze,
               call(name, make((1, 3, 1))))  # fmt: skip
        result("beyond-65536", "elements behind the first 65536 are wrong",
               _wrong_from(lambda size: 65536), call(name, make((65600,))))  # fmt: skip
        if name != "bit_planes":
            result("scalar-to-vector", "a 0-dimensional result becomes a vector", np.atleast_1d,
                   call(name, make(())))  # fmt: skip
            result("scalar-to-number", "a 0-dimensional result becomes a number of Python",
                   lambda array: array if array.ndim else array.item(),
                   call(name, make(())))  # fmt: skip


for _name, _given in SAMPLES.items():
    if arrays(_given) and _name not in REDUCTIONS:
        _register(_name, _given)


def _cut(size: Callable[[int], int]) -> Callable[[Given], None]:
    """Leave out what is behind the first elements of every array."""

    def change(given: Given) -> None:
        flat = {key: given[key].ravel() for key in arrays(given)}
        given.update({key: value[: size(value.size)] for key, value in flat.items()})

    return change


for _name, _make in REDUCTIONS.items():
    for _slug, _mistake, _size, _shape in (
        ("last-element-missing", "the last element is left out", lambda n: max(n - 1, 1), (3, 5)),
        ("tail-missing", "what is behind the last whole vector of 8 is left out",
         lambda n: n // 8 * 8 or n, (3, 5)),
        ("half-missing", "only the first half counts", lambda n: n // 2 or n, (4, 5)),
        ("beyond-65536-missing", "elements behind the first 65536 are left out",
         lambda n: min(n, 65536), (65603,)),
    ):  # fmt: skip
        _wrong = altered(_name, _cut(_size))
        add(_name, _slug, _mistake, lambda wrong=_wrong: wrong, call(_name, _make(_shape)))
