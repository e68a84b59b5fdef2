"""Cases of the update [S12.1]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_floats
from msq_ref.conformance.vectors.authors.points import DTYPES, floats, generator
from msq_ref.conformance.vectors.exact import exactly

__all__ = ["sgd_step"]

RATES = ((0.1, 0.9, 5e-4), (0.05, 0.0, 0.0), (1.0, 1.0, 1.0), (0.3, 0.99, 0.0), (0.01, 0.9, 0.01))


def sgd_step(author: Author) -> None:
    """Write single roundings, none fused; signs of zeros; both ends of the range."""
    rng = generator("sgd_step")
    for dtype in DTYPES:

        def call(comment: str, w: Any, g: Any, v: Any, rates: Any, dtype: str = dtype) -> None:
            lr, momentum, decay = rates
            author.legal(
                f"{comment}, {dtype}", w=np.asarray(w, dtype), grad=np.asarray(g, dtype),
                velocity=np.asarray(v, dtype), lr=lr, momentum=momentum, weight_decay=decay,
            )  # fmt: skip

        for rates in RATES:
            for count in (1, 8):
                w, g, v = (floats(rng, count, dtype) for _ in range(3))
                call(f"{count} drawn, rates {rates}", w, g, v, rates)
        for rates in (RATES[0], RATES[4]):
            for operation in range(3):
                fused = _fused(rng, dtype, rates, operation)
                call(f"a fused multiply-add differs in step {operation + 1}", *fused, rates)
        call(
            "the sum rounds to even", [1.0, 1.0], [2.0**-24, 2.0**-53], [0.0, 0.0], (1.0, 0.0, 0.0)
        )
        call(
            "all rates 0: only the velocity changes",
            [1.0, -1.0],
            [0.5, 0.25],
            [3.0, 4.0],
            (0, 0, 0),
        )
        call("integers are real numbers", [1.0, -1.0], [0.5, 0.25], [3.0, 4.0], (1, 1, 2))
        zeros = [0.0, -0.0]
        call(
            "zeros of both signs", [0.0, 0.0, -0.0, -0.0, 0.0, -0.0], zeros * 3,
            [0.0, -0.0, -0.0, 0.0, -0.0, -0.0], (0.1, 0.9, 0.1),
        )  # fmt: skip
        call("opposites cancel to +0", [1.0, -1.0], [1.0, -1.0], [0.0, 0.0], (1.0, 0.9, 0.0))
        least, tiny = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny
        call("subnormal weights", [least, -least, tiny], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0],
             (0.5, 0.9, 0.5))  # fmt: skip
        call("a velocity that underflows", [0.5, 0.5], [0.0, 0.0], [least, -5 * least],
             (0.5, 0.5, 0.0))  # fmt: skip
        call("a gradient lost beside the velocity", [0.5], [2.0**-60], [1.0], (0.1, 1.0, 0.0))
        largest = float(np.finfo(dtype).max)
        call("beyond the largest number", [0.5, -0.5], [largest, -largest], [largest, -largest],
             (0.5, 1.0, 0.0))  # fmt: skip
        call("no axes", 0.5, -0.25, 0.125, RATES[0])
        w, g, v = (floats(rng, 12, dtype).reshape(2, 3, 2) for _ in range(3))
        call("three axes", w, g, v, RATES[0])
        call("nothing", np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), RATES[0])
        _illegal(author, dtype)
    author.legal(
        "rates are rounded to float32 first", "OrderMatters", w=np.array([1.0, 3.0], np.float32),
        grad=np.array([1.0, 0.7], np.float32), velocity=np.array([1.0, -0.3], np.float32), lr=0.1,
        momentum=0.7, weight_decay=0.3,
    )  # fmt: skip
    good: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    five = np.ones(5)
    for name in ("w", "grad", "velocity"):
        others = {key: five for key in ("w", "grad", "velocity") if key != name}
        bad_floats(author, name, [0.25, 0.5], **others, **good)
    one = np.ones(1)
    for name in good:
        for value, flag in ((-0.1, "OutOfRange"), (math.nan, "NotFinite"), (math.inf, "NotFinite")):
            author.illegal(
                f"{name} of {value}", flag, w=one, grad=one, velocity=one, **{**good, name: value}
            )
        author.illegal(
            f"a boolean is no {name}", "WrongType", errors=ANY_ERROR, w=one, grad=one, velocity=one,
            **{**good, name: True},
        )  # fmt: skip


def _illegal(author: Author, dtype: str) -> None:
    two, column = np.ones(2, dtype), np.ones((2, 1), dtype)
    other = np.ones(2, DTYPES[1 - DTYPES.index(dtype)])
    good: dict[str, Any] = {
        "w": two, "grad": two, "velocity": two, "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0,
    }  # fmt: skip
    for name in ("grad", "velocity"):
        author.illegal(
            f"{name} of another shape: nothing broadcasts, {dtype}", "WrongShape",
            **{**good, name: column},
        )  # fmt: skip
        author.illegal(
            f"{name} of another dtype, {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.3",),
            **{**good, name: other},
        )  # fmt: skip


def _fused(
    rng: Any, dtype: str, rates: Any, step: int
) -> tuple[list[float], list[float], list[float]]:
    """Find elements for which fusing the multiply-add of a step alone shows."""
    lr, momentum, decay = rates
    # Without the rate of the other steps only one product is left to be fused.
    only = [(0.0, 0.0, decay), (0.0, momentum, 0.0), (lr, 0.0, 0.0)][step]
    found: list[tuple[float, ...]] = []
    for _ in range(2000):
        trial = [floats(rng, 1, dtype) for _ in range(3)]
        arguments = dict(zip(("w", "grad", "velocity"), trial, strict=True))
        answer = exactly(
            "sgd_step",
            {**arguments, **dict(zip(("lr", "momentum", "weight_decay"), only, strict=True))},
        )
        if "FusedMultiplyAdd" in answer.flags:
            found.append(tuple(value.item() for value in trial))
        if len(found) == 4:
            break
    first, second, third = ([values[i] for values in found] for i in range(3))
    return first, second, third
