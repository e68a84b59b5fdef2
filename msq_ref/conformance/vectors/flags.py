"""What a case is about, in a word that a user can select by, and what each word means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLAGS", "seen"]

FLAGS: dict[str, str] = {
    "Accumulator24": "a result of 2^24 or more in magnitude: float32 sums are wrong from here on",
    "Accumulator31": "a result of 2^31 or more in magnitude: an int32 accumulator overflows",
    "Accumulator53": "a result of 2^53 or more in magnitude: float64 sums are wrong from here on",
    "AllZero": "every weight is 0, so the maximum is 0",
    "BesideTie": "one ulp to either side of a rounding tie",
    "Chunks": "more than one chunk of 8192: the order of the sum shows [S0.5]",
    "Clamped": "rounds to a value outside the range of codes",
    "CoarseClamped": "the coarse code of the slice is clamped, so B_k may exceed 2^(k-1) [S3.2]",
    "CoarseTie": "the coarse code of the slice is decided by a tie",
    "Default": "an optional argument is left out, or given as its default",
    "Depthwise": "one input channel a group",
    "DoubleRounding": "rounding twice, at 31 bits and then at the rest of the shift, is wrong",
    "DtypeMatters": "the same u has another code in the other float dtype",
    "Empty": "an array without elements",
    "EveryEdge": "every bin edge of the width with its neighbours, or every code",
    "FusedMultiplyAdd": "a fused multiply-add gives another result",
    "Groups": "a convolution in groups",
    "Large": "arrays in .npy files beside the JSON",
    "MaximumTie": "several weights attain the maximum and share its derivative",
    "NoMaximumGradient": "max_gradient is false: the maximum is held constant",
    "NotFinite": "NaN or an infinity",
    "OrderMatters": "another order of the same operations or terms rounds differently",
    "OutOfRange": "a value outside what is legal",
    "Overflow": "an infinity arises from finite numbers, as IEEE 754 has it",
    "Padding": "a convolution with zero padding",
    "PerChannel": "one multiplier, shift or zero point per channel (the last axis)",
    "Reciprocal": "multiplying by the rounded reciprocal instead of dividing is wrong",
    "RoundedProduct": "the exact product would round to another code than the rounded one [S2.2]",
    "SignedZero": "a negative zero goes in or comes out; its sign counts",
    "Stride": "a convolution with a stride above 1",
    "Subnormal": "a subnormal number goes in or comes out",
    "Sum24": "a sum of codes of 2^24 or more: float32 sums are wrong from here on",
    "Sum31": "a sum of codes of 2^31 or more: an int32 sum overflows",
    "TargetReached": "the compression is reached and the round stops",
    "Tie": "a comparison or a rounding is decided by an exact tie",
    "TooLarge": "the sum could leave int64 [S9.2]",
    "TwosComplement": "codes with a sign, the top plane counting -2^(bits-1)",
    "Typical": "nothing special",
    "WithSigns": "the signed domain: signs beside magnitudes",
    "WrongShape": "shapes or lengths that do not go together",
    "WrongType": "an argument of a type or dtype that is not legal; typed languages may skip it",
    "WrongWidth": "a width or a slice outside its range",
    "ZeroDimensional": "an array without axes; the result has none either",
}
"""By name."""


def seen(values: Any) -> set[str]:
    """Return the flags that any arrays and floats among values show by themselves."""
    flags = set()
    for value in _numbers(values):
        array = np.asarray(value)
        flags |= {"Empty"} if array.size == 0 else set()
        flags |= {"ZeroDimensional"} if value is array and array.ndim == 0 else set()
        if array.dtype.kind == "f":
            magnitude = np.abs(array)
            tiny = np.finfo(array.dtype).tiny
            flags |= {"SignedZero"} if (np.signbit(array) & (array == 0)).any() else set()
            flags |= {"Subnormal"} if ((magnitude > 0) & (magnitude < tiny)).any() else set()
    return flags


def _numbers(value: Any) -> Iterator[NDArray[Any] | float]:
    if isinstance(value, np.ndarray | float):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
