"""The update: each operation rounded by itself, in the dtype of the weights [S12.1]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import FLOATS, MAIN, Plan
from msq_ref.conformance.cases.points import subnormals

__all__ = ["update_cases"]

RATES: dict[str, tuple[Any, Any, Any]] = {
    "usual": (0.1, 0.9, 1e-4),
    "strong-decay": (0.3, 0.9, 0.3),
    "thirds": (1 / 3, 2 / 3, 1 / 7),
    "no-momentum": (0.1, 0.0, 0.01),
    "no-decay": (0.1, 0.9, 0.0),
    "no-step": (0.0, 0.9, 1e-4),
    "all-zero": (0.0, 0.0, 0.0),
    "minus-zeros": (-0.0, -0.0, -0.0),
    "momentum-one": (0.1, 1.0, 0.0),
    "momentum-above-one": (0.1, 1.5, 0.01),
    "large": (10.0, 0.99, 2.0),
    "integers": (1, 1, 1),
    "float32": (np.float32(0.1), np.float32(0.9), np.float32(1e-4)),
    "float64": (np.float64(0.1), np.float64(0.9), np.float64(1e-4)),
    "numpy-integers": (np.int64(2), np.int8(1), np.int32(1)),
    "tiny": (1e-30, 1e-10, 1e-20),
}


def update_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``sgd_step``."""
    for dtype in FLOATS:
        arrays = _arrays(plan, dtype, 0)
        for label, rates in RATES.items():
            yield from in_forms(case_of(f"{name}/rates/{label}/{dtype}", name, *arrays, *rates))
        for i in range(1, plan.pick(4, 60, 600)):
            rng = plan.rng(name, i)
            random = rng.random(3).tolist()
            yield case_of(f"{name}/random/{i}/{dtype}", name, *_arrays(plan, dtype, i), *random)
        yield from _signed_zeros(name, dtype)
        small: Any = subnormals(dtype)
        yield from in_forms(case_of(
            f"{name}/subnormal/{dtype}", name, small, small / 2, -small, 0.5, 0.9, 0.25
        ))  # fmt: skip
        largest = np.finfo(dtype).max
        w: Any = np.array([largest, -largest, 1, -1, 0], dtype)
        grad: Any = np.array([largest, -largest, largest, -largest, 1], dtype)
        yield case_of(f"{name}/overflow/{dtype}", name, w, grad, grad, 0.5, 0.9, 1.0)
        yield case_of(f"{name}/large/{dtype}", name, w / 8, grad / 8, grad / 8, 0.5, 0.9, 1.0)


def _arrays(plan: Plan, dtype: np.dtype[Any], i: int) -> tuple[NDArray[Any], ...]:
    """Return weights, gradients and velocities, some of which nearly cancel in each sum.

    Where a sum cancels, what a fused product did not round off is all that is left.
    """
    rng = plan.rng("update", i)
    w, grad, velocity = (rng.standard_normal(MAIN).astype(dtype) for _ in range(3))
    half = MAIN // 3
    kind = dtype.type
    grad[:half] = -kind(1e-4) * w[:half]
    velocity[half : 2 * half] = -grad[half : 2 * half] / kind(0.9)
    w[2 * half :] = kind(0.1) * (kind(0.9) * velocity[2 * half :] + grad[2 * half :])
    return w, grad, velocity


def _signed_zeros(name: str, dtype: np.dtype[Any]) -> Iterator[Case]:
    """Yield every combination of zeros and signs: IEEE 754 says which zero comes out."""
    values = np.array([0.0, -0.0, 1.0, -1.0], dtype)
    w, grad, velocity = (part.ravel() for part in np.meshgrid(values, values, values))
    for label, rates in {
        "zero-rates": (0.0, 0.0, 0.0), "ones": (1.0, 1.0, 1.0), "momentum": (0.0, 1.0, 0.0),
        "decay": (1.0, 0.0, 1.0),
    }.items():  # fmt: skip
        id = f"{name}/signed-zeros/{label}/{dtype}"
        yield from in_forms(case_of(id, name, w, grad, velocity, *rates))
        for i in range(0, w.size - 7, 7):
            some = slice(i, i + 7)
            yield case_of(f"{id}/{i}", name, w[some], grad[some], velocity[some], *rates)
