"""Integer convolutions: every combination of stride, padding, groups and kernel [S9.1], [S11.1]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.case import Case, case_of, invalid_case
from msq_ref.conformance.cases.integers import largest_legal
from msq_ref.conformance.cases.plan import INTEGERS, WIDTHS, Plan

__all__ = ["convolution_cases"]

INT64 = np.dtype(np.int64)


class Sizes(NamedTuple):
    """Of a convolution: images, kernel, channels, and how it moves."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    inputs: int
    outputs: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    batch: int = 2


SIZES: dict[str, Sizes] = {
    "plain": Sizes((5, 7), (3, 2), 3, 4),
    "pointwise": Sizes((4, 5), (1, 1), 3, 4),
    "pointwise-stride": Sizes((5, 6), (1, 1), 3, 4, stride=2),
    "pointwise-padding": Sizes((3, 4), (1, 1), 3, 2, padding=1),
    "one-tap": Sizes((2, 3), (1, 1), 1, 2),
    "whole-image": Sizes((3, 4), (3, 4), 2, 3),
    "same": Sizes((5, 6), (3, 3), 2, 3, padding=1),
    "same-stride": Sizes((6, 7), (3, 3), 2, 3, stride=2, padding=1),
    "remainder": Sizes((7, 8), (3, 3), 2, 3, stride=3),
    "stride-above-kernel": Sizes((7, 8), (2, 2), 2, 3, stride=3),
    "padding-above-kernel": Sizes((3, 4), (2, 2), 2, 3, padding=3),
    "padding-larger-than-image": Sizes((1, 2), (3, 3), 2, 3, padding=2),
    "wide": Sizes((3, 9), (1, 5), 2, 3, padding=2),
    "tall": Sizes((9, 3), (5, 1), 2, 3, padding=2),
    "groups": Sizes((5, 6), (3, 2), 4, 6, groups=2),
    "groups-of-three": Sizes((4, 5), (2, 3), 6, 3, padding=1, groups=3),
    "depthwise": Sizes((5, 6), (3, 3), 4, 4, padding=1, groups=4),
    "depthwise-multiplier": Sizes((5, 6), (3, 3), 3, 6, stride=2, padding=1, groups=3),
    "depthwise-multiplier-three": Sizes((4, 4), (2, 2), 2, 6, groups=2),
    "one-image": Sizes((5, 5), (3, 3), 2, 2, padding=1, batch=1),
    "no-images": Sizes((5, 5), (3, 3), 2, 2, padding=1, batch=0),
    "one-channel": Sizes((5, 5), (3, 3), 1, 1),
    "many": Sizes((9, 10), (3, 3), 16, 20, padding=1, batch=3),
    "many-outputs": Sizes((3, 3), (2, 2), 2, 130),
    "many-inputs": Sizes((2, 2), (2, 2), 300, 2),
    "many-positions": Sizes((33, 35), (2, 2), 1, 2),
    "square": Sizes((3, 3), (3, 3), 3, 3, padding=1, batch=3),
    "square-groups": Sizes((2, 2), (2, 2), 4, 4, padding=1, groups=2, batch=2),
}


def convolution_cases(name: str, plan: Plan) -> Iterator[Case]:
    """Yield the cases of ``integer_conv2d``."""
    for label, sizes in SIZES.items():
        for bits in (1, 4, 16):
            for signs in (False, True) if bits > 1 else (False,):
                yield _case(f"{name}/sizes/{label}", plan, sizes, bits, signs)
    sizes = SIZES["groups"]._replace(padding=1)
    for bits in WIDTHS:
        for signs in (False, True) if bits > 1 else (False,):
            yield _case(f"{name}/width", plan, sizes, bits, signs, dtype=np.dtype(np.uint8))
    for dtype in INTEGERS:
        for signs in (False, True):
            yield _case(f"{name}/dtype/{dtype}", plan, sizes, 8, signs, dtype=dtype)
    yield from _one_tap(name)
    yield from _argument_types(name, plan)
    for label in ("plain", "groups", "depthwise-multiplier", "one-tap"):
        for bits in (1, 8, 16):
            yield from _limits(f"{name}/{label}", plan, SIZES[label], bits)
    for i in range(plan.pick(0, 300, 5000)):
        sizes = _random_sizes(plan.rng(name, "sizes", i))
        bits = 1 + i % 16
        yield _case(f"{name}/random/{i}", plan, sizes, bits, bits > 1 and bool(i % 3))


def _case(
    id: str, plan: Plan, sizes: Sizes, bits: int, signs: bool,
    dtype: np.dtype[Any] = INT64,
) -> Case:  # fmt: skip
    x, codes = _arrays(plan, sizes, bits, signs, dtype)
    optional = _options(sizes)
    if signs:
        optional["signs"] = plan.rng("signs", id).integers(-1, 2, codes.shape).astype(np.int8)
    id = f"{id}/n{bits}/{'signed' if signs else 'offset'}"
    return case_of(id, "integer_conv2d", x, codes, bits, **optional)


def _options(sizes: Sizes) -> dict[str, Any]:
    """Return what differs from the defaults."""
    options = {"stride": sizes.stride, "padding": sizes.padding, "groups": sizes.groups}
    return {name: value for name, value in options.items() if value != (name != "padding")}


def _arrays(
    plan: Plan, sizes: Sizes, bits: int, signs: bool, dtype: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return images that use the dtype as far as is legal, but for int64 40 bits, and codes."""
    rng = plan.rng("convolution", sizes, bits, dtype.name)
    filters = (*sizes.kernel, sizes.inputs // sizes.groups, sizes.outputs)
    largest = min(largest_legal(int(np.prod(filters[:3])), bits), 2**40)
    info = np.iinfo(dtype)
    low, high = max(int(info.min), -largest), min(int(info.max), largest)
    x = rng.integers(
        low, high, (sizes.batch, *sizes.image, sizes.inputs), dtype=dtype, endpoint=True
    )
    top = min(2 ** (bits - signs) - 1, int(info.max))
    return x, rng.integers(0, top, filters, dtype=dtype, endpoint=True)


def _one_tap(name: str) -> Iterator[Case]:
    """Yield single taps and single pixels, far apart in value: nothing flipped or transposed."""
    x = (10 ** np.arange(6)).reshape(1, 2, 3, 1).astype(np.int64)
    for tap in range(4):
        codes = np.zeros((2, 2, 1, 1), np.int32)
        codes.flat[tap] = 1
        signs = np.ones(codes.shape, np.int8)
        yield case_of(f"{name}/tap/{tap}", name, x, codes, 2, padding=1, signs=signs)
    for channel in range(4):
        images = np.zeros((1, 2, 2, 4), np.int32)
        images[..., channel] = 1
        codes = np.arange(8, dtype=np.int32).reshape(1, 1, 2, 4) % 8
        yield case_of(f"{name}/channel/{channel}", name, images, codes, 3, groups=2)
    # A border that counted as code 0, or as the zero point, would add its share of every weight.
    ones, codes = np.ones((1, 1, 1, 1), np.int32), np.zeros((3, 3, 1, 1), np.int32)
    for bits in (1, 2, 8):
        yield case_of(f"{name}/border/n{bits}", name, ones, codes, bits, padding=1)


def _argument_types(name: str, plan: Plan) -> Iterator[Case]:
    sizes = SIZES["depthwise-multiplier"]
    x, codes = _arrays(plan, sizes, 4, False, np.dtype(np.int32))
    for kind in (np.int8, np.uint8, np.int64):
        options: dict[str, Any] = {key: kind(value) for key, value in _options(sizes).items()}
        yield case_of(f"{name}/argument-type/{kind.__name__}", name, x, codes, kind(4), **options)
    halved = codes // 2
    for sign_type in (np.int16, np.int64, np.float32, np.float64):
        signs = plan.rng(name).integers(-1, 2, codes.shape).astype(sign_type)
        options = {**_options(sizes), "signs": signs}
        yield case_of(f"{name}/signs/{sign_type.__name__}", name, x, halved, 4, **options)
    defaults: dict[str, Any] = {"stride": 1, "padding": 0, "groups": 1, "signs": None}
    x, codes = _arrays(plan, SIZES["plain"], 4, False, np.dtype(np.int32))
    yield case_of(f"{name}/defaults-given", name, x, codes, 4, **defaults)


def _limits(id: str, plan: Plan, sizes: Sizes, bits: int) -> Iterator[Case]:
    """Yield sums at the overflow proof: the reduction length is that of a group [S9.2]."""
    name = "integer_conv2d"
    x, codes = _arrays(plan, sizes, bits, False, np.dtype(np.int64))
    codes[...] = 2**bits - 1
    codes[..., 0] = 0
    largest = largest_legal(int(np.prod(codes.shape[:3])), bits)
    for sign in (1, -1):
        x = np.full_like(x, sign * largest)
        label = f"{id}/int64-limit/n{bits}/{'positive' if sign > 0 else 'negative'}"
        yield case_of(f"{label}/legal", name, x, codes, bits, clauses=("S9.2",), **_options(sizes))
        beyond = np.zeros_like(x)
        beyond[-1, -1, -1, -1] = sign * (largest + 1)
        yield invalid_case(
            f"{label}/refused", name, beyond, codes, bits, clauses=("S9.2",), **_options(sizes)
        )


def _random_sizes(rng: np.random.Generator) -> Sizes:
    groups = int(rng.integers(1, 4))
    height, width = rng.integers(1, 4, 2).tolist()
    kernel = height, width
    image = int(height + rng.integers(0, 5)), int(width + rng.integers(0, 5))
    inputs, outputs = (groups * rng.integers(1, 4, 2)).tolist()
    stride, padding = int(rng.integers(1, 4)), int(rng.integers(0, 3))
    return Sizes(image, kernel, inputs, outputs, stride, padding, groups, int(rng.integers(1, 3)))
