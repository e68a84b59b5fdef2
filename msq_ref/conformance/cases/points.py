"""Where quantizers go wrong: on bin edges, one ulp beside them, and at the ends of the interval."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.cases.plan import MAIN, Plan, neighbours

__all__ = ["constants", "ends", "few_points", "points", "subnormals"]

EXHAUSTIVE = {"quick": 8, "full": 12, "deep": 16}
"""Width up to which every bin edge is visited, by level."""


def points(plan: Plan, bits: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the points on which a width is tried: `unit_points`, in no order.

    Arrays have one length where that can be: the rest are points again, at random, so that in a
    sum over them no two mistakes cancel, and random numbers.
    """
    return _points(plan, bits, dtype)


@functools.lru_cache(maxsize=64)
def _points(plan: Plan, bits: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    rng = plan.rng("points", bits, dtype.name)
    found = unit_points(bits, dtype, rng, exhaustive=bits <= EXHAUSTIVE[plan.level])
    room = max(MAIN - len(found), 100)
    again = rng.choice(found, room - room // 8)
    values = np.concatenate([found, again, rng.random(room // 8).astype(dtype)])
    rng.shuffle(values)
    values.flags.writeable = False
    return values


def unit_points(
    bits: int, dtype: np.dtype[Any], rng: np.random.Generator, *, exhaustive: bool
) -> NDArray[Any]:
    """Return the points where codes change, each with its neighbours, and the interval's ends.

    These are the bin edges of RoundClamp at a width and all smaller ones, the grid points between
    them, and the edges of DoReFa.

    Not `exhaustive`: the first, the last, those around 1/2, and random ones.
    """
    steps, top = 2 ** (bits + 1), 2 * (2**bits - 1)
    if exhaustive:
        edges = np.arange(steps + 1) / steps
        others = np.arange(top + 1) / top
    else:
        edges = np.concatenate([
            _sampled(2 ** (n + 1), rng, 4 if n == bits else 1) for n in range(1, bits + 1)
        ])  # fmt: skip
        others = np.concatenate([_sampled(top, rng, 2), _two_dtypes_differ(bits, rng)])
    values = neighbours(np.concatenate([edges, others]).astype(dtype))
    values = values[((values >= np.finfo(dtype).tiny) | (values == 0)) & (values <= 1)]
    return np.concatenate([np.unique(values), ends(dtype)])


def few_points(bits: int, dtype: np.dtype[Any], k: int = 0) -> list[NDArray[Any]]:
    """Return arrays of 7 points: ties of the code and of the coarse code, beside them, the ends."""
    kind = dtype.type
    step, coarse = 2.0 ** -(bits + 1), 2.0 ** (k - bits - 1)
    ties = [step, 3 * step, 1 - step, coarse, 3 * coarse, 1 - coarse, 0.5 - coarse, 0.5 + step]
    top = 2 * (2**bits - 1)
    others = [1 / top, 3 / top, (top // 2) / top]
    values = np.array(ties + others).astype(dtype)
    values = np.clip(values, kind(0), kind(1))
    rows = np.concatenate([
        [0, 1, step, 1 - step, coarse, 1 - coarse, 0.5], values,
        np.nextafter(values, kind(0)), np.nextafter(values, kind(1)),
    ]).astype(dtype)  # fmt: skip
    rows[(rows < np.finfo(dtype).tiny) & (rows > 0)] = 0
    return list(np.resize(rows, (-(-len(rows) // 7), 7)))


def constants(dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    """Return arrays of one value, by its name: a sum or a maximum over them is an end as well."""
    values = {"zeros": 0.0, "minus-zeros": -0.0, "ones": 1.0, "halves": 0.5, "thirds": 1 / 3}
    return {label: np.full(MAIN, value, dtype) for label, value in values.items()}


def ends(dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return both zeros, the smallest normal numbers, and those around 1."""
    kind, info = dtype.type, np.finfo(dtype)
    below = np.nextafter(kind(1), kind(0))
    return np.array([0.0, -0.0, info.tiny, 5 * info.tiny, info.eps, 0.5, below, 1.0], dtype)


def subnormals(dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return subnormal numbers, apart from all others: a backend may flush them [S0.3]."""
    info = np.finfo(dtype)
    least, tiny = info.smallest_subnormal, info.tiny
    below = np.nextafter(dtype.type(tiny), dtype.type(0))
    return np.array([least, 3 * least, 1000 * least, tiny / 4, tiny / 2, below, 0, 1], dtype)


def _sampled(steps: int, rng: np.random.Generator, share: int) -> NDArray[np.float64]:
    """Return some of ``j / steps``: the first, the last, around 1/2, and random ones."""
    near = np.arange(4 * share)
    middle = steps // 2 + np.arange(-2 * share, 2 * share + 1)
    chosen = np.concatenate([near, steps - near, middle, rng.integers(0, steps, 8 * share)])
    return np.unique(chosen[(chosen >= 0) & (chosen <= steps)]) / steps


def _two_dtypes_differ(bits: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return float32 numbers whose product with DoReFa's scale rounds across a bin edge."""
    scale = 2**bits - 1
    u = neighbours(((np.arange(scale) + 0.5) / scale).astype(np.float32))
    differ = np.rint(np.float32(scale) * u) != np.rint(scale * u.astype(np.float64))
    found = u[differ].astype(np.float64)
    return rng.choice(found, min(len(found), 150), replace=False)
