"""Requantization: every shift, ties of both signs, and where other roundings differ [S9.4]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import INTEGERS, WIDTHS, Plan

__all__ = ["requantization_cases"]

LOW, HIGH = 2**30, 2**31 - 1
"""The least and greatest multiplier; the second is the greatest accumulator too."""

LENGTH = 600


def requantization_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``requantize``."""
    for shift in range(1, 63):
        for i, multiplier in enumerate(_multipliers(plan, shift)):
            acc = _accumulators(plan, multiplier, shift)
            id = f"{name}/shift/{shift}/{i}"
            yield case_of(f"{id}/signed", name, acc, multiplier, shift, 0, 16, True)
            yield case_of(f"{id}/unsigned", name, acc, multiplier, shift, 100, 16, False)
    yield from _ties(name)
    yield from _squares(name)
    yield from _ranges(name, plan)
    yield from _per_channel(name, plan)
    yield from _types(name, plan)
    for i in range(plan.pick(0, 300, 5000)):
        rng = plan.rng(name, "random", i)
        multiplier, shift = int(rng.integers(LOW, HIGH + 1)), int(rng.integers(1, 63))
        acc = _accumulators(plan, multiplier, shift)
        zero = int(rng.integers(-128, 128))
        yield case_of(f"{name}/random/{i}", name, acc, multiplier, shift, zero, 8, True)


def _multipliers(plan: Plan, shift: int) -> list[int]:
    rng = plan.rng("multiplier", shift)
    return [LOW, HIGH, int(rng.integers(LOW, HIGH)) | 1, int(rng.integers(2**14, 2**15)) << 16]


def _accumulators(plan: Plan, multiplier: int, shift: int) -> NDArray[np.int64]:
    """Return accumulators whose products lie at and around halves, the ends, and random ones."""
    rng = plan.rng("accumulators", multiplier, shift)
    most = min(int(2.0 ** (17 + shift) / multiplier) + 2, HIGH)
    halves = rng.integers(-(2**16), 2**16, 120).astype(object) * 2 + 1
    near = [int(half) * 2 ** (shift - 1) // multiplier for half in halves]
    near = [acc + d for acc in near for d in (0, 1) if abs(acc) < HIGH]
    fixed = [0, 1, -1, 2, -2, 3, -3, HIGH, -HIGH, HIGH - 1, 2**30, -(2**30), most, -most, *near]
    fixed = [acc for acc in fixed if abs(acc) <= HIGH]
    rest = rng.integers(-most, most + 1, LENGTH - len(fixed))
    return np.concatenate([np.array(fixed, np.int64), rest])


def _ties(name: str) -> Iterator[Case]:
    """Yield exact halves of both signs: half up, not to even, nor away from zero."""
    acc = np.arange(-150, 151)
    for shift, factor in ((31, "1/2"), (32, "1/4"), (33, "1/8"), (30, "1"), (38, "1/256")):
        for zero in (0, 1, -3):
            id = f"{name}/tie/{factor}/zero-point-{zero}"
            yield from in_forms(case_of(id, name, acc, LOW, shift, zero, 8, True))
    # Three quarters: thirds of the accumulators are ties, those beside them are not.
    yield from in_forms(case_of(f"{name}/tie/3/4", name, acc, 3 * 2**29, 31, 0, 8, True))
    yield from in_forms(case_of(f"{name}/tie/3/8", name, acc, 3 * 2**29, 32, 0, 8, True))
    few = np.array([1, -1, 3, -3, 5, -5, -7])
    yield from in_forms(case_of(f"{name}/tie/few", name, few, LOW, 31, 0, 8, True))


def _squares(name: str) -> Iterator[Case]:
    """Yield products one beside a half that no float64 and no second rounding can tell from it.

    With ``y = j 2^23``, j odd, ``y^2`` is a half of 2^47, and ``(y - 1)(y + 1) = y^2 - 1``.
    """
    for j in (129, 171, 255):
        y = j * 2**23
        for label, multiplier in (("below", y + 1), ("tie", y), ("above", y - 1)):
            acc = np.array([s * (y + d) for s in (1, -1) for d in (-2, -1, 0, 1, 2)])
            acc = acc[np.abs(acc) <= HIGH]
            for zero in (0, 7):
                id = f"{name}/one-beside-a-half/{j}/{label}/zero-point-{zero}"
                yield from in_forms(case_of(id, name, acc, multiplier, 47, zero, 16, True))


def _ranges(name: str, plan: Plan) -> Iterator[Case]:
    """Yield every output range with zero points at its ends: added before the clamp."""
    for bits in WIDTHS:
        for signed in (False, True):
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            # Results from well below the range to well above it.
            edge = (high - low + 3) * np.arange(-40, 41) // 20
            acc = np.unique(np.concatenate([edge, low + np.arange(-4, 5), high + np.arange(-4, 5)]))
            acc = np.append(acc * 2 - acc % 2, [HIGH, -HIGH])
            acc = np.resize(acc, 120)
            for zero in sorted({low, high, (low + high + 1) // 2, 0 if low <= 0 <= high else low}):
                form = "signed" if signed else "unsigned"
                id = f"{name}/range/n{bits}/{form}/zero-point-{zero}"
                yield case_of(id, name, acc, 2**30 + 1, 31, zero, bits, signed)


def _per_channel(name: str, plan: Plan) -> Iterator[Case]:
    rng = plan.rng("channels")
    for shape in ((5,), (4, 5), (5, 5), (2, 5, 5), (2, 3, 4, 5), (0, 5), (3, 0)):
        channels = shape[-1]
        acc = rng.integers(-(2**20), 2**20, shape)
        multipliers = rng.integers(LOW, HIGH, channels)
        shifts = rng.integers(40, 44, channels)
        zeros = rng.integers(-128, 128, channels)
        label = f"{name}/channels/{'x'.join(map(str, shape))}"
        yield case_of(f"{label}/all", name, acc, multipliers, shifts, zeros, 8, True)
        yield case_of(f"{label}/multiplier", name, acc, multipliers, 42, 3, 8, True)
        yield case_of(f"{label}/shift", name, acc, LOW, shifts, 3, 8, True)
        yield case_of(f"{label}/zero-point", name, acc, LOW, 42, zeros, 8, True)
    acc = np.array([[HIGH, -HIGH] * 31, [1, -1] * 31, [2**20 + 1, 3] * 31])
    every = np.arange(1, 63)
    multipliers = np.resize([LOW, HIGH, 2**31 - 2**20 + 1], 62)
    for zero in (0, 5):
        id = f"{name}/channels/every-shift/zero-point-{zero}"
        yield case_of(id, name, acc, multipliers, every, zero, 16, True)


def _types(name: str, plan: Plan) -> Iterator[Case]:
    """Yield accumulators and parameters of every integer dtype: the product needs 64 bits."""
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        ends = [max(int(info.min), -HIGH), min(int(info.max), HIGH)]
        acc = np.array([*ends, 0, 1, 3, 100, 99], dtype)
        for shift in (30, 37, 45):
            id = f"{name}/dtype/{dtype}/{shift}"
            yield case_of(id, name, acc, 2**31 - 3, shift, 1, 16, False)
    acc = np.array([HIGH, -HIGH, 1, 3, -3, 1000, 12345], np.int32)
    for kind in (np.int32, np.int64, np.uint32, np.uint64):
        multiplier = kind(HIGH)
        id = f"{name}/parameter-type/{kind.__name__}"
        yield case_of(id, name, acc, multiplier, kind(45), kind(3), kind(16), np.True_)
        arrays = np.full(7, HIGH, kind), np.full(7, 45, kind), np.full(7, 3, kind)
        yield case_of(f"{id}/array", name, acc, *arrays, 16, np.False_)
    for small in (np.int8, np.uint8, np.int16):
        id = f"{name}/parameter-type/{small.__name__}"
        yield case_of(id, name, acc, 2**31 - 3, small(45), small(3), small(8), True)
        shifts, zeros = np.full(7, 45, small), np.full(7, 3, small)
        yield case_of(f"{id}/array", name, acc, 2**31 - 3, shifts, zeros, 8, True)
