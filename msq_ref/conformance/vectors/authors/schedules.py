"""Cases of sensitivity, k, pruning and compression [S5.5], [S5.6], [S6]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_floats
from msq_ref.conformance.vectors.authors.points import DTYPES, WIDTHS, floats, generator, neighbours

__all__ = ["assign_k", "compression", "prune_step", "sensitivity"]


def sensitivity(author: Author) -> None:
    """Write sums in one order, float64 throughout, and traces of both signs."""
    rng = generator("sensitivity")
    author.legal("3, 4, 5", trace=2.0, quantized=np.array([3.0, 0.0]), weights=np.array([0.0, 4.0]))
    for dtype in DTYPES:
        for size in (1, 2, 31, 32, 33, 64, 100, 333):
            author.legal(
                f"{size} drawn, {dtype}", trace=floats(rng, 1, "float64", 16.0).item(),
                quantized=floats(rng, size, dtype), weights=floats(rng, size, dtype),
            )  # fmt: skip
        one, other = floats(rng, 6, dtype), floats(rng, 6, dtype)
        for trace in (-3.7, 0.0, -0.0, 1e-300, 1e300, 7):
            author.legal(
                f"a trace of {trace!r}, {dtype}", trace=trace, quantized=one, weights=other
            )
        for trace in (1.0, -1.0):
            author.legal(
                f"nothing was lost: a zero with the sign of the trace, {dtype}", trace=trace,
                quantized=one, weights=one.copy(),
            )  # fmt: skip
        author.legal(
            f"large and small squares: lanes keep them apart, {dtype}", "OrderMatters", trace=1.0,
            quantized=np.array([2.0**26 if i % 32 == 0 else 1.0 for i in range(96)], dtype),
            weights=np.zeros(96, dtype),
        )  # fmt: skip
        author.legal(f"nothing, {dtype}", trace=2.5, quantized=np.zeros(0, dtype),
                     weights=np.zeros(0, dtype))  # fmt: skip
        author.legal(f"no axes, {dtype}", trace=2.5, quantized=np.array(0.5, dtype),
                     weights=np.array(0.75, dtype))  # fmt: skip
        shaped = floats(rng, 12, dtype).reshape(2, 3, 2)
        author.legal(f"three axes, {dtype}", trace=2.5, quantized=shaped, weights=shaped / 2)
        least = np.finfo(dtype).smallest_subnormal
        author.legal(
            f"subnormal differences, {dtype}", trace=2.0**60,
            quantized=np.array([least, -least], dtype), weights=np.array([0.0, least], dtype),
        )  # fmt: skip
        if dtype == "float32":
            author.legal(
                "the difference is taken in float64", "OrderMatters", trace=1.0,
                quantized=np.array([1.0, 2.0**20], dtype), weights=np.array([2.0**-40, 0.1], dtype),
            )  # fmt: skip
        size = 17000 if dtype == "float32" else 9000
        author.legal(
            f"chunks of 8192, the last cut short, {dtype}", "Large", trace=0.5,
            quantized=floats(rng, size, dtype), weights=floats(rng, size, dtype),
        )  # fmt: skip
        author.illegal(f"shapes differ, {dtype}", "WrongShape", trace=1.0,
                       quantized=np.ones(2, dtype), weights=np.ones((2, 1), dtype))  # fmt: skip
        other_dtype = DTYPES[1 - DTYPES.index(dtype)]
        author.illegal(
            f"dtypes differ, {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.3",), trace=1.0,
            quantized=np.ones(2, dtype), weights=np.ones(2, other_dtype),
        )  # fmt: skip
    two = np.array([0.25, 0.5])
    for trace in (math.nan, math.inf, -math.inf):
        author.illegal(f"a trace of {trace}", "NotFinite", trace=trace, quantized=two, weights=two)
    author.illegal("a boolean is no trace", "WrongType", errors=ANY_ERROR, trace=True,
                   quantized=two, weights=two)  # fmt: skip
    five = np.ones(5)
    bad_floats(author, "quantized", [0.25, 0.5], trace=1.0, weights=five)
    bad_floats(author, "weights", [0.25, 0.5], trace=1.0, quantized=five)


def assign_k(author: Author) -> None:
    """Write ties, which give 1 whatever a float mean would say."""
    rng = generator("assign_k")
    for omegas, comment in (
        ([0.1, 0.1, 0.1], "the spec's example: the float mean of equals exceeds them"),
        ([0.7] * 6, "six equals, whose float mean is below them"),
        ([1.0], "one layer ties with itself"),
        ([1.0, 2.0, 3.0], "the middle one ties with the mean"),
        ([2.0, 2.0], "two equals"),
        ([-1.0, 1.0], "the mean is 0"),
        ([-1.0, 0.0, 1.0], "0 ties with the mean of opposites"),
        ([0.0, -0.0], "zeros of both signs are equal"),
        ([-3.0, -2.0, -1.0], "all negative"),
        ([1e308, 1e308, 1.0], "a float sum would overflow"),
        ([1.7e308, 1.7e308, 1.7e308], "equals whose float sum is infinite"),
        ([-1.7e308, 1.7e308, 0.0], "opposites near the end of the range"),
        ([5e-324, 5e-324, 0.0], "subnormal: a float mean would round"),
        ([5e-324, 0.0], "the mean lies between neighbours"),
        ([1.0, neighbours(1.0, "float64")[1]], "one ulp apart: below the mean by half an ulp"),
        ([1.0, neighbours(1.0, "float64")[0], 1.0], "one ulp below two others"),
        ([1e16, 1.0, -1e16], "a float sum loses the 1"),
        ([1e16, 1e16, 1.0, 1e16 + 2], "a float sum loses the 1"),
        ([1, 2, 3, 4], "integers are real numbers"),
    ):
        author.legal(comment, omegas=omegas)
    for value in (0.2, 0.3, 0.7, 1.1, 2.675, 1e-5):
        for count in (3, 5, 6, 7, 10):
            author.legal(f"{count} times {value:g}: a tie for all", omegas=[value] * count)
    for count in (2, 3, 4, 6, 8, 12, 20, 54):
        author.legal(f"{count} drawn", omegas=floats(rng, count, "float64", 8.0).tolist())
    author.illegal("no layers", "Empty", clauses=("S5.6",), omegas=[])
    for bad in (math.nan, math.inf, -math.inf):
        author.illegal(f"{bad} among them", "NotFinite", clauses=("S5.6",), omegas=[1.0, bad, 2.0])
    author.illegal("a boolean", "WrongType", errors=ANY_ERROR, omegas=[1.0, True])
    author.illegal(
        "nothing in place of a number", "WrongType", errors=ANY_ERROR, omegas=[1.0, None]
    )


def compression(author: Author) -> None:
    """Write exact fractions, in lowest terms."""
    rng = generator("compression")
    for width in WIDTHS:
        author.legal(f"one layer of {width} bits: 32 / {width}", sizes=[10], bits=[width])
    for count in (2, 3, 5, 8, 20, 54):
        drawn = [1 + rng.getrandbits(20) for _ in range(count)]
        author.legal(f"{count} layers", sizes=drawn, bits=[1 + rng.getrandbits(4) for _ in drawn])
    for sizes, bits, comment in (
        ([1, 1, 1], [6, 6, 8], "the spec's example: 96/20"),
        ([3, 0, 5], [4, 16, 2], "an empty layer counts nothing"),
        ([0, 7], [1, 3], "an empty layer first"),
        ([432, 4608, 9216], [8, 3, 2], "a small network"),
        ([10**9, 1], [1, 16], "very different sizes"),
        ([2**31, 2**31 - 1], [7, 5], "more weights than an int32 counts"),
        ([2**53 + 1, 2], [3, 16], "more than a double counts"),
        ([10**18, 3], [16, 1], "stored bits beyond int64"),
        ([2**62, 2**62, 2**62], [11, 13, 7], "sums beyond int64"),
        ([3, 3, 3, 1], [1, 1, 1, 1], "one bit each: 32"),
    ):
        author.legal(comment, sizes=sizes, bits=bits)
    _bad_layers(author)


def prune_step(author: Author) -> None:
    """Write strict comparisons, stops in the middle of a round, least widths."""
    rng = generator("prune_step")

    def call(comment: str, **changes: Any) -> None:
        arguments = {
            "bits": [8, 8, 8], "betas": [0.0, 0.0, 0.0], "ks": [2, 2, 2], "sizes": [1, 1, 1],
            "alpha": 0.3, "target": math.inf, "n_min": 1, **changes,
        }  # fmt: skip
        author.legal(comment, **arguments)

    call("the spec's example: the target is reached after two layers", target=4.8)
    call("an infinite target is never reached")
    below, above = neighbours(4.8, "float64")
    call("the float 4.8 is a little below 96/20: reached", target=4.8, sizes=[7, 7, 7])
    call("one ulp more is not reached by 96/20", target=above)
    call("one ulp less", target=below)
    call("a target of exactly 32/8 holds on entry: nothing changes", target=4.0)
    call("a target one ulp above 32/8 does not", target=neighbours(4.0, "float64")[1])
    call("a target below what is there already", target=0.5)
    call("an integer target", target=5)
    call("beta = alpha is not below it", betas=[0.3, 0.29999999999999993, 0.30000000000000004])
    call("one threshold a layer", alpha=[0.1, 0.2, 0.3], betas=[0.15, 0.15, 0.3])
    call("thresholds beyond all rates", alpha=[2.0, -1.0, 1.0], betas=[1.0, 0.0, 1.0])
    call("a threshold of 0 prunes nothing", alpha=0.0)
    call("a threshold of -0 prunes nothing", alpha=-0.0)
    call("never below the least width", bits=[3, 2, 4], n_min=2)
    call("a layer at the least width stays", bits=[2, 8, 2], n_min=2)
    call("the maximum is applied by itself to a large k", ks=[7, 8, 100])
    call("k = 0 drops nothing", ks=[0, 1, 0])
    call("max(n - k, n_min) lifts what is below n_min", bits=[2, 8, 3], n_min=4)
    call("rates of 1", betas=[1.0, 1.0, 1.0])
    call("an empty layer loses bits without any effect", sizes=[0, 5, 1], target=4.5)
    call("a large layer reaches the target at once", sizes=[10**6, 1, 1], target=5.0)
    call("a small layer does not", sizes=[1, 10**6, 1], target=5.0)
    call("sizes beyond a double", sizes=[2**60 + 1, 2**60, 3], target=4.8)
    call("widths of every kind", bits=[16, 12, 9], ks=[1, 2, 1], target=3.0)
    call("one layer", bits=[8], betas=[0.1], ks=[2], sizes=[100])
    for bits in WIDTHS:
        for n_min in (1, 2):
            call(f"{bits} bits, n_min = {n_min}", bits=[bits] * 3, ks=[1, 2, 3], n_min=n_min)
    for count in (4, 8, 20):
        for target in (4.5, 6.0, 10.0, math.inf):
            call(
                f"{count} layers drawn, target {target:g}",
                bits=[2 + rng.getrandbits(3) for _ in range(count)],
                betas=[rng.getrandbits(10) / 1024 for _ in range(count)],
                ks=[1 + rng.getrandbits(1) for _ in range(count)],
                sizes=[1 + rng.getrandbits(12) for _ in range(count)],
                alpha=[0.3 + 0.5 * rng.getrandbits(1) for _ in range(count)], n_min=2,
                target=target,
            )  # fmt: skip
    _bad_rounds(author)


def _bad_rounds(author: Author) -> None:
    legal: dict[str, Any] = {
        "bits": [8, 8], "betas": [0.5, 0.5], "ks": [1, 1], "sizes": [3, 4], "alpha": 0.3,
        "target": 10.0, "n_min": 1,
    }  # fmt: skip
    for changes, flag, comment in (
        ({"bits": [8, 0]}, "WrongWidth", "a width of 0"),
        ({"bits": [17, 8]}, "WrongWidth", "a width of 17"),
        ({"betas": [0.5, -0.1]}, "OutOfRange", "a negative rate"),
        ({"betas": [0.5, 1.5]}, "OutOfRange", "a rate above 1"),
        ({"betas": [math.nan, 0.5]}, "NotFinite", "a rate that is no number"),
        ({"ks": [1, -1]}, "OutOfRange", "a negative k"),
        ({"sizes": [3, -4]}, "OutOfRange", "a negative size"),
        ({"sizes": [0, 0]}, "OutOfRange", "no weights at all"),
        ({"alpha": math.nan}, "NotFinite", "a threshold that is no number"),
        ({"alpha": [0.3, math.inf]}, "NotFinite", "an infinite threshold"),
        ({"target": 0.0}, "OutOfRange", "a target of 0"),
        ({"target": -1.0}, "OutOfRange", "a negative target"),
        ({"target": math.nan}, "NotFinite", "a target that is no number"),
        ({"n_min": 0}, "WrongWidth", "n_min of 0"),
        ({"n_min": 17}, "WrongWidth", "n_min of 17"),
        ({"betas": [0.5]}, "WrongShape", "one rate for two layers"),
        ({"ks": [1, 1, 1]}, "WrongShape", "three k for two layers"),
        ({"sizes": [3]}, "WrongShape", "one size for two layers"),
        ({"alpha": [0.3]}, "WrongShape", "one threshold in a list for two layers"),
        ({"alpha": [0.3, 0.3, 0.3]}, "WrongShape", "three thresholds for two layers"),
    ):
        author.illegal(comment, flag, **{**legal, **changes})
    for changes, comment in (
        ({"bits": [8, 8.0]}, "a width that is a float"),
        ({"ks": [1, True]}, "a k that is a boolean"),
        ({"sizes": [3, 4.0]}, "a size that is a float"),
        ({"n_min": 1.0}, "an n_min that is a float"),
    ):
        author.illegal(comment, "WrongType", clauses=("S0.2",), **{**legal, **changes})


def _bad_layers(author: Author) -> None:
    for sizes, bits, flag, comment in (
        ([], [], "Empty", "no layers"),
        ([0, 0], [8, 8], "Empty", "no weights"),
        ([3, -1], [8, 8], "OutOfRange", "a negative size"),
        ([3, 4], [8, 0], "WrongWidth", "a width of 0"),
        ([3, 4], [17, 8], "WrongWidth", "a width of 17"),
        ([3, 4], [8], "WrongShape", "one width for two layers"),
        ([3], [8, 8], "WrongShape", "two widths for one layer"),
        ([3, 4.0], [8, 8], "WrongType", "a size that is a float"),
        ([3, True], [8, 8], "WrongType", "a size that is a boolean"),
        ([3, 4], [8, 8.0], "WrongType", "a width that is a float"),
    ):
        errors = ANY_ERROR if flag == "WrongType" and bits == [8, 8] else ("ValueError",)
        author.illegal(comment, flag, errors=errors, sizes=sizes, bits=bits)
