"""Widths of weights for a compression that is asked for, by a rule, where nobody trained any."""

from __future__ import annotations

import math
from fractions import Fraction

from hwsim.workload import Workload
from msq_ref.reference import compression

__all__ = ["RULE", "allocate", "compression_of"]

FIRST_BITS = 8
"""Width at which every layer begins [S6.1]."""

LEAST_BITS = {"signed": 2, "offset": 1}
"""Width at which a layer ends [S6.4]."""

RULE = (
    "from 8 bits, one bit at a time from the layer with the largest N 4^n (N weights of n bits), "
    "the last one from the smallest layer that suffices"
)
"""How `compressed` chooses widths, in words for reports."""


def compression_of(workload: Workload) -> Fraction:
    """Return ``32 sum N / sum n N`` over the weights of a workload, exactly [S6.3]."""
    layers = workload.weighted
    return compression(
        [layer.groups * layer.K * layer.M for layer in layers], [layer.bits for layer in layers]
    )


def allocate(workload: Workload, target: float | Fraction) -> Workload:
    """Return a workload whose weights are so narrow that it reaches a compression.

    Parameters
    ----------
    workload : Workload
    target : float or Fraction
        Of the weights over 32 bits [S6.3], positive.

    Returns
    -------
    Workload
        Its `assumed` states the rule and what was reached. Products of attention stay as they are:
        both their operands are activations.

    Raises
    ------
    ValueError
        If the target is not positive and finite, or more than 2 bits a weight allow (1 in the
        offset domain); if no layer has weights.

    Notes
    -----
    All layers begin at 8 bits. As long as the compression is below the target, the layer with the
    largest ``N 4^n`` loses a bit, of equal ones the later; once one bit of a single layer would
    reach the target, it is that of the smallest such layer, so that little is overshot. A layer
    ends at 2 bits (1 in the offset domain).

    The rule is the exact greedy solution of this problem: rounding to n bits adds noise of power
    proportional to ``4^-n`` to a layer's weights, relative to their range; if that of every layer
    counts alike, a bit of N weights costs ``3 * 4^-n`` and saves N bits, and the cheapest bit goes
    first. A layer of four times the weights ends a bit narrower. What training finds differs: it
    weighs layers by their sensitivity [S5.5], which no shape tells.
    """
    if not isinstance(target, Fraction) and not (
        isinstance(target, int | float) and math.isfinite(target)
    ):
        raise ValueError(f"compression = {target!r}: expected a number")
    goal = Fraction(target)
    if goal <= 0:
        raise ValueError(f"compression = {target}: expected a positive number")
    layers = workload.weighted
    if not layers:
        raise ValueError(f"workload {workload.name}: no layers with weights to narrow")
    sizes = [layer.groups * layer.K * layer.M for layer in layers]
    least = [LEAST_BITS[layer.domain] for layer in layers]
    highest = compression(sizes, least)
    if goal > highest:
        raise ValueError(
            f"compression = {float(goal):g}: {workload.name} reaches {float(highest):g} at most, "
            f"at {max(least)} bits a weight"
        )
    bits = [FIRST_BITS] * len(layers)
    stored = sum(FIRST_BITS * size for size in sizes)
    allowed = 32 * sum(sizes) / goal  # bits: the compression holds if no more are stored
    while stored > allowed:
        free = [at for at in range(len(layers)) if bits[at] > least[at]]
        enough = [at for at in free if stored - sizes[at] <= allowed]
        if enough:
            at = min(enough, key=lambda one: (sizes[one], -bits[one], -one))
        else:
            at = max(free, key=lambda one: (sizes[one] * 4 ** bits[one], one))
        bits[at] -= 1
        stored -= sizes[at]
    reached = float(compression(sizes, bits))
    return workload.with_bits(
        {layer.name: width for layer, width in zip(layers, bits, strict=True)},
        assumed=f"widths are assumed, not trained: {RULE}; compression {reached:.4g} for "
        f"{float(goal):.4g}",
    )
