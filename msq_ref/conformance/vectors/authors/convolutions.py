"""Cases of integer convolutions [S9.1], [S11.1]."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_codes, bad_signs, bad_widths
from msq_ref.conformance.vectors.authors.integers import codes_of, integers
from msq_ref.conformance.vectors.authors.points import WIDTHS, generator

__all__ = ["integer_conv2d"]

SHAPES: tuple[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ("1x1", (1, 2, 2, 3), (1, 1, 3, 2), {}),
    ("3x3", (1, 4, 4, 2), (3, 3, 2, 2), {}),
    ("3x3, padded", (1, 3, 3, 2), (3, 3, 2, 2), {"padding": 1}),
    ("3x3, padded by 2: outputs that see padding only", (1, 2, 2, 1), (3, 3, 1, 1), {"padding": 3}),
    ("stride 2", (1, 5, 5, 2), (3, 3, 2, 2), {"stride": 2}),
    ("stride 2 that leaves a row over", (1, 6, 6, 1), (3, 3, 1, 2), {"stride": 2}),
    ("stride 2, padded", (1, 5, 5, 2), (3, 3, 2, 2), {"stride": 2, "padding": 1}),
    ("stride 3 above the kernel", (1, 7, 7, 1), (2, 2, 1, 1), {"stride": 3}),
    ("no squares", (1, 3, 5, 2), (2, 3, 2, 2), {}),
    ("no squares, padded, stride 2", (1, 4, 6, 1), (1, 3, 1, 2), {"stride": 2, "padding": 1}),
    ("two images", (2, 3, 3, 2), (2, 2, 2, 3), {}),
    ("two groups", (1, 3, 3, 4), (2, 2, 2, 4), {"groups": 2}),
    ("two groups of other output count", (1, 3, 3, 4), (2, 2, 2, 6), {"groups": 2}),
    ("three groups, padded, stride 2", (1, 4, 4, 6), (3, 3, 2, 3),
     {"groups": 3, "padding": 1, "stride": 2}),
    ("depthwise", (1, 4, 4, 3), (3, 3, 1, 3), {"groups": 3, "padding": 1}),
    ("depthwise, two outputs a channel", (1, 3, 3, 2), (2, 2, 1, 4), {"groups": 2}),
    ("a kernel as large as the image", (1, 3, 3, 2), (3, 3, 2, 2), {}),
    ("one pixel", (1, 1, 1, 4), (1, 1, 4, 3), {}),
)  # fmt: skip


def integer_conv2d(author: Author) -> None:
    """Write every geometry in both domains, and every width."""
    rng = generator("integer_conv2d")
    for index, (comment, images, filters, options) in enumerate(SHAPES):
        bits = 2 + index % 7
        author.legal(
            comment, x=integers(rng, images, 0, 255), codes=codes_of(rng, filters, bits), bits=bits,
            **options,
        )  # fmt: skip
        author.legal(
            f"{comment}, with signs", "WithSigns", x=integers(rng, images, -128, 127),
            codes=codes_of(rng, filters, bits - 1), bits=bits,
            signs=integers(rng, filters, -1, 1, "int8"), **options,
        )  # fmt: skip
    for bits in WIDTHS:
        author.legal(
            f"{bits} bits", x=integers(rng, (1, 3, 3, 1), -128, 127),
            codes=codes_of(rng, (2, 2, 1, 2), bits), bits=bits, padding=1,
        )  # fmt: skip
        if bits > 1:
            author.legal(
                f"{bits} bits, the sign one of them", "WithSigns",
                x=integers(rng, (1, 3, 3, 1), 0, 255), codes=codes_of(rng, (2, 2, 1, 2), bits - 1),
                bits=bits, signs=integers(rng, (2, 2, 1, 2), -1, 1, "int8"), padding=1,
            )  # fmt: skip
    for size, comment in ((2**15, "2^24"), (2**31 - 1, "2^31"), (2**41, "2^53")):
        author.legal(
            f"accumulators beyond {comment}", x=integers(rng, (1, 2, 3, 2), -size, size, "int64"),
            codes=np.full((2, 2, 2, 1), 2**16 - 1, np.int32), bits=16, padding=1,
        )  # fmt: skip
    for dtype, low, high in (("uint8", 0, 255), ("int8", -128, 127), ("uint16", 0, 2**16 - 1)):
        author.legal(
            f"x of dtype {dtype}, its ends included: no sum in that dtype",
            x=integers(rng, (1, 3, 3, 2), low, high, dtype), bits=8,
            codes=codes_of(rng, (2, 2, 2, 2), 8),
        )  # fmt: skip
    ramp = np.arange(9, dtype=np.int32).reshape(1, 3, 3, 1)
    author.legal(
        "cross-correlation: the kernel is not turned around", x=ramp,
        codes=np.array([1, 0, 0, 0], np.int32).reshape(2, 2, 1, 1), bits=1,
    )  # fmt: skip
    author.legal(
        "the integer 0 pads, whatever the codes", "Default", x=ramp + 1,
        codes=np.full((3, 3, 1, 1), 3, np.int32), bits=2, stride=1, padding=1, groups=1, signs=None,
    )  # fmt: skip
    author.legal(
        "no images",
        x=np.zeros((0, 3, 3, 1), np.int32),
        codes=np.zeros((2, 2, 1, 2), np.int32),
        bits=2,
    )
    _illegal(author, ramp)


def _illegal(author: Author, x: Any) -> None:
    codes = np.ones((2, 2, 1, 2), np.int32)
    four = np.ones((1, 3, 3, 4), np.int32)
    for arguments, comment in (
        ({"x": x[0], "codes": codes}, "images without a batch"),
        ({"x": x, "codes": codes[..., 0]}, "filters without outputs"),
        ({"x": four, "codes": codes}, "channels that do not fit"),
        ({"x": four, "codes": np.ones((2, 2, 2, 3), np.int32), "groups": 2}, "3 outputs, 2 groups"),
        (
            {"x": four, "codes": np.ones((2, 2, 1, 3), np.int32), "groups": 3},
            "4 channels, 3 groups",
        ),
        ({"x": x, "codes": np.ones((4, 4, 1, 1), np.int32)}, "a kernel larger than the image"),
        ({"x": x, "codes": np.ones((1, 6, 1, 1), np.int32), "padding": 1}, "a kernel too wide"),
    ):
        author.illegal(comment, "WrongShape", clauses=("S11.1",), bits=2, **arguments)
    sizes: tuple[tuple[str, Any], ...] = (
        ("stride", 0), ("stride", -1), ("padding", -1), ("groups", 0),
    )  # fmt: skip
    for name, value in sizes:
        author.illegal(
            f"{name} of {value}", "OutOfRange", clauses=("S11.1",), x=x, codes=codes, bits=2,
            **{name: value},
        )  # fmt: skip
    most = (2**63 - 1) // (2 * 4 * 3)
    author.illegal(
        "x is one too large: the sum could leave int64", "TooLarge", clauses=("S9.2",),
        x=np.full((1, 3, 3, 1), most + 1, np.int64), codes=codes, bits=2,
    )  # fmt: skip
    author.legal(
        "the largest x for which overflow is impossible", clauses=("S9.2",),
        x=np.full((1, 3, 3, 1), most, np.int64), codes=codes, bits=2,
    )  # fmt: skip
    for dtype in ("float32", "bool"):
        author.illegal(
            f"x of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",),
            x=x.astype(dtype), codes=codes, bits=2,
        )  # fmt: skip
    bad_codes(author, "codes", 0, 15, (2, 2, 1, 2), x=x, bits=4)
    bad_codes(
        author, "codes", 0, 7, (2, 2, 1, 2), x=x, bits=4, signs=np.ones((2, 2, 1, 2), np.int8)
    )
    bad_widths(author, x=x, codes=np.zeros((2, 2, 1, 2), np.int32))
    bad_signs(author, (2, 2, 1, 2), x=x, codes=codes, bits=4)
