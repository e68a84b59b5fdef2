"""Cases of bit planes [S3.3], [S9.1]."""

from __future__ import annotations

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_codes, bad_widths
from msq_ref.conformance.vectors.authors.points import WIDTHS, generator
from msq_ref.conformance.vectors.exact import exactly

__all__ = ["bit_planes", "code_range", "from_bit_planes"]


def code_range(bits: int, signed: bool) -> tuple[int, int]:
    """Return the least and the greatest code."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def _codes(bits: int, signed: bool) -> list[int]:
    """Return every code of narrow widths, else the ends, the middle and some drawn."""
    low, high = code_range(bits, signed)
    if bits <= 4:
        return list(range(low, high + 1))
    rng = generator(f"planes {bits} {signed}")
    chosen = {low, low + 1, -1, 0, 1, (low + high) // 2, high - 1, high, 0x5555 & high}
    chosen |= {low + rng.getrandbits(bits) for _ in range(4)}
    return sorted(code for code in chosen if low <= code <= high)


def _form(signed: bool) -> str:
    return "two's complement" if signed else "unsigned"


def bit_planes(author: Author) -> None:
    """Write every width, both forms, plane 0 the least significant."""
    for bits in WIDTHS:
        for signed in (False, True):
            flags = [*["TwosComplement"] * signed, *["EveryEdge"] * (bits <= 4)]
            author.legal(
                f"{bits} bits, {_form(signed)}", *flags,
                codes=np.array(_codes(bits, signed), np.int32), bits=bits, signed=signed,
            )  # fmt: skip
    author.legal("unsigned by default", "Default", codes=np.array([6, 1, 3]), bits=3)
    for dtype in ("int8", "int16", "int64"):
        author.legal(
            f"negative codes of dtype {dtype}", "TwosComplement",
            codes=np.array([-5, -1, 7, -8], dtype), bits=4, signed=True,
        )  # fmt: skip
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        author.legal(f"codes of dtype {dtype}", codes=np.array([250, 3, 0], dtype), bits=8)
    for signed in (False, True):
        flags = ["TwosComplement"] * signed
        codes = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
        author.legal("two axes behind the planes", *flags, codes=codes, bits=4, signed=signed)
        author.legal("no axes", *flags, codes=np.array(5, np.int32), bits=4, signed=signed)
        author.legal("nothing", *flags, codes=np.zeros((0, 2), np.int32), bits=3, signed=signed)
        low, high = code_range(4, signed)
        bad_codes(author, "codes", low, high, bits=4, signed=signed)
    bad_widths(author, codes=np.zeros(2, np.int32))


def from_bit_planes(author: Author) -> None:
    """Write the way back, of every width and both forms."""
    for bits in WIDTHS:
        for signed in (False, True):
            codes = np.array(_codes(bits, signed), np.int32)
            planes = exactly("bit_planes", {"codes": codes, "bits": bits, "signed": signed}).value
            flags = ["TwosComplement"] * signed
            author.legal(
                f"{bits} bits, {_form(signed)}", *flags,
                planes=planes, signed=signed,
            )  # fmt: skip
            author.legal(
                f"all ones, {bits} bits", *flags, planes=np.ones((bits, 1), np.uint8), signed=signed
            )
    author.legal("unsigned by default", "Default", planes=np.array([[1, 0], [1, 1]], np.uint8))
    for dtype in ("int8", "int32", "int64", "uint16", "uint64"):
        planes = np.array([[1, 0], [0, 1], [1, 1]], dtype)
        author.legal(f"planes of dtype {dtype}", planes=planes)
        author.legal(f"planes of dtype {dtype}", "TwosComplement", planes=planes, signed=True)
    for signed in (False, True):
        author.legal("planes of single codes", planes=np.array([1, 0, 1], np.uint8), signed=signed)
        shaped = np.arange(12, dtype=np.uint8).reshape(3, 2, 2) % 2
        author.legal("two axes behind the planes", planes=shaped, signed=signed)
        author.legal("nothing", planes=np.zeros((3, 0), np.uint8), signed=signed)
    for value, dtype in ((2, "uint8"), (-1, "int8"), (255, "uint8"), (2**32 + 1, "int64")):
        author.illegal(
            f"a digit of {value}", "OutOfRange", clauses=("S3.3",),
            planes=np.array([[0, 1], [1, value]], dtype),
        )  # fmt: skip
    for count in (0, 17):
        author.illegal(
            f"{count} planes",
            "WrongWidth",
            clauses=("S0.2",),
            planes=np.zeros((count, 2), np.uint8),
        )
    author.illegal("no axis of planes", "WrongShape", planes=np.array(1, np.uint8))
    for dtype in ("float32", "bool"):
        author.illegal(
            f"planes of dtype {dtype}", "WrongType", errors=ANY_ERROR, clauses=("S0.2",),
            planes=np.array([[0, 1], [1, 1]], dtype),
        )  # fmt: skip
