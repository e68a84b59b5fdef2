"""Integer weights and products: every width, sums beyond 53 bits, the overflow proof [S9]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.conformance.case import Case, case_of, invalid_case
from msq_ref.conformance.cases.forms import in_forms
from msq_ref.conformance.cases.plan import INTEGERS, WIDTHS, Plan, flag_name

__all__ = ["bitserial_cases", "largest_legal", "linear_cases", "weight_cases"]

LINES, LENGTH, OUTPUTS = 5, 67, 4
"""Sizes of most products: (LINES, LENGTH) with (LENGTH, OUTPUTS)."""

SIGN_TYPES = (np.int8, np.int16, np.int32, np.int64, np.float32, np.float64)


def largest_legal(length: int, bits: int) -> int:
    """Return the largest |x| for which a product provably stays below 2^63 [S9.2]."""
    return (2**63 - 1) // (2 * length * (2**bits - 1))


def weight_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``integer_weights``."""
    for n in WIDTHS:
        case = case_of(f"{name}/codes/n{n}/offset", name, _every_code(plan, n), n)
        yield from in_forms(case)
        if n == 1:
            continue
        codes = _every_code(plan, n - 1)
        signs = plan.rng("signs", n).integers(-1, 2, codes.size)
        signs[:3] = 1, -1, 0
        for kind in SIGN_TYPES if n in (2, 8, 9, 16) else SIGN_TYPES[n % 6 : n % 6 + 1]:
            id = f"{name}/codes/n{n}/signed/{kind.__name__}"
            yield from in_forms(case_of(id, name, codes, n, signs=signs.astype(kind)))
    for dtype in INTEGERS:
        top = min(int(np.iinfo(dtype).max), 2**16 - 1)
        codes = np.array([top, 0, 1, top - 1, top // 2], dtype)
        yield case_of(f"{name}/dtype/{dtype}/offset", name, codes, 16)
        narrow = np.minimum(codes.astype(np.int64), 2**15 - 1).astype(dtype)
        signs = np.array([-1, 1, -1, 0, -1], np.int8)
        yield case_of(f"{name}/dtype/{dtype}/signed", name, narrow, 16, signs=signs)
        if dtype.itemsize == 1:
            # Twice a code, or its sign, leaves the dtype.
            n = 8 if dtype.kind == "u" else 7
            yield case_of(f"{name}/narrow/{dtype}/offset", name, codes, n)
    for width in (np.int8(16), np.uint8(16), np.uint64(16)):
        id = f"{name}/width-type/{width.dtype}"
        yield case_of(id, name, np.arange(64, dtype=np.int32), width, clauses=("S0.2",))


def linear_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``integer_linear``."""
    for n in WIDTHS:
        for label, x in _activations(plan, n):
            for signs in (False, True) if n > 1 else (False,):
                codes, optional = _matrix(plan, n, signs)
                id = f"{name}/{label}/n{n}/{'signed' if signs else 'offset'}"
                yield case_of(id, name, x, codes, n, **optional)
    for dtype in INTEGERS:
        x, codes = _of_dtype(plan, dtype)
        yield case_of(f"{name}/dtype/{dtype}/both", name, x, codes, 8)
        yield case_of(f"{name}/dtype/{dtype}/x", name, x, codes.astype(np.int32), 7)
        yield case_of(f"{name}/dtype/{dtype}/codes", name, x.astype(np.int64), codes, 7)
    for bits in (1, 8, 16):
        yield from _int32_limit(name, bits)
    for length in (1, 3, LENGTH):
        for bits in (1, 2, 8, 16):
            codes = np.full((length, 2), 2**bits - 1, np.int32)
            codes[:, 1] = 0
            yield from _int64_limit(name, length, bits, codes, clauses=("S9.2",))
    yield from _shapes(name)
    yield from _large(name, plan)
    for kind in SIGN_TYPES:
        x = _of_dtype(plan, np.dtype(np.int16))[0]
        codes, optional = _matrix(plan, 8, True)
        signs = optional["signs"].astype(kind)
        yield case_of(f"{name}/signs/{kind.__name__}", name, x, codes, 8, signs=signs)


def bitserial_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``bitserial_linear``."""
    for n in WIDTHS:
        for signed in (False, True):
            for label, x in _activations(plan, n):
                id = f"{name}/{label}/n{n}/{'signed' if signed else 'unsigned'}"
                optional: dict[str, Any] = {"signed": True} if signed else {}
                yield case_of(id, name, x, _planes(plan, n), **optional)
    for dtype in INTEGERS:
        x, codes = _of_dtype(plan, dtype)
        planes = reference.bit_planes(codes, 7).astype(dtype)
        for flag in (False, True, np.False_, np.True_):
            id = f"{name}/dtype/{dtype}/signed-{flag_name(flag)}"
            yield case_of(id, name, x, planes, signed=flag)
    for length in (1, 3, LENGTH):
        for bits in (1, 2, 8, 16):
            planes = np.zeros((bits, length, 2), np.uint8)
            planes[..., 0] = 1
            yield from _int64_limit(name, length, None, planes, clauses=("S9.2", "S9.3"))
    yield from _shapes(name)
    yield from _large(name, plan)


def _every_code(plan: Plan, n: int) -> NDArray[np.int32]:
    top = 2**n - 1
    codes = np.concatenate([[top, top, top, 0, 1, top // 2], np.arange(min(top + 1, 256))])
    rest = plan.rng("every", n).integers(0, top + 1, 700 - len(codes))
    return np.concatenate([codes, rest]).astype(np.int32)


def _matrix(plan: Plan, n: int, signs: bool) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Return codes, with them the signs; a column each of the largest and of the smallest."""
    rng = plan.rng("matrix", n, signs)
    top = 2 ** (n - signs) - 1
    codes = rng.integers(0, top + 1, (LENGTH, OUTPUTS)).astype(np.int32)
    codes[:, 0], codes[:, 1] = top, 0
    if not signs:
        return codes, {}
    sign = rng.integers(-1, 2, codes.shape).astype(np.int8)
    sign[:, 0] = -1
    return codes, {"signs": sign}


def _planes(plan: Plan, n: int) -> NDArray[np.uint8]:
    planes = plan.rng("planes", n).integers(0, 2, (n, LENGTH, OUTPUTS)).astype(np.uint8)
    planes[..., 0], planes[..., 1] = 1, 0
    planes[:, :, 2] = 0
    planes[-1, :, 2] = 1
    return planes


def _activations(plan: Plan, n: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield codes of 8 bits, sums above 2^31, and sums above 2^53 whose every bit counts."""
    rng = plan.rng("x", n)
    shape = LINES, LENGTH
    yield "uint8", rng.integers(0, 256, shape).astype(np.uint8)
    yield "int8", rng.integers(-128, 128, shape).astype(np.int8)
    wide = rng.integers(-(2**31), 2**31, shape)
    wide[0], wide[1] = 2**31 - 1, -(2**31)
    yield "int32", wide.astype(np.int32)
    largest = largest_legal(LENGTH, n)
    huge = rng.integers(-largest, largest + 1, shape)
    huge[0], huge[1] = largest, -largest
    huge[2] = largest - np.arange(LENGTH)
    yield "int64", huge


def _of_dtype(plan: Plan, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return activations at the ends of a dtype, as far as legal, and codes of 7 bits."""
    rng, info = plan.rng("dtype", dtype.name), np.iinfo(dtype)
    largest = largest_legal(LENGTH, 8)
    low, high = max(int(info.min), -largest), min(int(info.max), largest)
    x = rng.integers(low, high, (LINES, LENGTH), dtype=dtype, endpoint=True)
    x[0], x[1] = high, low
    return x, rng.integers(0, 128, (LENGTH, OUTPUTS)).astype(dtype)


def _int32_limit(name: str, bits: int) -> Iterator[Case]:
    """Yield products at the limit up to which int32 may be used inside [S9.2], and just beyond."""
    top = 2**bits - 1
    codes = np.full((LENGTH, OUTPUTS), top, np.int32)
    codes[:, 1] = 0
    for label, limit in (("of-twice-the-sum", 2**31), ("of-the-sum", 2**32), ("uint32", 2**33)):
        edge = (limit - 1) // (2 * LENGTH * top)
        for step in (0, 1):
            x = np.full((LINES, LENGTH), edge + step, np.int64)
            x[1:] *= -1
            id = f"{name}/int32-limit/{label}/{'beyond' if step else 'below'}/n{bits}"
            yield case_of(id, name, x, codes, bits, clauses=("S9.2",))
            if bits > 1:
                signs = np.ones(codes.shape, np.int8)
                signs[:, 2] = -1
                yield case_of(f"{id}/signed", name, x, codes // 2, bits, signs=signs)


def _int64_limit(
    name: str, length: int, bits: int | None, weights: NDArray[Any], clauses: tuple[str, ...]
) -> Iterator[Case]:
    """Yield the largest product that is provably below 2^63, and the first that is refused."""
    width = len(weights) if bits is None else bits
    rest = () if bits is None else (bits,)
    largest = largest_legal(length, width)
    for sign in (1, -1):
        label = f"{name}/int64-limit/K{length}/n{width}/{'positive' if sign > 0 else 'negative'}"
        x = np.full((2, length), sign * largest, np.int64)
        yield case_of(f"{label}/legal", name, x, weights, *rest, clauses=clauses)
        x = np.zeros((2, length), np.int64)
        x[1, -1] = sign * (largest + 1)
        yield invalid_case(f"{label}/refused", name, x, weights, *rest, clauses=clauses)
    x = np.zeros((2, length), np.int64)
    x[1, 0] = -(2**63)  # has no absolute value in int64
    label = f"{name}/int64-limit/K{length}/n{width}"
    yield invalid_case(f"{label}/least", name, x, weights, *rest, clauses=clauses)
    x = np.zeros((2, length), np.uint64)
    x[1, 0] = 2**63 + 1  # negative when taken for an int64
    yield invalid_case(f"{label}/uint64", name, x, weights, *rest, clauses=clauses)


def _large(name: str, plan: Plan) -> Iterator[Case]:
    """Yield products beyond any block, and square ones, in which axes may be mixed up."""
    for lines, length, outputs in ((2, 3, 300), (300, 3, 2), (2, 3001, 3), (33, 65, 66), (4, 4, 4)):
        rng = plan.rng(name, lines, length, outputs)
        x = rng.integers(-128, 128, (lines, length)).astype(np.int32)
        codes = rng.integers(0, 16, (length, outputs)).astype(np.int32)
        id = f"{name}/large/{lines}x{length}x{outputs}"
        if name == "integer_linear":
            yield case_of(id, name, x, codes, 4)
            signs = rng.integers(-1, 2, codes.shape).astype(np.int8)
            yield case_of(f"{id}/signed", name, x, codes // 2, 4, signs=signs)
        else:
            yield case_of(id, name, x, reference.bit_planes(codes, 4))


def _shapes(name: str) -> Iterator[Case]:
    """Yield products of every shape: a vector, batches, nothing to add, nothing to give."""
    shapes = ((3,), (2, 3), (2, 4, 3), (1, 1, 1, 3), (0, 3), (2, 0, 3), (0,), (4, 0))
    for shape in shapes:
        for outputs in (2, 0, 1):
            length = shape[-1]
            x = (np.arange(np.prod(shape)).reshape(shape) - 3).astype(np.int32)
            codes = (np.arange(length * outputs).reshape(length, outputs) % 4).astype(np.int32)
            label = "x".join(map(str, shape))
            id = f"{name}/product/{label}/M{outputs}"
            if name == "integer_linear":
                yield case_of(id, name, x, codes, 2, clauses=("S0.3", "S9.1"))
            else:
                planes = reference.bit_planes(codes, 2)
                yield case_of(id, name, x, planes, clauses=("S0.3", "S9.3"))
