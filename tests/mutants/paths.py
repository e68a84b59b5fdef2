"""Mistakes on one path only: for one dtype, shape, size or layout of the arrays.

An implementation has a kernel for each dtype, a vector loop with a scalar tail, a fast path for
contiguous memory, another for small arrays; one of them is wrong.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from msq_ref import reference
from tests.mutants.registry import MUTANTS, Call, add
from tests.mutants.samples import REDUCTIONS

Array = np.ndarray

MISTAKES = {
    "normalize": ("tanh-missing", "zero-gives-nan", "overflowing-tanh"),
    "normalize_signed": ("signed-reciprocal", "signed-zero-gives-nan", "minus-zero-kept"),
    "normalize_backward": ("first-tied-only", "sign-at-maximum-dropped", "zero-gives-nan"),
    "normalize_signed_backward": ("first-tied-only", "sign-of-zero", "zero-gives-nan"),
    "roundclamp": ("ties-away", "clamp-missing", "int16-codes", "half-added"),
    "dorefa": ("ties-away", "float64-product", "int16-codes"),
    "dequantize": ("reciprocal", "int16-codes", "half-precision"),
    "effective": ("distributed", "wide-scale", "minus-zero", "flushed"),
    "effective_signed": ("sign-of-zero", "signed-wide-scale", "zero-added"),
    "lsb": ("coarse-ties-away", "coarse-unclamped", "clipped", "int16-fine"),
    "lsb_l1": ("float32-sum", "coarse-unclamped", "truncated"),
    "lsb_l1_codes": ("codes-float32-sum", "codes-clipped", "codes-int8"),
    "lsb_l1_grad": ("grad-ties-away", "grad-sign-of-zero", "grad-zero-at-one"),
    "lsb_nonzero_rate": ("rate-by-reciprocal", "rate-unclamped", "rate-over-nonzero"),
    "bit_planes": ("sign-magnitude", "byte-planes"),
    "from_bit_planes": ("signed-ignored", "int16-sum"),
    "sensitivity": ("pairwise-sum", "float32-squares", "magnitude-of-trace"),
    "activation_codes": ("ties-away", "reciprocal", "symmetric-clamp", "overflowing-cast"),
    "integer_weights": ("int16-weights", "one-bit-plain", "sign-of-zero"),
    "requantize": ("half-even", "half-away", "clamped-twice", "product-in-float64"),
    "sgd_step": ("fused-update", "wide-rates", "flushed", "momentum-skipped"),
}
"""What goes wrong on a path: mutants by operation."""


def _each(change: Callable[[Array], Array]) -> Callable[[Call], Call]:
    def apply(call: Call) -> Call:
        def one(value: Any) -> Any:
            return change(value) if isinstance(value, np.ndarray) else value

        optional = {key: one(value) for key, value in call.optional.items()}
        return replace(call, required=tuple(map(one, call.required)), optional=optional)

    return apply


def _doubled(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _strided(array: Array) -> Array:
    return np.repeat(array, 2, axis=-1)[..., ::2]


PATHS: dict[str, tuple[str, Callable[[list[Array]], bool], Callable[[Call], Call]]] = {
    "float64": ("float64", lambda arrays: any(a.dtype == np.float64 for a in arrays),
                _each(_doubled)),
    "few": ("fewer than 8 elements", lambda arrays: arrays[0].size < 8, lambda call: call),
    "many": ("more than 1000 elements", lambda arrays: arrays[0].size > 1000,
             _each(lambda a: np.tile(a, 1009))),
    "one-axis": ("one axis", lambda arrays: arrays[0].ndim == 1, lambda call: call),
    "two-axes": ("two axes", lambda arrays: arrays[0].ndim == 2, _each(lambda a: a[None])),
    "four-axes": ("four axes", lambda arrays: arrays[0].ndim == 4,
                  _each(lambda a: a[None, None, None])),
    "strided": ("strided arrays", lambda arrays: any(not a.flags.c_contiguous for a in arrays),
                lambda call: replace(_each(lambda a: np.tile(a, 2))(call), lay=_strided)),
}  # fmt: skip
"""By name: in words, whether arrays take the path, and a call brought onto it."""

HARMLESS = {
    "float64": (
        "overflowing-tanh", "half-added", "float64-product", "wide-scale", "flushed",
        "signed-wide-scale", "float32-squares", "reciprocal", "wide-rates",
    ),
    "many": ("rate-by-reciprocal",),
}  # fmt: skip
"""Mistakes whose witness shows nothing on a path."""


def _on_path(name: str, wrong: Any, takes: Callable[[list[Array]], bool]) -> Callable[..., Any]:
    right = getattr(reference, name)

    def function(*required: Any, **optional: Any) -> Any:
        given = (*required, *optional.values())
        arrays = [value for value in given if isinstance(value, np.ndarray)]
        return (wrong if arrays and takes(arrays) else right)(*required, **optional)

    return function


def _in_part(name: str, wrong: Any, tail: bool) -> Callable[..., Any]:
    """Wrong in the last partial vector of 8, or in the whole ones."""
    right = getattr(reference, name)

    def mixed(truth: Array, found: Array) -> Array:
        result, end = truth.copy(), truth.size // 8 * 8
        part = slice(end, None) if tail else slice(0, end)
        result.reshape(-1)[part] = found.reshape(-1)[part]
        return result

    def function(*required: Any, **optional: Any) -> Any:
        truth = right(*required, **optional)
        found = wrong(*required, **optional)
        return tuple(map(mixed, truth, found)) if isinstance(truth, tuple) else mixed(truth, found)

    return function


def _fits(call: Call, path: str) -> bool:
    """Planes and parameters per channel have axes of their own; float paths want floats."""
    arrays = [v for v in (*call.required, *call.optional.values()) if isinstance(v, np.ndarray)]
    if path == "float64":
        return any(array.dtype == np.float32 for array in arrays)
    if path == "few":
        return arrays[0].size < 8
    return all(array.ndim == 1 for array in arrays)


for _name, _slugs in MISTAKES.items():
    for _slug in _slugs:
        _mutant = MUTANTS[f"{_name}/{_slug}"]
        _wrong = _mutant.make()
        for _path, (_words, _takes, _brought) in PATHS.items():
            if _slug in HARMLESS.get(_path, ()):
                continue
            _witness = [_brought(call) for call in _mutant.witness if _fits(call, _path)]
            _function = _on_path(_name, _wrong, _takes)
            if _witness:
                add(_name, f"{_slug}-{_path}", f"{_mutant.mistake}; for {_words} only",
                    lambda f=_function: f, *_witness)  # fmt: skip
        if _name in REDUCTIONS or "planes" in _name or not _fits(_mutant.witness[0], "one-axis"):
            continue
        _size = _mutant.witness[0].required[0].size
        _tail, _whole = _in_part(_name, _wrong, True), _in_part(_name, _wrong, False)
        if _size < 8:
            add(_name, f"{_slug}-tail", f"{_mutant.mistake}; behind the last vector of 8 only",
                lambda f=_tail: f, *_mutant.witness)  # fmt: skip
        add(_name, f"{_slug}-whole-vectors", f"{_mutant.mistake}; in whole vectors of 8 only",
            lambda f=_whole: f, *map(_each(lambda a: np.tile(a, 8)), _mutant.witness))  # fmt: skip
