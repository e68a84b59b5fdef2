"""Activations: quotients on ties and beside them, in the dtype of the activations [S8.1]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.forms import USUAL, in_forms
from msq_ref.conformance.cases.plan import FLOATS, MAIN, WIDTHS, Plan, flag_name, neighbours
from msq_ref.conformance.cases.points import subnormals

__all__ = ["activation_cases"]

SCALES = (1.0, 0.5, 0.1, 1 / 3, 0.0123, 7.77, 1e-3)


def activation_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``activation_codes``."""
    for dtype in FLOATS:
        for n in WIDTHS:
            for signed in (False, True):
                for i, scale in enumerate(SCALES):
                    if (n + i) % 3 and not plan.at_least("full") and n not in (1, 8, 16):
                        continue
                    x = _telling(plan, dtype, n, scale)
                    id = f"{name}/ties/n{n}/{_form(signed)}/scale-{scale:.3g}/{dtype}"
                    case = case_of(id, name, x, scale, n, signed)
                    form = ("two-axes", "four-axes", "strided")[(n + i + signed) % 3]
                    yield from in_forms(case, (form,))
        for flag in (False, True, np.False_, np.True_):
            yield from _extremes(name, dtype, flag)


def _telling(plan: Plan, dtype: np.dtype[Any], n: int, scale: float) -> NDArray[Any]:
    """Return products of the scale with halves, wholes, and their neighbours; clamped ones too."""
    rng = plan.rng("activations", n, scale, dtype.name)
    top = 2**n
    halves = np.arange(-2 * top - 6, 2 * top + 7) / 2
    if len(halves) > 800:
        ends = np.concatenate([halves[:40], halves[-40:]])
        near = np.arange(-60, 61) / 2
        half = np.concatenate([top / 2 + near, -top / 2 + near])
        halves = np.concatenate([ends, near, half, rng.choice(halves, 350)])
    exact = (halves * np.longdouble(dtype.type(scale))).astype(dtype)
    values = np.concatenate([neighbours(exact), _reciprocal_differs(rng, dtype, n, scale)])
    normal = (np.abs(values) >= np.finfo(dtype).tiny) | (values == 0)
    values = values[np.isfinite(values) & normal]
    values = values[: MAIN - 4]
    far = rng.normal(0, top * scale, MAIN - len(values)).astype(dtype)
    far[:4] = [0.0, -0.0, 1e30, -1e30]
    return np.concatenate([values, far])


def _reciprocal_differs(
    rng: np.random.Generator, dtype: np.dtype[Any], n: int, scale: float
) -> NDArray[Any]:
    """Return numbers whose code a product with 1 / s, or another precision, gets wrong."""
    kind, s = dtype.type, dtype.type(scale)
    halves = np.floor(rng.uniform(-(2**n), 2**n, 4_000)) + 0.5
    x = neighbours((halves * np.longdouble(s)).astype(dtype))
    right = np.rint(x / s)
    wrong = right != np.rint(x * (kind(1) / s))
    wrong |= right != np.rint(x.astype(np.longdouble) / np.longdouble(s))
    wrong |= right != np.rint(x.astype(np.float64) / scale)
    return np.unique(x[wrong])[:600]


def _extremes(name: str, dtype: np.dtype[Any], signed: Any) -> Iterator[Case]:
    """Yield quotients that overflow, scales at the ends of the range, and types of the scale."""
    info = np.finfo(dtype)
    largest, tiny = float(info.max), float(info.tiny)
    far = [2.0**31, -(2.0**31), 3e9, -3e9, 2.0**63]
    x = np.array([largest, -largest, 1, -1, 0, -0.0, *far], dtype)
    form = f"{_form(signed)}-{flag_name(signed)}/{dtype}"
    scales: dict[str, Any] = {
        "one": 1.0, "largest": largest, "smallest-normal": tiny, "integer": 2,
        "float32": np.float32(0.3), "float64": np.float64(0.3), "rounds-to-largest": 3.4028235e38,
        "numpy-integer": np.int64(3),
    }  # fmt: skip
    for label, scale in scales.items():
        for n in (1, 8, 16):
            id = f"{name}/extreme/{label}/n{n}/{form}"
            forms = USUAL if label in ("one", "float32") else ()
            yield from in_forms(case_of(id, name, x, scale, n, signed), forms)
    ties = np.array([0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 3.5], dtype)
    for n in (1, 2, 3, 4, 8, 16):
        for scale in (1.0, 0.1, 3.0):
            id = f"{name}/few-ties/n{n}/scale-{scale:g}/{form}"
            few = ties * dtype.type(scale)
            yield from in_forms(case_of(id, name, few, scale, n, signed))
    least = float(info.smallest_subnormal)
    yield case_of(f"{name}/subnormal/{form}", name, subnormals(dtype), least * 3, 8, signed)
    for kind in (np.int8, np.uint8, np.uint64):
        id = f"{name}/width-type/{kind.__name__}/{form}"
        yield case_of(id, name, x, 1.0, kind(16), signed, clauses=("S0.2",))


def _form(signed: Any) -> str:
    return "signed" if signed else "unsigned"
