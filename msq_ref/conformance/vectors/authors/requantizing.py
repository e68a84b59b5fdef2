"""Cases of requantization [S9.4]."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_widths
from msq_ref.conformance.vectors.authors.integers import integers
from msq_ref.conformance.vectors.authors.planes import code_range
from msq_ref.conformance.vectors.authors.points import WIDTHS, generator

__all__ = ["requantize"]

LEAST, MOST, LIMIT = 2**30, 2**31 - 1, 2**31 - 1
"""Of the multiplier, and of |acc|."""

LEGAL: dict[str, Any] = {
    "acc": np.array([[5, -5], [3, 1]], np.int64),
    "multiplier": LEAST,
    "shift": 31,
    "zero_point": 0,
    "bits": 8,
    "signed": True,
}


def requantize(author: Author) -> None:
    """Write halves of both signs, single roundings, every shift, both clamps, channels."""
    rng = generator("requantize")
    half: dict[str, Any] = {"multiplier": LEAST, "shift": 31, "zero_point": 0}
    author.legal(
        "the spec's table: half up, towards plus infinity below zero too",
        acc=np.array([-3, -1, 1, 3], np.int64), bits=8, signed=True, **half,
    )  # fmt: skip
    author.legal(
        "a sum of -1/2 rounds to 0 before the zero point is added",
        acc=np.array([-1, -2, -3], np.int64), multiplier=LEAST, shift=31, zero_point=7, bits=4,
        signed=False,
    )  # fmt: skip
    for bits in WIDTHS:
        for signed in (False, True):
            low, high = code_range(bits, signed)
            middle = (low + high) // 2
            acc = [2 * (low - middle) + d for d in (-3, -2, -1, 0, 1)]
            acc += [2 * (high - middle) + d for d in (-1, 0, 1, 2, 3)]
            author.legal(
                f"both clamps, {bits} bits{', signed' * signed}", acc=np.array(acc, np.int64),
                multiplier=LEAST, shift=31, zero_point=middle, bits=bits, signed=signed,
            )  # fmt: skip
            author.legal(
                f"drawn, {bits} bits{', signed' * signed}",
                acc=integers(rng, (6,), -LIMIT, LIMIT, "int64"),
                multiplier=LEAST + rng.getrandbits(30), shift=62 - bits, zero_point=high // 2,
                bits=bits, signed=signed,
            )  # fmt: skip
    for shift in (1, 2, 15, 30, 31, 32, 33, 45, 61, 62):
        multiplier = LEAST + rng.getrandbits(30)
        wide = {0, 1, -1, LIMIT, -LIMIT, LIMIT // 3}
        if shift >= 31:  # the two accumulators next to each half
            wide |= {((2 * code + 1) << (shift - 1)) // multiplier + d for code in (0, 1, -1, -2, 5)
                    for d in (0, 1)}  # fmt: skip
        author.legal(
            f"shift {shift}", acc=np.array(sorted(a for a in wide if abs(a) <= LIMIT), np.int64),
            multiplier=multiplier, shift=shift, zero_point=0, bits=16, signed=True,
        )  # fmt: skip
    for shift in (31, 32, 34, 38, 40, 48):
        step = 2 ** (shift - 31)  # an odd multiple of half of it is a tie for m = 2^30
        for m in (LEAST, 3 * 2**29):
            acc = [odd * step for odd in (-7, -5, -3, -1, 1, 3, 5, 7)]
            author.legal(
                f"exact ties, shift {shift}, multiplier {m}", acc=np.array(acc, np.int64),
                multiplier=m, shift=shift, zero_point=0, bits=8, signed=True,
            )  # fmt: skip
            beside = [a + d for a in acc for d in (-1, 1)]
            author.legal(
                f"one accumulator beside each tie, shift {shift}, multiplier {m}", "BesideTie",
                acc=np.array(sorted(set(beside)), np.int64), multiplier=m, shift=shift,
                zero_point=0, bits=8, signed=True,
            )  # fmt: skip
    for shift in (33, 36, 40, 46):
        found = _double_rounding(shift, rng)
        author.legal(
            f"rounding at 31 bits first is wrong, shift {shift}", "DoubleRounding",
            acc=np.array([a for a, _ in found], np.int64), shift=shift, zero_point=0, bits=16,
            multiplier=np.array([m for _, m in found], np.int64), signed=True,
        )  # fmt: skip
    author.legal(
        "the largest product", acc=np.array([LIMIT, -LIMIT], np.int64), multiplier=MOST, shift=46,
        zero_point=-5, bits=16, signed=True,
    )  # fmt: skip
    for bits, signed in ((8, True), (8, False), (1, False), (1, True)):
        for zero_point in code_range(bits, signed):
            author.legal(
                f"a zero point at the end of the range, {zero_point} of {bits} bits",
                acc=np.array([-2, -1, 0, 1, 2], np.int64), multiplier=LEAST, shift=31,
                zero_point=zero_point, bits=bits, signed=signed,
            )  # fmt: skip
    _per_channel(author)
    for dtype in ("int8", "uint8", "int16", "int32", "uint32"):
        author.legal(
            f"acc of dtype {dtype}: the product needs 64 bits",
            **{**LEGAL, "acc": np.array([100, 3, 127], dtype)},
        )  # fmt: skip
    author.legal("no axes", **{**LEGAL, "acc": np.array(-7, np.int64)})
    author.legal("nothing", **{**LEGAL, "acc": np.zeros((0, 3), np.int64)})
    _illegal(author)


def _per_channel(author: Author) -> None:
    rng = generator("requantize per channel")
    for shape in ((3,), (4, 3), (2, 2, 2, 3)):
        acc = integers(rng, shape, -(2**20), 2**20, "int64")
        m = integers(rng, (3,), LEAST, MOST, "int64")
        s, z = np.array([43, 45, 44]), np.array([0, 100, 255])
        one: dict[str, Any] = {"multiplier": LEAST + 5, "shift": 44, "zero_point": 3}
        for each in ({"multiplier": m}, {"shift": s}, {"zero_point": z},
                     {"multiplier": m, "shift": s, "zero_point": z}):  # fmt: skip
            author.legal(
                f"{', '.join(each)} per channel, acc of shape {shape}", acc=acc, bits=8,
                signed=False, **{**one, **each},
            )  # fmt: skip
    author.legal(
        "per channel where rows are as many as channels: the last axis counts",
        acc=integers(rng, (3, 3), -(2**20), 2**20, "int64"),
        multiplier=np.array([LEAST, MOST, 3 * 2**29]), shift=np.array([44, 45, 46]),
        zero_point=np.array([0, -10, 10]), bits=8, signed=True,
    )  # fmt: skip


def _illegal(author: Author) -> None:
    for name, value, comment in (
        ("multiplier", LEAST - 1, "one below 2^30"),
        ("multiplier", 2**31, "2^31"),
        ("multiplier", 0, "zero"),
        ("multiplier", -LEAST, "negative"),
        ("shift", 0, "zero"),
        ("shift", 63, "63"),
        ("shift", -1, "negative"),
        ("zero_point", 128, "one above the range"),
        ("zero_point", -129, "one below the range"),
        ("acc", np.array([0, 2**31]), "2^31"),
        ("acc", np.array([0, -(2**31)]), "-2^31"),
        ("acc", np.array([2**32 + 1, 0]), "legal in its low 32 bits only"),
        ("multiplier", np.array([LEAST, 2**31]), "2^31 in one channel"),
        ("shift", np.array([31, 63]), "63 in one channel"),
        ("zero_point", np.array([0, 128]), "out of range in one channel"),
    ):
        flag = "OutOfRange"
        author.illegal(f"{name}: {comment}", flag, clauses=("S9.4",), **{**LEGAL, name: value})
    author.illegal(
        "zero_point: out of an unsigned range", "OutOfRange",
        **{**LEGAL, "zero_point": -1, "signed": False},
    )  # fmt: skip
    for name, value in (("multiplier", LEAST), ("shift", 31), ("zero_point", 0)):
        for count in (1, 3):
            author.illegal(
                f"{name}: {count} for 2 channels", "WrongShape", clauses=("S9.4",),
                **{**LEGAL, name: np.full(count, value, np.int64)},
            )  # fmt: skip
        author.illegal(
            f"{name}: an axis too many", "WrongShape", clauses=("S9.4",),
            **{**LEGAL, name: np.full((2, 2), value, np.int64)},
        )  # fmt: skip
    wrong: tuple[tuple[str, Any], ...] = (
        ("acc", np.array([1.0, 2.0])), ("acc", np.array([True, False])),
        ("multiplier", float(LEAST)), ("shift", 31.0), ("zero_point", 0.5), ("shift", True),
    )  # fmt: skip
    for name, value in wrong:
        author.illegal(
            f"{name}: no integer", "WrongType", errors=ANY_ERROR, **{**LEGAL, name: value}
        )
    bad_widths(author, **{key: value for key, value in LEGAL.items() if key != "bits"})


def _double_rounding(shift: int, rng: Any) -> list[tuple[int, int]]:
    """Find (acc, m) for which rounding at 2^31 and then at the rest of the shift is wrong."""
    found: list[tuple[int, int]] = []
    while len(found) < 6:
        m = LEAST + rng.getrandbits(30)
        # Near a half of the last step: acc m ~ (2 j + 1) 2^(s-1).
        acc = ((2 * rng.getrandbits(8) + 1) << (shift - 1)) // m + rng.getrandbits(1)
        acc = -acc if rng.getrandbits(1) else acc
        once = (acc * m + 2 ** (shift - 1)) >> shift
        first = (acc * m + 2**30) >> 31
        if (first + 2 ** (shift - 32)) >> (shift - 31) != once and abs(acc) <= LIMIT:
            found.append((acc, m))
    return found
