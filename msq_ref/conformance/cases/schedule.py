"""Pruning: every comparison on its tie and one ulp beside it, in exact fractions [S5.6], [S6]."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from msq_ref.conformance.case import Case, case_of
from msq_ref.conformance.cases.plan import Plan

__all__ = ["assign_cases", "compression_cases", "prune_cases"]

Row = tuple[Any, ...]


def assign_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``assign_k``."""
    up, down = math.inf, -math.inf
    rows: dict[str, Any] = {
        "one": [0.3], "one-negative": [-0.3], "one-zero": [0.0],
        "two": [1.0, 2.0], "reversed": [2.0, 1.0], "negative": [-1.0, 2.0, -3.0],
        "all-zero": [0.0, -0.0, 0.0], "zeros": [0.0, -0.0, 1.0, -1.0],
        "at-the-mean": [1.0, 2.0, 3.0], "two-at-the-mean": [2.0, 1.0, 2.0, 3.0],
        "integers": [1, 2, 3, 3], "mixed-types": [np.float32(0.1), 0.1, 1, np.float64(0.1)],
        "tuple": (0.3, 0.1, 0.7), "float32": [np.float32(0.3), np.float32(0.1)],
        "sum-overflows": [1.7e308, 1.7e308, 1.6e308],
        "product-overflows": [1e308, 1.1e308, -1e308],
        "cancelling": [1e16, 1.0, -1e16, 1.0], "cancelling-more": [1e300, 1.0, -1e300, 3.0],
        "wide": [1e-300, 1e300, 1.0], "subnormal": [5e-324, 5e-324, 1e-323],
        "mean-underflows": [5e-324, 0.0, 0.0],
        "median-is-not-mean": [0.0, 0.0, 0.0, 0.0, 1.0], "one-large": [1.0, 1.0, 1.0, 100.0],
        # The mean is beside 1 by less than any fixed precision sees.
        "beyond-long-double": [1.0, 2.0, 2.0**-90], "beyond-quadruple": [1.0, 2.0, 2.0**-200],
        "beyond-all": [1.0, 2.0, 5e-324], "beyond-below": [1.0, 2.0, -(2.0**-90)],
    }  # fmt: skip
    for label, omegas in rows.items():
        yield case_of(f"{name}/{label}", name, omegas)
    values = (0.1, 0.3, 1 / 3, 0.7, 1.1, 1e-3, 2.0**-1060, 1e300, -0.1)
    for value in values:
        for count in (2, 3, 5, 6, 7, 10, 13):
            label = f"{value:g}/{count}"
            equal = [value] * count
            yield case_of(f"{name}/equal/{label}", name, equal)
            # The exact mean lies between two neighbouring floats, and rounds to one of them.
            above, below = math.nextafter(value, up), math.nextafter(value, down)
            yield case_of(f"{name}/ulp-above/{label}", name, [*equal[1:], above])
            yield case_of(f"{name}/ulp-below/{label}", name, [below, *equal[1:]])
    for i in range(plan.pick(40, 1000, 20_000)):
        rng = plan.rng(name, i)
        omegas = np.round(rng.normal(0, 1, rng.integers(1, 9)), 1 if i % 2 else 8)
        yield case_of(f"{name}/random/{i}", name, [float(omega) for omega in omegas])
    many = plan.rng(name, "many").normal(0, 1, 500)
    yield case_of(f"{name}/many", name, [float(omega) for omega in many])
    if plan.at_least("full"):
        yield case_of(f"{name}/array", name, np.array([0.3, 0.1, 0.7, 0.2]))


def compression_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``compression``."""
    rows: dict[str, Row] = {
        "one": ([10], [8]), "all-16": ([3, 4], [16, 16]), "one-bit": ([3, 4], [1, 1]),
        "weighted": ([1, 1000], [8, 2]), "fraction": ([3, 5, 7], [3, 5, 7]),
        "empty-layer": ([0, 5], [16, 3]), "tuple": ((3, 5), (8, 4)),
        "no-float": ([2**50 + 1, 3**31, 7], [3, 5, 7]),
        "above-int32": ([2**31 + 1, 2**32 - 1], [7, 11]),
        "numpy-int32": ([np.int32(2**30), np.int32(2**30 + 1)], [np.int32(8), np.int32(7)]),
        "numpy-int8": ([np.int8(100), np.int8(99)], [np.int8(16), np.uint8(5)]),
        "numpy-uint8": ([np.uint8(200), np.uint8(255)], [np.uint8(16), np.uint8(3)]),
        "numpy-int64": ([np.int64(3**30), np.int64(10)], [np.int64(5), 8]),
    }  # fmt: skip
    for label, row in rows.items():
        yield case_of(f"{name}/{label}", name, *row)
    for n in range(1, 17):
        yield case_of(f"{name}/width/{n}", name, [7, 3], [n, 17 - n])
    for i in range(plan.pick(30, 1000, 20_000)):
        rng = plan.rng(name, i)
        count = int(rng.integers(1, 9))
        sizes, bits = rng.integers(0, 10**6, count) + 1, rng.integers(1, 17, count)
        yield case_of(f"{name}/random/{i}", name, sizes.tolist(), bits.tolist())
    if plan.at_least("full"):
        yield case_of(f"{name}/array", name, np.array([30, 20, 10]), np.array([8, 7, 6]))


def prune_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``prune_step``."""
    for label, row in {**_thresholds(), **_widths(), **_targets()}.items():
        yield case_of(f"{name}/{label}", name, *row)
    for label, row in _rounded_targets(plan):
        yield case_of(f"{name}/{label}", name, *row)
    for i in range(plan.pick(60, 1000, 20_000)):
        rng = plan.rng(name, i)
        count = int(rng.integers(1, 7))
        bits, ks = rng.integers(1, 17, count).tolist(), rng.integers(0, 4, count).tolist()
        betas = (rng.integers(0, 5, count) / 4).tolist()
        alpha = betas[0] if i % 3 else [float(beta) for beta in rng.permutation(betas)]
        sizes = (rng.integers(0, 50, count) + (count == 1)).tolist()
        sizes[0] += 1
        target = float(rng.choice([2.0, 4.0, 5.5, 8.0, 16.0, math.inf]))
        row = bits, betas, ks, sizes, alpha, target, int(rng.integers(1, 4))
        yield case_of(f"{name}/random/{i}", name, *row)
    betas = [float(beta) for beta in plan.rng(name, "many").random(200)]
    for target in (4.5, math.inf):
        row = [8] * 200, betas, [1, 2] * 100, list(range(1, 201)), 0.5, target, 2
        yield case_of(f"{name}/many/{target:g}", name, *row)
    if plan.at_least("full"):
        row = tuple(map(np.array, ([8, 7], [0.2, 0.4], [2, 1], [30, 20], [0.3, 0.5])))
        yield case_of(f"{name}/array", name, *row, 9.0, 1)


def _thresholds() -> dict[str, Row]:
    """Return rounds without a target that turn on ``beta < alpha``, strictly."""
    below, above = math.nextafter(0.3, 0), math.nextafter(0.3, 1)

    def row(betas: list[Any], alpha: Any) -> Row:
        count = len(betas)
        return [8] * count, betas, [1, 2, 1, 2][:count], [10] * count, alpha, math.inf, 1

    return {
        "alpha/tie": row([0.3, below, above], 0.3),
        "alpha/zero": row([0.0, -0.0, 1.0], 0.0),
        "alpha/minus-zero": row([0.0, 5e-324, 1.0], -0.0),
        "alpha/one": row([1.0, math.nextafter(1, 0), 0.0], 1.0),
        "alpha/above-one": row([1.0, 0.5, 0.0], 1.5),
        "alpha/negative": row([1.0, 0.5, 0.0], -0.1),
        "alpha/integer": row([1.0, 0.5, 0.0], 1),
        "alpha/integer-rates": row([1, 0, 0], 1),
        "alpha/numpy": row([np.float64(0.3), np.float64(below), 0.1], np.float64(0.3)),
        "alpha/per-layer": row([0.3, 0.3, 0.3, 0.3], [0.3, 0.2, 0.4, above]),
        "alpha/per-layer-of-one": row([0.1], [0.3]),
        "alpha/per-layer-tuple": row([0.1, 0.3], (0.05, 0.5)),
        "alpha/per-layer-mixed": row([0.0, 0.5, 1.0], [1, 0, 2]),
        "alpha/all-prune": row([0.0, 0.1, 0.2, 0.25], 0.3),
        "alpha/none-prunes": row([0.9, 0.3, 0.4, 1.0], 0.3),
    }


def _widths() -> dict[str, Row]:
    """Return rounds that turn on the least width and on how much is dropped."""

    def row(bits: Any, ks: Any, n_min: Any) -> Row:
        return bits, [0.0] * len(bits), ks, [10] * len(bits), 0.5, math.inf, n_min

    return {
        "widths/n-min": row([8, 3, 2, 1], [1, 2, 2, 1], 2),
        "widths/at-n-min": row([4, 4, 5], [1, 2, 2], 4),
        "widths/n-min-above": row([2, 3, 8], [1, 0, 2], 6),
        "widths/n-min-1": row([1, 2, 3], [1, 1, 2], 1),
        "widths/n-min-16": row([16, 1, 8], [4, 4, 4], 16),
        "widths/k-zero": row([8, 4, 1], [0, 0, 0], 1),
        "widths/k-above-n": row([8, 4, 1], [9, 100, 2**40], 1),
        "widths/k-is-n": row([8, 4, 16], [8, 4, 16], 1),
        "widths/different": row([16, 9, 5], [3, 2, 1], 1),
        "widths/tuple": row((8, 7, 6), (1, 2, 1), 1),
        "widths/all-tuples": ((8, 7), (0.1, 0.4), (1, 2), (10, 20), (0.3, 0.5), 30.0, 1),
        "widths/numpy": row([np.int64(8), np.int32(7)], [np.int8(1), np.uint8(2)], np.int64(2)),
        "widths/unsigned": row([np.uint8(2), np.uint8(3)], [np.uint8(3), np.uint8(4)], np.uint8(1)),
        "widths/one-layer": row([8], [2], 1),
    }


def _targets() -> dict[str, Row]:
    """Return rounds that turn on when the compression reaches the target."""

    def row(bits: list[int], sizes: list[Any], target: Any, betas: Any = None, k: int = 2) -> Row:
        count = len(bits)
        return bits, betas or [0.0] * count, [k] * count, sizes, 0.5, target, 1

    up, down = math.nextafter(4.0, 8), math.nextafter(4.0, 0)
    return {
        "target/on-entry": row([8, 8, 8], [10, 10, 10], 4.0),
        "target/on-entry-exceeded": row([4, 8, 8], [10, 10, 10], 4),
        "target/ulp-above-entry": row([8, 8, 8], [10, 10, 10], up),
        "target/ulp-below-entry": row([8, 8, 8], [10, 10, 10], down),
        "target/in-the-middle": row([8, 8, 8], [10, 10, 10], 4.5),
        "target/exactly-in-the-middle": row([8, 8, 8], [10, 10, 10], 4.8),
        "target/exactly-reached": row([9, 8, 8], [10, 10, 10], 4.0, k=1),
        "target/ulp-above-reached": row([9, 8, 8], [10, 10, 10], up, k=1),
        "target/ulp-below-reached": row([9, 8, 8], [10, 10, 10], down, k=1),
        "target/reached-by-the-second": row([9, 9, 8, 8], [1, 1, 2, 2], 4.0, k=1),
        "target/after-the-last": row([8, 8, 8], [10, 10, 10], 32 / 6),
        "target/out-of-reach": row([8, 8, 8], [10, 10, 10], 1000.0),
        "target/infinite": row([8, 8, 8], [10, 10, 10], math.inf),
        "target/integer": row([8, 8, 8], [10, 10, 10], 5),
        "target/large-integer": row([8, 8], [10, 10], 10**30),
        "target/numpy": row([8, 8, 8], [10, 10, 10], np.float64(4.5)),
        "target/numpy-float32": row([8, 8, 8], [10, 10, 10], np.float32(4.5)),
        "target/tiny": row([16, 16], [1, 1], 1e-300),
        "target/two": row([16, 16], [1, 1], 2.0),
        "target/kept-layer-first": row([8, 8, 8], [10, 10, 10], 4.5, [0.9, 0.0, 0.0]),
        "target/first-is-large": row([8, 8, 8], [1000, 1, 1], 5.0),
        "target/last-is-large": row([8, 8, 8], [1, 1, 1000], 5.0),
        "target/empty-layer": row([8, 8, 8], [0, 10, 0], 5.0),
        "target/large-sizes": row([8, 8, 8], [2**40 + 1, 2**40, 3**25], 4.5),
        "target/numpy-sizes": row([8, 8], [np.int32(2**30), np.int32(2**30)], 4.5),
        # A least width above the present one raises it, and with it the size.
        "target/raised": (*row([2, 8, 8], [10, 10, 10], 5.4, k=3)[:6], 4),
    }


def _rounded_targets(plan: Plan) -> Iterator[tuple[str, Row]]:
    """Yield targets that are the compression rounded to a float: above the fraction, or below."""
    rng = plan.rng("targets")
    found: dict[str, list[tuple[list[int], float]]] = {"above": [], "below": []}
    while min(map(len, found.values())) < 6:
        sizes = rng.integers(1, 1000, 3).tolist()
        exact = Fraction(32 * sum(sizes), sum(8 * size for size in sizes[1:]) + 7 * sizes[0])
        rounded = float(exact)
        if Fraction(rounded) != exact:
            found["above" if Fraction(rounded) > exact else "below"].append((sizes, rounded))
    for way, i in itertools.product(found, range(6)):
        sizes, rounded = found[way][i]
        for label, target in (
            ("is", rounded),
            ("ulp-above", math.nextafter(rounded, math.inf)),
            ("ulp-below", math.nextafter(rounded, 0)),
        ):
            id = f"target/rounded-{way}/{i}/{label}"
            # The first layer goes from 8 to 7 bits, which gives the compression.
            yield id, ([8, 8, 8], [0.0] * 3, [1] * 3, sizes, 0.5, target, 1)
            yield f"{id}/on-entry", ([7, 8, 8], [0.0] * 3, [1] * 3, sizes, 0.5, target, 1)
