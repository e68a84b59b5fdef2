"""Which way an integer product is computed: all ways give the same integers [S9.2], [S9.3].

| path | how | where |
|---|---|---|
| bitserial | packed bit planes: AND, count ones | up to 16 by 16 bits |
| int8 | bytes, VNNI or float32 BLAS | up to 8 by 8 bits, K up to 65793 |
| float32, float64 | BLAS | while sums stay below 2^24, 2^53; float32 in pieces |
| int64 | plain loops | everywhere |

The fastest is chosen by a rule from measured rates; ``python -m benchmarks integer_paths`` checks
it. For a layer of 1152 by 256 on a processor with VNNI and vector popcount, that is planes where
weight bits times activation bits are at most 4, else bytes; with AVX2 alone planes up to 7, else
float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from msq_ref.kernels.int8_gemm import LONGEST
from msq_ref.kernels.processor import has
from msq_ref.names import known_name

__all__ = ["PATHS", "Extent", "asked_path", "choose_path", "extent_of", "float_piece", "use_path"]

PATHS = ("bitserial", "int8", "float32", "float64", "int64")
"""Ways to compute an integer product, all exact where they are possible."""

_path: ContextVar[str | None] = ContextVar("msq_ref_path", default=None)


@dataclass(frozen=True)
class Extent:
    """What a path is chosen by.

    Attributes
    ----------
    length, outputs : int
        K and M of the weights.
    bits : int
        Width of a weight, the sign included.
    in_bits : int
        Width of an activation code, up to 64.
    in_signed : bool
    """

    length: int
    outputs: int
    bits: int
    in_bits: int
    in_signed: bool

    @property
    def largest(self) -> int:
        """Largest magnitude of a product."""
        return int((2**self.bits - 1) * 2 ** (self.in_bits - self.in_signed))


def extent_of(x: NDArray[Any], length: int, outputs: int, bits: int) -> Extent:
    """Return the extent of a product with these activation codes: their width is what they need."""
    low, high = (int(x.min()), int(x.max())) if x.size else (0, 0)
    signed = low < 0
    in_bits = max((-low - 1).bit_length() if signed else 0, max(0, high).bit_length()) + signed
    return Extent(length, outputs, bits, max(1, in_bits), signed)


@dataclass(frozen=True)
class Rates:
    """What one thread does, in 10^9 a second, on processors of a kind.

    Attributes
    ----------
    ones : float
        Pairs of bits by AND and count of ones.
    bytes, floats : float
        Products of 8-bit integers (0: not by instructions for them), of float32.
    plane_bits : float
        Bits of activation codes packed into planes.
    """

    ones: float
    bytes: float
    floats: float
    plane_bits: float


RATES = {
    "avx512": Rates(ones=1170, bytes=225, floats=60, plane_bits=50),
    "avx2": Rates(ones=335, bytes=0, floats=50, plane_bits=45),
    "other": Rates(ones=36, bytes=0, floats=24, plane_bits=25),
}


def asked_path() -> str | None:
    """Return the path that is in force here, if any."""
    return _path.get()


@contextmanager
def use_path(path: str | None) -> Iterator[None]:
    """Compute the integer products called inside on that path; None: the fastest."""
    token = _path.set(None if path is None else known_name("path", path, PATHS))
    try:
        yield
    finally:
        _path.reset(token)


def choose_path(extent: Extent, path: str | None = None) -> str:
    """Return the path by name, the one in force here, or the fastest.

    Raises
    ------
    ValueError
        If there is no such path, or it would not be exact.
    """
    asked = asked_path() if path is None else known_name("path", path, PATHS)
    if asked is not None:
        if not _exact(asked, extent):
            raise ValueError(f"path = {asked!r}: not exact for {extent}")
        return asked
    possible = [one for one in PATHS if _exact(one, extent)]
    return min(possible, key=lambda one: _cost(one, extent))


def float_piece(extent: Extent) -> int:
    """Return the length over which float32 sums are exact, that is, stay below 2^24."""
    return (2**24 - 1) // extent.largest


def _exact(path: str, extent: Extent) -> bool:
    e = extent
    if path == "bitserial":
        return max(e.bits, e.in_bits) <= 16 and e.length <= 2**31
    if path == "int8":
        return max(e.bits, e.in_bits) <= 8 and e.length <= LONGEST
    if path == "float32":
        return float_piece(e) >= min(max(e.length, 1), _SHORTEST)
    return path == "int64" or e.length * e.largest < 2**53


_SHORTEST = 32
"""Of the pieces of a float32 sum: each is converted and added in integers."""


def _cost(path: str, extent: Extent) -> float:
    """Estimate nanoseconds for all products of one position."""
    e, rates = extent, RATES[_kind()]
    if path == "bitserial":  # in whole words and vectors; activations are packed first
        pairs = _whole(e.length, 64) * _whole(e.outputs, 8) * e.bits * e.in_bits
        return pairs / rates.ones + _whole(e.length, 64) * (e.in_bits + 2) / rates.plane_bits
    if path == "int8" and rates.bytes:
        return _whole(e.length, 4) * _whole(e.outputs, 16) / rates.bytes
    products = e.length * e.outputs
    slower = {"int8": 1.05, "float32": 1.0, "float64": 2.0, "int64": 30.0}[path]
    return slower * (products + _CONVERTED * e.length) / rates.floats


_CONVERTED = 30
"""Products that take as long as a code's way to float32 and a sum's way back."""


def _whole(length: int, unit: int) -> int:
    return -(-length // unit) * unit


def _kind() -> str:
    if has("avx512vnni", "avx512bw", "avx512vpopcntdq"):
        return "avx512"
    return "avx2" if has("avx2") else "other"
