"""Integer against fake-quantized float, step by step: every difference must have a reason [S9.6].

Both get the same input codes. In units of its code an output is ``v = acc f + b`` on the float
side, rounded to the nearest, and ``(((acc + B) m + 2^(s-1)) >> s) + z`` on the integer side; f is
the channel's real factor and b its offset. Before rounding the two differ by at most

    |B f + z - b|          for the constants are integers; it must be at most min(f, 1) / 2 itself,
    |acc + B| f 2^-31      since m / 2^s is f rounded to 31 bits,
    (|acc| f + |b|) 2^-40  for the float64 operations of the float side,

so the codes may differ, by one, only where v lies that close to a rounding edge, a half-integer. A
channel whose factor is below 2^-32 is a constant on the integer side, and off by |acc| f more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.integer.arithmetic import by_definition
from msq_ref.integer.fake import FakeQuantized, output_scale, rounded
from msq_ref.integer.network import IntegerAveragePool, IntegerProduct, Traced
from msq_ref.reference.requantize import FACTOR_LOW

__all__ = ["StepComparison", "compare"]


@dataclass(frozen=True)
class StepComparison:
    """Counts over the outputs of one step that rounds."""

    name: str
    outputs: int
    differing: int
    """Where the integer code is not the rounded float value."""
    unexplained: int
    """Those of them farther from a rounding edge than the bound, or off by more than one."""


def compare(fake: FakeQuantized, codes: NDArray[np.int32]) -> list[StepComparison]:
    """Compare every rounding step of the integer network with float, on the same input codes.

    Parameters
    ----------
    fake : FakeQuantized
    codes : ndarray of int32
        Activation codes of images.

    Returns
    -------
    list of StepComparison
    """
    comparisons = []
    scale = fake.integer.input_scale
    for index, traced in enumerate(fake.integer.trace(codes)):
        step = traced.step
        out = output_scale(step, scale)
        if isinstance(step, IntegerProduct | IntegerAveragePool) and step.requantizer is not None:
            values = fake.values(index, traced.x, scale)
            bound = _bound(step, traced, out / scale, out, fake)
            expected = rounded(step, values, out)
            comparisons.append(_counts(step.name, traced.y, expected, values / out, bound))
        scale = out
    return comparisons


def _counts(
    name: str,
    got: NDArray[Any],
    expected: NDArray[np.int32],
    value: NDArray[np.float64],
    bound: NDArray[np.float64],
) -> StepComparison:
    to_edge = np.abs(value - np.floor(value) - 0.5)
    apart = np.abs(got - expected)
    unexplained = (apart > 1) | ((apart == 1) & (to_edge > bound))
    return StepComparison(name, got.size, int((apart > 0).sum()), int(unexplained.sum()))


def _bound(
    step: IntegerProduct | IntegerAveragePool,
    traced: Traced,
    ratio: float,
    out: float,
    fake: FakeQuantized,
) -> NDArray[np.float64]:
    """Return the bound of the module's text for every output; `ratio` is out over in scale."""
    if isinstance(step, IntegerAveragePool):
        area = step.size**2 or traced.x.shape[1] * traced.x.shape[2]
        factor, offset = np.array(1 / (area * ratio)), np.array(0.0)
        acc, bias = step.sums(traced.x), np.array(0)
    else:
        gain, shift = fake.affine(step.name)
        factor, offset = gain * fake.weights[step.name].unit / ratio, shift / out
        acc, bias = by_definition(step, traced.x), step.bias
    zero = np.array(0) if step.requantizer is None else step.requantizer.zero_point
    constant = factor < FACTOR_LOW
    by_constants = np.abs(np.where(constant, 0, bias * factor) + zero - offset)
    reach = np.abs(acc) * factor
    bound = by_constants + (reach + np.abs(offset)) * 2.0**-40
    bound += np.where(constant, reach, np.abs(acc + bias) * factor * 2.0**-31)
    # Constants that are off by more than rounding explain nothing.
    allowed = np.where(constant, 0.5, np.minimum(factor, 1) / 2)
    return np.where(by_constants <= allowed * (1 + 2.0**-20), bound, 0)
