"""Illegal calls: every argument in turn replaced by every wrong value of its kind [S0.2]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, invalid_case
from msq_ref.conformance.cases.examples import OF_FLOATS, OF_INTEGERS, example
from msq_ref.conformance.cases.plan import FLOATS, MAIN, Plan
from msq_ref.conformance.cases.wrong import wrong_values
from msq_ref.contract import operation

__all__ = ["invalid_cases"]

SHAPE = (3, 5)
CLAUSES = ("S0.2", "S0.3")


def invalid_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the illegal calls of an operation."""
    for dtype in FLOATS if name in OF_FLOATS else (np.dtype(np.int32),):
        for alternative in (False, True) if name in OF_INTEGERS else (False,):
            yield from _replaced(name, plan, dtype, alternative)
    if name in OF_FLOATS:
        yield from _hidden(name, plan)
    if name in ("lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate"):
        yield from _slices(name)
    if name in ("effective", "effective_signed", "activation_codes"):
        yield from _scales(name, plan)
    for label, required, optional in _SPECIAL.get(name, list)():
        yield invalid_case(f"{name}/invalid/{label}", name, *required, **optional)


def _replaced(
    name: str, plan: Plan, dtype: np.dtype[Any], alternative: bool
) -> Iterator[Case]:
    """Yield an example with one argument exchanged at a time."""
    call = example(name, plan.rng(name, "invalid"), SHAPE, dtype, alternative=alternative)
    if call is None:
        return
    required, optional = call
    entry = operation(name)
    width = _code_width(name, required, optional)
    form = f"{dtype}/{'other' if alternative else 'usual'}"
    for argument in (*entry.required, *entry.optional):
        position = entry.required.index(argument) if argument in entry.required else -1
        kind = entry.kind_of(argument).name
        legal = required[position] if position >= 0 else optional.get(argument)
        if legal is None:
            if kind != "size":
                continue
            legal = int(entry.optional[argument])
        if name == "bit_planes" and argument == "codes" and optional.get("signed"):
            continue  # another range: see below
        # Of no codes but 0 every width is legal: only what stands for the width is wrong.
        others = tuple(map(_zeroed, required)) if "width" in kind else required
        for wrong in wrong_values(kind, legal, width):
            id = f"{name}/invalid/{argument}/{wrong.label}/{form}"
            if position >= 0:
                given = (*others[:position], wrong.value, *others[position + 1 :])
                yield invalid_case(
                    id, name, *given, errors=wrong.errors, clauses=CLAUSES, **optional
                )
            else:
                changed = {**optional, argument: wrong.value}
                yield invalid_case(
                    id, name, *required, errors=wrong.errors, clauses=CLAUSES, **changed
                )


def _zeroed(value: Any) -> Any:
    integers = isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    return np.zeros_like(value) if integers else value


def _code_width(name: str, required: tuple[Any, ...], optional: dict[str, Any]) -> int | None:
    """Return the width of the unsigned codes of a call: one less where there are signs [S1.4]."""
    names = operation(name).required
    if "bits" not in names or name == "prune_step":
        return None
    bits = required[names.index("bits")]
    return bits - ("signs" in optional) if isinstance(bits, int) else None


def _hidden(name: str, plan: Plan) -> Iterator[Case]:
    """Yield one wrong value among many, in every array and layout in which it may be missed."""
    for dtype in FLOATS:
        call = example(name, plan.rng(name, "hidden"), (MAIN,), dtype)
        assert call is not None, name
        required, optional = call
        for i, array in enumerate(required):
            if not isinstance(array, np.ndarray) or array.dtype != dtype:
                continue
            argument = operation(name).required[i]
            values = {"nan": np.nan, "inf": np.inf, "minus-inf": -np.inf}
            if operation(name).kind_of(argument).name == "unit":
                info = np.finfo(dtype)
                values |= {"above": 1 + float(info.eps), "below": -float(info.tiny)}
            for label, value in values.items():
                for place in (0, 1777, MAIN - 1):
                    changed = array.copy()
                    changed[place] = value
                    given = (*required[:i], changed, *required[i + 1 :])
                    id = f"{name}/invalid/hidden/{argument}/{label}/{place}/{dtype}"
                    case = invalid_case(id, name, *given, clauses=("S0.3",), **optional)
                    yield case
                    if place == 1777:
                        for layout in ("strided", "reversed", "big-endian", "read-only"):
                            yield replace(case, id=f"{id}/{layout}", layout=layout)
            yield from _lonely(name, dtype, required, i, optional)


def _lonely(
    name: str, dtype: np.dtype[Any], required: tuple[Any, ...], i: int, optional: dict[str, Any]
) -> Iterator[Case]:
    """Yield NaN as the only element, and as a 0-dimensional array."""
    for shape in ((1,), ()):
        given = [
            np.ones(shape, value.dtype) if isinstance(value, np.ndarray) else value
            for value in required
        ]
        given[i] = np.full(shape, np.nan, dtype)
        argument = operation(name).required[i]
        id = f"{name}/invalid/nan-alone/{argument}/{len(shape)}-d/{dtype}"
        yield invalid_case(id, name, *given, clauses=("S0.3",), **optional)


def _slices(name: str) -> Iterator[Case]:
    """Yield slices that no width has, also where there is nothing to slice."""
    for dtype in FLOATS:
        u = np.array([0.25, 0.5, 0.75], dtype)
        for n in range(1, 17):
            for k in sorted({-1, 0, n, n + 1}):
                id = f"{name}/invalid/slice/n{n}/k{k}/{dtype}"
                yield invalid_case(id, name, u, n, k, clauses=("S0.2",))
        for n, k in ((17, 1), (0, 1), (4, 4), (4, 0)):
            id = f"{name}/invalid/slice-of-nothing/n{n}/k{k}/{dtype}"
            yield invalid_case(id, name, u[:0], n, k, clauses=("S0.2",))


def _scales(name: str, plan: Plan) -> Iterator[Case]:
    """Yield scales that are no positive finite number in the dtype of the array [S1.2]."""
    call = example(name, plan.rng(name, "scales"), SHAPE, np.float32)
    assert call is not None
    required = list(call[0])
    place = operation(name).required.index("scale")
    for i, value in enumerate((1e39, 3.5e38, 1e-46, 5e-324, 1e300, np.float64(1e39), 10**39)):
        given = [*required[:place], value, *required[place + 1 :]]
        id = f"{name}/invalid/scale-in-float32/{i}"
        yield invalid_case(id, name, *given, clauses=("S1.2", "S8.1"))


Special = Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]


def _normalize() -> Special:
    for dtype in FLOATS:
        for shape in ((0,), (0, 3), (3, 0, 2)):
            yield f"empty/{len(shape)}-d/{dtype}", (np.zeros(shape, dtype),), {}


def _normalize_backward() -> Special:
    for dtype in FLOATS:
        for shape in ((0,), (0, 3), (3, 0, 2)):
            empty = np.zeros(shape, dtype)
            yield f"empty/{len(shape)}-d/{dtype}", (empty, empty), {}


def _rate() -> Special:
    for dtype in FLOATS:
        for shape in ((0,), (0, 3), (3, 0, 2)):
            yield f"empty/{len(shape)}-d/{dtype}", (np.zeros(shape, dtype), 4, 1), {}


def _codes_of_each_width() -> Special:
    for n in range(1, 17):
        for value in (2**n, -1):
            codes = np.array([0, value, 1], np.int32)
            yield f"code-{value}/n{n}", (codes, n), {}


def _bit_planes() -> Special:
    yield from _codes_of_each_width()
    for n in range(1, 17):
        for value in (2 ** (n - 1), -(2 ** (n - 1)) - 1):
            codes = np.array([0, value, -1], np.int32)
            yield f"signed-code-{value}/n{n}", (codes, n), {"signed": True}


def _integer_weights() -> Special:
    yield from _codes_of_each_width()
    ones = np.ones(3, np.int8)
    for n in range(2, 17):
        for value in (2 ** (n - 1), -1):
            codes = np.array([0, value, 1], np.int32)
            yield f"magnitude-{value}/n{n}", (codes, n), {"signs": ones}
    yield "one-bit-with-signs", (np.zeros(3, np.int32), 1), {"signs": ones}


def _integer_linear() -> Special:
    x, codes = np.ones((2, 3), np.int32), np.zeros((3, 2), np.int32)
    yield "one-bit-with-signs", (x, codes, 1), {"signs": np.ones((3, 2), np.int8)}
    yield "lengths-differ", (x, np.zeros((2, 3), np.int32), 4), {}
    yield "empty-lengths-differ", (x[:0], np.zeros((2, 3), np.int32), 4), {}


def _bitserial() -> Special:
    x = np.ones((2, 3), np.int32)
    yield "planes-2-d", (x, np.zeros((3, 2), np.uint8)), {}
    yield "planes-4-d", (x, np.zeros((2, 3, 2, 1), np.uint8)), {}
    yield "lengths-differ", (x, np.zeros((2, 2, 3), np.uint8)), {}


def _convolution() -> Special:
    x, codes = np.ones((1, 4, 5, 4), np.int32), np.zeros((3, 3, 2, 6), np.int32)
    yield "groups-missing", (x, codes, 4), {}
    yield "groups-zero", (x, codes, 4), {"groups": 0}
    yield "groups-zero-for-one", (x, np.zeros((3, 3, 4, 6), np.int32), 4), {"groups": 0}
    yield "stride-zero-for-one", (x, np.zeros((3, 3, 4, 6), np.int32), 4), {"stride": 0}
    yield "stride-zero", (x, codes, 4), {"groups": 2, "stride": 0}
    yield "groups-too-many", (x, codes, 4), {"groups": 4}
    yield "groups-do-not-divide-outputs", (x, codes[..., :5].copy(), 4), {"groups": 2}
    yield "groups-do-not-divide-inputs", (x, codes, 4), {"groups": 3}
    yield "kernel-too-high", (x, np.zeros((5, 3, 4, 2), np.int32), 4), {}
    yield "kernel-too-wide", (x, np.zeros((3, 6, 4, 2), np.int32), 4), {}
    yield "kernel-empty", (x, np.zeros((0, 3, 4, 2), np.int32), 4), {}
    yield "kernel-too-high-padded", (x, np.zeros((7, 3, 4, 2), np.int32), 4), {"padding": 1}
    signs = np.ones((3, 3, 4, 2), np.int8)
    yield "one-bit-with-signs", (x, np.zeros((3, 3, 4, 2), np.int32), 1), {"signs": signs}


def _requantize() -> Special:
    acc = np.array([1, 2, 3], np.int64)
    for bits in range(1, 17):
        for signed in (False, True):
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            for zero in (low - 1, high + 1):
                label = f"zero-point-{zero}/n{bits}/{'signed' if signed else 'unsigned'}"
                yield label, (acc, 2**30, 31, zero, bits, signed), {}
    yield "shift-zero-with-zeros", (acc * 0, 2**30, 0, 0, 8, True), {}
    yield "empty-with-wrong-shift", (acc[:0], 2**30, 63, 0, 8, True), {}
    yield "channels-of-first-axis", (
        np.ones((3, 2), np.int64), np.full(3, 2**30), 31, 0, 8, True
    ), {}  # fmt: skip


def _assign() -> Special:
    yield "numpy-nan", ([0.1, np.float64(np.nan)],), {}


def _prune() -> Special:
    # What is wrong behind the layer at which the round stops is wrong all the same.
    reached = [1, 1, 1], [0.0] * 3, [1] * 3, [1] * 3, 0.5, 2.0, 1
    for argument, place, value in (
        ("bits", 0, 17), ("betas", 1, 1.5), ("betas", 1, float("nan")), ("ks", 2, -1),
        ("sizes", 3, -1),
    ):  # fmt: skip
        changed: list[Any] = list(reached)
        changed[place] = [*changed[place][:-1], value]
        yield f"behind-the-end/{argument}-{value}", tuple(changed), {}
    yield "alpha-nan-where-reached", (*reached[:4], float("nan"), 2.0, 1), {}
    yield "alpha-shorter", ([8, 8], [0.1, 0.1], [1, 1], [1, 1], [0.3], 9.0, 1), {}


def _compression() -> Special:
    yield "nothing", ([], []), {}
    yield "no-weights", ([0, 0], [8, 8]), {}
    yield "width-of-empty-layer", ([1, 0], [8, 17]), {}


_SPECIAL: dict[str, Any] = {
    "normalize": _normalize,
    "normalize_signed": _normalize,
    "normalize_backward": _normalize_backward,
    "normalize_signed_backward": _normalize_backward,
    "lsb_nonzero_rate": _rate,
    "dequantize": _codes_of_each_width,
    "bit_planes": _bit_planes,
    "integer_weights": _integer_weights,
    "integer_linear": _integer_linear,
    "bitserial_linear": _bitserial,
    "integer_conv2d": _convolution,
    "requantize": _requantize,
    "assign_k": _assign,
    "prune_step": _prune,
    "compression": _compression,
}
