"""An estimated trace, its standard error and its interval [S5.4]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.reference.sums import ordered_sum

__all__ = ["LEAST_SAMPLES", "TraceEstimate", "estimate", "precise"]

LEAST_SAMPLES = 16
"""No estimate counts as precise before: a few samples agree by chance (docs/hessian.md)."""

ROUNDING = 8
"""Units in the last place of what was added up; no standard error is smaller."""


@dataclass(frozen=True)
class TraceEstimate:
    """A trace with the standard error of its estimate over a number of samples [S5.4]."""

    trace: float
    """What was added up, if anything, plus the mean of the samples."""
    standard_error: float
    """Standard deviation of the samples, unbiased variance, over the root of their number; at
    least some units in the last place of the trace's terms."""
    samples: int
    """Independent samples; 0: the trace was not estimated but added up."""
    products: int
    """Hessian-vector products that were spent."""
    skewness: float = 0.0
    """Of the samples: quadratic forms of few large eigenvalues lean to the right."""

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval of Student's t, corrected for the skewness of the samples.

        Parameters
        ----------
        confidence : float
            In (0, 1), the share of such intervals that hold the trace; measured shares are in
            docs/hessian.md.

        Returns
        -------
        (float, float)
            Lower and upper end, not symmetric around the trace where the samples are not.

        Raises
        ------
        ValueError
            If `confidence` is out of range.

        Notes
        -----
        Hall (1992), "On the removal of skewness by transformation": with ``a`` the skewness over
        the root of the number of samples and ``T`` the studentized mean,
        ``T + a T^2 / 3 + a^2 T^3 / 27 + a / 6`` is taken to have Student's distribution with
        ``samples - 1`` degrees of freedom; the cubic is monotone and is inverted.
        """
        from scipy.special import stdtrit  # noqa: PLC0415  (only where an interval is wanted)

        share = checks.real("confidence", confidence, 0, 1, open_low=True)
        if share == 1:
            raise ValueError(f"confidence = {confidence!r}: expected less than 1")
        if self.samples < 2:
            return self.trace - self.standard_error, self.trace + self.standard_error
        reach = float(stdtrit(self.samples - 1, (1 + share) / 2))
        lean = self.skewness / math.sqrt(self.samples)
        low, high = (_untransformed(t, lean) * self.standard_error for t in (reach, -reach))
        return self.trace - low, self.trace - high


def estimate(
    values: Sequence[float], products: int, dtype: DTypeLike, known: Sequence[float] = ()
) -> TraceEstimate:
    """Return the estimate that samples give.

    Parameters
    ----------
    values : sequence of float
        Samples; of none nothing is uncertain but rounding, of one everything.
    products : int
        That were spent on them and on `known`.
    dtype : float32 or float64
        Of the products.
    known : sequence of float
        Terms of the trace that are added up, not estimated.
    """
    seen, terms, count = np.array(values), np.array(known), len(values)
    total, size = ordered_sum(terms), ordered_sum(np.abs(terms))
    if not count:
        return TraceEstimate(total, _rounding(dtype, size), 0, products)
    mean = ordered_sum(seen) / count
    if count == 1:
        return TraceEstimate(total + mean, math.inf, 1, products)
    size += ordered_sum(np.abs(seen)) / count
    variance = ordered_sum((seen - mean) ** 2) / (count - 1)
    error = max(math.sqrt(variance / count), _rounding(dtype, size))
    return TraceEstimate(total + mean, error, count, products, _skewness(seen - mean))


def precise(found: TraceEstimate, relative_error: float) -> bool:
    """Whether the standard error is at most that share of the trace's magnitude.

    Never with fewer than `LEAST_SAMPLES` samples, and never for a share of 0.
    """
    if not relative_error or found.samples < LEAST_SAMPLES:
        return False
    return found.standard_error <= relative_error * abs(found.trace)


def _rounding(dtype: DTypeLike, size: float) -> float:
    return ROUNDING * float(np.finfo(dtype).eps) * size


def _skewness(centred: np.ndarray) -> float:
    """Return the third moment over the cube of the deviation, adjusted for the sample's size."""
    count = centred.size
    second, third = (ordered_sum(centred**power) / count for power in (2, 3))
    if count < 3 or not (second**1.5):
        return 0.0
    return third / second**1.5 * math.sqrt(count * (count - 1)) / (count - 2)


def _untransformed(t: float, lean: float) -> float:
    """Return T of ``T + a T^2 / 3 + a^2 T^3 / 27 + a / 6 = t``, a the `lean`."""
    moved = t - lean / 6
    if abs(lean) < 1e-6:  # the formula below loses its digits, and the correction is nothing
        return moved
    return 3 / lean * (math.cbrt(1 + lean * moved) - 1)
