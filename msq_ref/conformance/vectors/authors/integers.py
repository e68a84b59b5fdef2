"""Cases of activations, integer weights and integer products [S8], [S9]."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_codes, bad_signs, bad_widths
from msq_ref.conformance.vectors.authors.planes import code_range
from msq_ref.conformance.vectors.authors.points import WIDTHS, generator
from msq_ref.conformance.vectors.exact import exactly

__all__ = ["bitserial_linear", "codes_of", "integer_linear", "integer_weights", "integers"]


def integers(
    rng: random.Random, shape: tuple[int, ...], low: int, high: int, dtype: str = "int32"
) -> NDArray[Any]:
    """Return integers drawn from [low, high], both ends among the first."""
    size = int(np.prod(shape))
    values = [low + rng.getrandbits(80) % (high - low + 1) for _ in range(size)]
    for index, end in enumerate((high, low)):
        if size > index + 1:
            values[index] = end
    return np.array(values, dtype).reshape(shape)


def codes_of(rng: random.Random, shape: tuple[int, ...], bits: int) -> NDArray[Any]:
    """Return unsigned codes of a width."""
    return integers(rng, shape, 0, 2**bits - 1)


def _signs(rng: random.Random, shape: tuple[int, ...], dtype: str = "int8") -> NDArray[Any]:
    return integers(rng, shape, -1, 1, dtype)


def integer_weights(author: Author) -> None:
    """Write odd symmetric weights, and signs times magnitudes."""
    rng = generator("integer_weights")
    for bits in WIDTHS:
        top = 2**bits - 1
        every = bits <= 4
        codes = np.arange(top + 1) if every else np.array([0, 1, top // 2, top // 2 + 1, top])
        author.legal(
            f"{bits} bits",
            *(("EveryEdge",) if every else ()),
            codes=codes.astype(np.int32),
            bits=bits,
        )
        if bits > 1:
            magnitude = 2 ** (bits - 1) - 1
            author.legal(
                f"{bits} bits, the sign one of them", "WithSigns", bits=bits,
                codes=np.array([0, 1, magnitude, magnitude, magnitude, 0], np.int32),
                signs=np.array([1, -1, 1, -1, 0, -1], np.int8),
            )  # fmt: skip
    for kind in ("int16", "int32", "int64", "float32", "float64"):
        author.legal(
            f"signs of dtype {kind}", "WithSigns", codes=np.array([3, 2, 1], np.int32), bits=3,
            signs=np.array([-1, 0, 1], kind),
        )  # fmt: skip
    for kind in ("int8", "uint8", "uint16", "int64", "uint64"):
        author.legal(f"codes of dtype {kind}", codes=np.array([0, 100, 127], kind), bits=7)
    author.legal(
        "offset when signs are None", "Default", codes=np.array([0, 3]), bits=2, signs=None
    )
    author.legal("no axes", codes=np.array(2, np.int32), bits=3)
    author.legal("no axes", "WithSigns", codes=np.array(2), bits=3, signs=np.array(-1))
    author.legal("nothing", codes=np.zeros((2, 0), np.int32), bits=3)
    author.legal("three axes", codes=codes_of(rng, (2, 2, 3), 5), bits=5)
    bad_codes(author, "codes", 0, 15, bits=4)
    bad_codes(author, "codes", 0, 7, bits=4, signs=np.ones(3, np.int8))
    bad_widths(author, codes=np.zeros(2, np.int32))
    bad_widths(author, low=2, codes=np.zeros(2, np.int32), signs=np.ones(2, np.int32))
    bad_signs(author, (2, 3), codes=np.ones((2, 3), np.int32), bits=4)


def integer_linear(author: Author) -> None:
    """Write both domains, accumulators beyond 2^24, 2^31 and 2^53, what could leave int64."""
    rng = generator("integer_linear")
    author.legal(
        "v = 2c - 3: (-3, 1, 3) times (2, 1, 1)", x=np.array([2, 1, 1]),
        codes=np.array([[0], [2], [3]]), bits=2,
    )  # fmt: skip
    for bits in WIDTHS:
        author.legal(
            f"{bits} bits",
            x=integers(rng, (2, 5), -128, 127),
            codes=codes_of(rng, (5, 3), bits),
            bits=bits,
        )
        if bits > 1:
            author.legal(
                f"{bits} bits, the sign one of them", "WithSigns",
                x=integers(rng, (2, 5), 0, 255), codes=codes_of(rng, (5, 3), bits - 1), bits=bits,
                signs=_signs(rng, (5, 3)),
            )  # fmt: skip
    for size, comment in ((2**15 - 1, "2^24"), (2**31 - 1, "2^31"), (2**42, "2^53")):
        for bits in (8, 16):
            author.legal(
                f"accumulators beyond {comment}, {bits} bits",
                x=integers(rng, (2, 6), -size, size, "int64"),
                codes=np.full((6, 2), [2**bits - 1, 1], np.int32), bits=bits,
            )  # fmt: skip
            author.legal(
                f"accumulators beyond {comment}, {bits} bits with the sign", "WithSigns",
                x=integers(rng, (2, 6), -size, size, "int64"), bits=bits,
                codes=np.full((6, 2), 2 ** (bits - 1) - 1, np.int32), signs=_signs(rng, (6, 2)),
            )  # fmt: skip
    author.legal(
        "terms far beyond 2^31 that cancel", x=np.array([2**40, 2**40, 1], np.int64),
        codes=np.array([[15], [0], [8]], np.int32), bits=4,
    )  # fmt: skip
    for shape in ((7,), (1, 7), (2, 3, 7), (2, 0, 7), (0, 7)):
        author.legal(
            f"x of shape {shape}",
            x=integers(rng, shape, -9, 9),
            codes=codes_of(rng, (7, 2), 3),
            bits=3,
        )
    author.legal(
        "nothing to add", x=np.zeros((2, 0), np.int32), codes=np.zeros((0, 3), np.int32), bits=3
    )
    author.legal(
        "no outputs", x=integers(rng, (2, 3), -9, 9), codes=np.zeros((3, 0), np.int32), bits=3
    )
    for dtype, low, high in (
        ("int8", -128, 127), ("uint8", 0, 255), ("int16", -(2**15), 2**15 - 1),
        ("uint16", 0, 2**16 - 1), ("uint32", 0, 2**32 - 1),
    ):  # fmt: skip
        author.legal(
            f"x of dtype {dtype}, its ends included: no sum in that dtype",
            x=integers(rng, (1, 9), low, high, dtype), codes=codes_of(rng, (9, 2), 8), bits=8,
        )  # fmt: skip
    for dtype in ("uint8", "int16", "int64"):
        author.legal(
            f"codes of dtype {dtype}", x=integers(rng, (1, 4), -9, 9),
            codes=codes_of(rng, (4, 2), 7).astype(dtype), bits=7,
        )  # fmt: skip
    x, codes = integers(rng, (2, 4), -9, 9), codes_of(rng, (4, 3), 4)
    author.legal("offset when signs are None", "Default", x=x, codes=codes, bits=4, signs=None)
    # 2 K (2^n - 1) |x| < 2^63: with K = 4, n = 3 the largest |x| is floor((2^63 - 1) / 56).
    most = (2**63 - 1) // 56
    full = np.full((4, 2), 7, np.int32)
    author.legal(
        "the largest x for which overflow is impossible", clauses=("S9.2",),
        x=np.full(4, most, np.int64), codes=full, bits=3,
    )  # fmt: skip
    for value, comment in (
        (most + 1, "one too large"),
        (-most - 1, "one too small"),
        (-(2**63), "the least int64, which has no magnitude there"),
    ):
        author.illegal(
            f"x is {comment}: the sum could leave int64", "TooLarge", clauses=("S9.2",),
            x=np.array([0, value, 0, 0], np.int64), codes=full, bits=3,
        )  # fmt: skip
    _bad_products(author, x)
    bad_codes(author, "codes", 0, 15, (4, 3), x=x, bits=4)
    bad_codes(author, "codes", 0, 7, (4, 3), x=x, bits=4, signs=np.ones((4, 3), np.int8))
    bad_widths(author, x=x, codes=np.zeros((4, 3), np.int32))
    bad_widths(author, low=2, x=x, codes=np.zeros((4, 3), np.int32), signs=np.ones((4, 3), np.int8))
    bad_signs(author, (4, 3), x=x, codes=np.ones((4, 3), np.int32), bits=4)


def bitserial_linear(author: Author) -> None:
    """Write plane sums, of unsigned codes and of two's complement."""
    rng = generator("bitserial_linear")
    for bits in WIDTHS:
        for signed in (False, True):
            flags = ("TwosComplement",) if signed else ()
            low, high = code_range(bits, signed)
            author.legal(
                f"{bits} planes" + (", the top one negative" if signed else ""), *flags,
                x=integers(rng, (2, 5), -128, 127),
                planes=_planes(integers(rng, (5, 3), low, high), bits, signed), signed=signed,
            )  # fmt: skip
    for size, comment in ((2**15, "2^24"), (2**31 - 1, "2^31"), (2**42, "2^53")):
        for signed in (False, True):
            author.legal(
                f"accumulators beyond {comment}", *(("TwosComplement",) if signed else ()),
                x=integers(rng, (2, 6), -size, size, "int64"),
                planes=_planes(integers(rng, (6, 2), *code_range(16, signed)), 16, signed),
                signed=signed,
            )  # fmt: skip
    planes = _planes(codes_of(rng, (7, 2), 3), 3, False)
    author.legal("unsigned by default", "Default", x=integers(rng, (2, 7), -9, 9), planes=planes)
    for shape in ((7,), (2, 3, 7), (0, 7)):
        author.legal(f"x of shape {shape}", x=integers(rng, shape, -9, 9), planes=planes)
    for dtype in ("int8", "int32", "int64"):
        author.legal(
            f"planes of dtype {dtype}", x=integers(rng, (1, 7), -9, 9), planes=planes.astype(dtype)
        )
    for dtype, high in (("int8", 127), ("uint8", 255), ("uint16", 2**16 - 1), ("int64", 2**33)):
        low = -high - 1 if dtype == "int8" else 0
        author.legal(
            f"x of dtype {dtype}, its ends included", x=integers(rng, (1, 7), low, high, dtype),
            planes=planes, signed=True,
        )  # fmt: skip
    author.legal(
        "nothing to add", x=np.zeros((2, 0), np.int32), planes=np.zeros((3, 0, 2), np.uint8)
    )
    x = integers(rng, (2, 7), -9, 9)
    wrong = planes.copy()
    wrong[1, 2, 0] = 2
    author.illegal("a digit of 2", "OutOfRange", clauses=("S9.3",), x=x, planes=wrong)
    author.illegal(
        "a digit of -1", "OutOfRange", clauses=("S9.3",), x=x, planes=-planes.astype(np.int8)
    )
    author.illegal("17 planes", "WrongWidth", x=x, planes=np.zeros((17, 7, 2), np.uint8))
    author.illegal("no planes", "WrongWidth", x=x, planes=np.zeros((0, 7, 2), np.uint8))
    author.illegal("x and planes of other lengths", "WrongShape", x=x[:, :6], planes=planes)
    author.illegal("planes without outputs' axis", "WrongShape", x=x, planes=planes[..., 0])
    author.illegal("x without axes", "WrongShape", x=np.array(3), planes=planes)
    most = (2**63 - 1) // (2 * 7 * 7)
    author.legal(
        "the largest x for which overflow is impossible", clauses=("S9.2",),
        x=np.full(7, most, np.int64), planes=np.ones((3, 7, 1), np.uint8),
    )  # fmt: skip
    author.illegal(
        "x is one too large: the sum could leave int64", "TooLarge", clauses=("S9.2",),
        x=np.full(7, most + 1, np.int64), planes=np.ones((3, 7, 1), np.uint8),
    )  # fmt: skip
    for dtype in ("float64", "bool"):
        author.illegal(
            f"x of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",),
            x=np.ones((2, 7), dtype), planes=planes,
        )  # fmt: skip
        author.illegal(
            f"planes of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",), x=x,
            planes=planes.astype(dtype),
        )  # fmt: skip


def _planes(codes: Any, bits: int, signed: bool) -> NDArray[Any]:
    return np.asarray(exactly("bit_planes", {"codes": codes, "bits": bits, "signed": signed}).value)


def _bad_products(author: Author, x: Any) -> None:
    ones = np.ones((4, 3), np.int32)
    author.illegal("lengths differ", "WrongShape", x=x[:, :3], codes=ones, bits=4)
    author.illegal("codes without outputs' axis", "WrongShape", x=x, codes=ones[:, 0], bits=4)
    author.illegal("codes with an axis too many", "WrongShape", x=x, codes=ones[None], bits=4)
    author.illegal("x without axes", "WrongShape", x=np.array(3), codes=ones, bits=4)
    for dtype in ("float32", "float64", "bool"):
        author.illegal(
            f"x of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",),
            x=np.ones((2, 4), dtype), codes=ones, bits=4,
        )  # fmt: skip
