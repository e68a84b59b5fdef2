"""Integer against fake-quantized float, step by step: every difference must have a reason [S9.6].

Both get the same input codes. In units of its code an output is ``v = acc f + b`` on the float
side, rounded to the nearest, and ``(((acc + B) m + 2^(s-1)) >> s) + z`` on the integer side; f is
the channel's real factor and b its offset. Before rounding the two differ by at most

    |B f + z - b|          for the constants are integers; it must be at most min(f, 1) / 2 itself,
    |acc + B| f 2^-31      since m / 2^s is f rounded to 31 bits,
    (K + 32) 2^-53 times the magnitudes that are added up: for the float64 operations, K terms of
                           the product and fewer than 32 operations behind it,

so the codes may differ, by one, only where v lies that close to a rounding edge, a half-integer. A
channel whose factor is below 2^-32 is a constant on the integer side, and off by |acc| f more.
Logits are codes of the accumulator's own scale: there f is 1 and m / 2^s is left out.
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
        Holds the integer network too.
    codes : ndarray of int32, (batch, height, width, channels)
        Activation codes of images.

    Returns
    -------
    list of StepComparison
        One of every product and average pooling, in order; the last one's outputs are the logits.

    Raises
    ------
    ValueError
        If the codes are not of the network's input shape.
    """
    comparisons = []
    scale = fake.integer.input_scale
    for index, traced in enumerate(fake.integer.trace(codes)):
        step = traced.step
        out = output_scale(step, scale)
        if isinstance(step, IntegerProduct | IntegerAveragePool):
            values = fake.values(index, traced.x, scale)
            bound = _bound(step, traced, scale, fake)
            expected = rounded(step, values, out)
            comparisons.append(_counts(step.name, traced.y, expected, values / out, bound))
        scale = out
    return comparisons


def _counts(
    name: str,
    got: NDArray[Any],
    expected: NDArray[Any],
    value: NDArray[np.float64],
    bound: NDArray[np.float64],
) -> StepComparison:
    to_edge = np.abs(value - np.floor(value) - 0.5)
    apart = np.abs(got - expected)
    unexplained = (apart > 1) | ((apart == 1) & (to_edge > bound))
    return StepComparison(name, got.size, int((apart > 0).sum()), int(unexplained.sum()))


def _bound(
    step: IntegerProduct | IntegerAveragePool, traced: Traced, scale: float, fake: FakeQuantized
) -> NDArray[np.float64]:
    """Return the bound of the module's text for every output; `scale` is that of the input."""
    largest = int(np.abs(traced.x).max(initial=0))
    if isinstance(step, IntegerAveragePool):
        length = step.size**2 or traced.x.shape[1] * traced.x.shape[2]
        acc, bias, reach = step.sums(traced.x), np.array(0), length * largest
        factor = np.array(scale / (length * step.out_scale))
        offset, terms = np.zeros(()), np.zeros(())
    else:
        length = int(np.prod(step.codes.shape[:-1]))
        acc, bias = by_definition(step, traced.x), step.bias
        reach = length * (2**step.bits - 1) * largest
        behind = fake.affine(step.name)
        factor = behind.slope * fake.weights[step.name].unit * scale / step.out_scale
        offset, terms = behind.offset / step.out_scale, behind.terms / step.out_scale
    kind = step.requantizer
    zero = np.array(0) if kind is None else kind.zero_point
    rounding = np.abs(acc + bias) * factor * (0 if kind is None else 2.0**-31)
    added = (reach + np.abs(bias)) * factor + np.abs(zero) + terms
    arithmetic = added * (length + 32) * 2.0**-53
    constant = factor < FACTOR_LOW
    by_constants = np.abs(np.where(constant, 0, bias * factor) + zero - offset)
    bound = by_constants + arithmetic + np.where(constant, np.abs(acc) * factor, rounding)
    # Constants that are off by more than rounding explain nothing.
    allowed = np.where(constant, 0.5, np.minimum(factor, 1) / 2) + arithmetic
    return np.where(by_constants <= allowed, bound, 0)
