"""Bit planes, integer products and requantization in Python's integers [S3.3], [S9]."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.exact.answer import Answer, array, numbers, zipped

__all__ = [
    "bit_planes",
    "bitserial_linear",
    "from_bit_planes",
    "integer_conv2d",
    "integer_linear",
    "integer_weights",
    "requantize",
]


def bit_planes(codes: Any, bits: int, signed: bool = False) -> Answer:
    """Digits of the code, or of the code plus ``2^bits`` where it is negative [S3.3]."""
    digits = [code % 2**bits for code in numbers(codes)]
    planes = [digit // 2**j % 2 for j in range(bits) for digit in digits]
    return Answer(array(planes, "uint8", (bits, *codes.shape)))


def from_bit_planes(planes: Any, signed: bool = False) -> Answer:
    """``sum_j 2^j b_j``, the last negative if signed [S3.3]."""
    counts = _counts(len(planes), signed)
    flat = [numbers(plane) for plane in planes]
    codes = [_sum(counts, digits) for digits in zip(*flat, strict=True)]
    return Answer(array(codes, "int32", planes.shape[1:]))


def integer_weights(codes: Any, bits: int, signs: Any = None) -> Answer:
    """``2c - (2^n - 1)`` or ``sign * c`` [S9.1]."""
    return Answer(array(_weights(codes, bits, signs), "int32", codes.shape))


def integer_linear(x: Any, codes: Any, bits: int, signs: Any = None) -> Answer:
    """``sum_k x_k v_k`` [S9.1]; on the way, in the offset domain, the plane sums [S9.3]."""
    outputs = codes.shape[1]
    rows = _rows(x)
    columns = _columns(_weights(codes, bits, signs), outputs)
    y = [_sum(row, column) for row in rows for column in columns]
    shape = (*x.shape[:-1], outputs)
    intermediates: dict[str, Any] = {}
    if len(y) * bits <= 256:
        intermediates["activation_sums"] = array([sum(row) for row in rows], "int64", x.shape[:-1])
        if signs is None:
            partial = _plane_sums(rows, bit_planes(codes, bits).value, outputs)
            intermediates["plane_sums"] = array(partial, "int64", (bits, *shape))
    return Answer(array(y, "int64", shape), intermediates, _sizes(y))


def bitserial_linear(x: Any, planes: Any, signed: bool = False) -> Answer:
    """``sum_j 2^j sum_k b_jk x_k`` [S9.3]."""
    bits, _, outputs = planes.shape
    rows = _rows(x)
    codes = numbers(from_bit_planes(planes, signed).value)
    y = [_sum(row, column) for row in rows for column in _columns(codes, outputs)]
    shape = (*x.shape[:-1], outputs)
    intermediates: dict[str, Any] = {}
    if len(y) * bits <= 256:
        partial = _plane_sums(rows, planes, outputs)
        intermediates["plane_sums"] = array(partial, "int64", (bits, *shape))
    return Answer(array(y, "int64", shape), intermediates, _sizes(y))


def integer_conv2d(
    x: Any, codes: Any, bits: int, stride: int = 1, padding: int = 0, groups: int = 1,
    signs: Any = None,
) -> Answer:  # fmt: skip
    """Cross-correlate, one product at a time [S9.1], [S11.1]."""
    height, width, inputs, outputs = codes.shape
    v = np.array(_weights(codes, bits, signs), dtype=object).reshape(codes.shape)
    rows = (x.shape[1] + 2 * padding - height) // stride + 1
    columns = (x.shape[2] + 2 * padding - width) // stride + 1
    shape = (x.shape[0], rows, columns, outputs)
    y = []
    for image, row, column, output in itertools.product(*map(range, shape)):
        first = output // (outputs // groups) * inputs
        total = 0
        for i, j, c in itertools.product(range(height), range(width), range(inputs)):
            p, q = row * stride + i - padding, column * stride + j - padding
            if 0 <= p < x.shape[1] and 0 <= q < x.shape[2]:
                total += int(x[image, p, q, first + c]) * v[i, j, c, output]
        y.append(total)
    flags = {"Groups"} if groups > 1 else set()
    flags |= {"Depthwise"} if groups > 1 and inputs == 1 else set()
    flags |= {"Stride"} if stride > 1 else set()
    flags |= {"Padding"} if padding else set()
    return Answer(array(y, "int64", shape), {}, flags | _sizes(y))


def requantize(
    acc: Any, multiplier: Any, shift: Any, zero_point: Any, bits: int, signed: bool
) -> Answer:
    """``floor((acc m + 2^(s-1)) / 2^s) + z``, clamped [S9.4]."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    products, scaled, flags = [], [], set()
    values = zip(numbers(acc), zipped(multiplier, acc), zipped(shift, acc), strict=True)
    for a, m, s in values:
        products.append(a * m)
        scaled.append((a * m + 2 ** (s - 1)) // 2**s)
        flags |= {"Tie"} if a * m % 2**s == 2 ** (s - 1) else set()
    moved = [value + z for value, z in zip(scaled, zipped(zero_point, acc), strict=True)]
    flags |= {"Clamped"} if any(not low <= value <= high for value in moved) else set()
    flags |= {"PerChannel"} if any(np.ndim(v) for v in (multiplier, shift, zero_point)) else set()
    return Answer(
        array([min(max(value, low), high) for value in moved], "int32", acc.shape),
        {
            "product": array(products, "int64", acc.shape),
            "scaled": array(scaled, "int64", acc.shape),
        },
        flags,
    )


def _weights(codes: Any, bits: int, signs: Any) -> list[int]:
    if signs is None:
        return [2 * code - (2**bits - 1) for code in numbers(codes)]
    return [int(sign) * code for sign, code in zip(numbers(signs), numbers(codes), strict=True)]


def _counts(bits: int, signed: bool) -> list[int]:
    """Return what each plane counts."""
    return [-(2**j) if signed and j == bits - 1 else 2**j for j in range(bits)]


def _rows(x: Any) -> list[list[int]]:
    values, length = numbers(x), x.shape[-1]
    count = x.size // length if length else int(np.prod(x.shape[:-1]))
    return [values[i * length : (i + 1) * length] for i in range(count)]


def _columns(values: list[int], outputs: int) -> list[list[int]]:
    return [values[m::outputs] for m in range(outputs)]


def _plane_sums(rows: list[list[int]], planes: Any, outputs: int) -> list[int]:
    return [
        _sum(row, column)
        for plane in planes
        for row in rows
        for column in _columns(numbers(plane), outputs)
    ]


def _sum(one: Any, other: Any) -> int:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _sizes(y: list[int]) -> set[str]:
    largest = max((abs(value) for value in y), default=0)
    return {f"Accumulator{width}" for width in (24, 31, 53) if largest >= 2**width}
