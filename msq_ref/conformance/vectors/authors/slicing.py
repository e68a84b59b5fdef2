"""Cases of the slices and of the regularizer [S3], [S4]."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from msq_ref.conformance.vectors.authors.author import Author
from msq_ref.conformance.vectors.authors.illegal import bad_slices, bad_units, bad_widths
from msq_ref.conformance.vectors.authors.points import (
    DTYPES,
    around,
    generator,
    roundclamp_edges,
    some,
    units,
)
from msq_ref.conformance.vectors.authors.quantizers import odd_units

__all__ = ["lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate"]

TOP = 2**15 - 1
"""``B_15`` of u = 1 at 16 bits, the largest of all slices [S3.2]."""


def lsb(author: Author) -> None:
    """Write edges of both codes, the grid whose low bits are zero, the clamp."""
    rng = generator("lsb")
    author.legal("the spec's example: c_4 = 6, c_2 = 1", u=np.array(0.35), bits=4, k=2)
    author.legal("rounding slicing goes below zero", u=np.array(0.45), bits=4, k=2)
    author.legal("the coarse code clamps: B = 2^k - 1", u=np.array(1.0), bits=4, k=2)
    for bits in range(2, 17):
        for k in sorted({1, 2, bits // 2, bits - 1} - {bits}):
            dtype = DTYPES[(bits + k) % 2]
            edges = some(roundclamp_edges(bits - k), rng) + some(roundclamp_edges(bits), rng)[-3:]
            author.legal(
                f"edges of both codes and their neighbours, {bits} bits, k = {k}, {dtype}",
                "BesideTie", u=around(edges, dtype), bits=bits, k=k,
            )  # fmt: skip
    for bits in (2, 3, 4, 5):
        for k in range(1, bits):
            dtype = DTYPES[k % 2]
            points = [Fraction(j, 2 ** (bits + 1)) for j in range(2 ** (bits + 1) + 1)]
            author.legal(
                f"every edge and centre with its neighbours, {bits} bits, k = {k}, {dtype}",
                "EveryEdge", "BesideTie", u=around(points, dtype), bits=bits, k=k,
            )  # fmt: skip
    for bits, k in ((8, 1), (8, 2), (8, 5), (12, 2), (16, 2)):
        coarse = 2 ** (bits - k)
        grid = [Fraction(j, coarse) for j in range(0, coarse, coarse // 8)]
        author.legal(
            f"on the grid j / 2^(n-k) nothing is left, {bits} bits, k = {k}", clauses=("S2.5",),
            u=np.array([float(point) for point in grid]), bits=bits, k=k,
        )  # fmt: skip
    for bits in (6, 9, 13):
        for dtype in DTYPES:
            author.legal(f"drawn, {bits} bits, {dtype}", u=units(rng, 12, dtype), bits=bits, k=2)
    odd_units(author, bits=6, k=2)
    bad_units(author, "u", ("S2.1", "S3.1"), bits=4, k=1)
    bad_widths(author, u=np.array([0.25, 0.5]), k=1)
    bad_slices(author, u=np.array([0.25, 0.5]))


def lsb_l1(author: Author) -> None:
    """Write sums on the unit scale: exact to the last bit however large."""
    _sums(author)


def lsb_l1_codes(author: Author) -> None:
    """Write sums in code units."""
    _sums(author)


def lsb_l1_grad(author: Author) -> None:
    """Write signs, zero where the low bits are zero."""
    rng = generator("lsb_l1_grad")
    author.legal("the spec's example", u=np.array([0.3, 0.5, 0.7]), bits=4, k=1)
    for dtype in DTYPES:
        author.legal(
            f"sign(0) = 0: on the grid there is no gradient, {dtype}",
            u=np.array([0.0, 0.25, 0.5, 0.75], dtype), bits=6, k=4,
        )  # fmt: skip
        author.legal(
            f"where both codes clamp the sign is 1, {dtype}",
            u=np.array([0.9375, 0.96875, 1.0], dtype), bits=6, k=3,
        )  # fmt: skip
    _every_width(author)
    for bits in (2, 3, 4):
        for k in range(1, bits):
            points = [Fraction(j, 2 ** (bits + 1)) for j in range(2 ** (bits + 1) + 1)]
            for dtype in DTYPES:
                author.legal(
                    f"every edge and centre with its neighbours, {bits} bits, k = {k}, {dtype}",
                    "EveryEdge", "BesideTie", u=around(points, dtype), bits=bits, k=k,
                )  # fmt: skip
    author.legal("two axes", u=units(rng, 6, "float32").reshape(2, 3), bits=8, k=2)
    _others(author)


def lsb_nonzero_rate(author: Author) -> None:
    """Write two counts, divided once."""
    rng = generator("lsb_nonzero_rate")
    author.legal("none: on the grid", u=np.array([0.0, 0.25, 0.5, 0.75]), bits=4, k=2)
    author.legal("all", u=np.array([0.3, 0.7, 1.0]), bits=4, k=2)
    for size in (3, 7, 10, 41, 49, 93):
        for dtype in DTYPES:
            u = np.zeros(size, dtype)
            for count in (1, size // 3, size - 1):
                u[:count] = 0.3125
                author.legal(
                    f"{count} of {size}: one division, in float64 whatever the dtype, {dtype}",
                    u=u.copy(), bits=4, k=2,
                )  # fmt: skip
    _every_width(author)
    author.legal("many", "Large", u=units(rng, 3001, "float32"), bits=8, k=1)
    author.illegal("the rate of nothing", "Empty", clauses=("S3.4",), u=np.zeros(0), bits=4, k=1)
    author.illegal(
        "the rate of nothing",
        "Empty",
        clauses=("S3.4",),
        u=np.zeros((2, 0), np.float32),
        bits=4,
        k=1,
    )
    _others(author)


def _sums(author: Author) -> None:
    rng = generator(author.operation.name)
    author.legal("the spec's example: 2, or 2/16", u=np.array([0.3, 0.5, 0.7]), bits=4, k=1)
    author.legal("magnitudes, not values: -1 and 1", u=np.array([0.45, 0.3125]), bits=4, k=2)
    _every_width(author)
    for dtype in DTYPES:
        for size in (5, 33, 100):
            author.legal(f"{size} drawn, {dtype}", u=units(rng, size, dtype), bits=11, k=5)
    # Every term is odd, so beyond 2^24 a float32 sum loses the last bit at each step.
    author.legal("a sum above 2^24", u=np.ones(520, np.float32), bits=16, k=15)
    author.legal("a sum above 2^24, float64", u=np.ones(515), bits=16, k=15)
    author.legal(
        "a sum above 2^31", "Large", u=np.ones(2**31 // TOP + 3, np.float32), bits=16, k=15
    )
    _others(author)


def _every_width(author: Author) -> None:
    rng = generator(f"{author.operation.name} widths")
    for bits in range(2, 17):
        for k in sorted({1, bits // 2, bits - 1}):
            dtype = DTYPES[(bits + k) % 2]
            u = np.concatenate(
                [around(some(roundclamp_edges(bits - k), rng)[-4:], dtype), units(rng, 4, dtype)]
            )
            author.legal(f"edges and drawn, {bits} bits, k = {k}, {dtype}", u=u, bits=bits, k=k)


def _others(author: Author) -> None:
    odd_units(author, bits=6, k=2)
    bad_units(author, "u", ("S2.1", "S3.1"), bits=4, k=1)
    bad_widths(author, u=np.array([0.25, 0.5]), k=1)
    bad_slices(author, u=np.array([0.25, 0.5]))
