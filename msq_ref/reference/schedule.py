"""One round of the pruning schedule, and the compression it works towards [S6]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from msq_ref import checks

__all__ = ["FLOAT_BITS", "average_bits", "compression", "prune_step"]

FLOAT_BITS = 32
"""Bits of an uncompressed weight [S6.3]."""


def compression(sizes: Sequence[int], bits: Sequence[int]) -> Fraction:
    """Return ``32 sum N_l / sum n_l N_l`` over the quantized weights, exactly.

    Parameters
    ----------
    sizes : sequence of int
        Number of weights N_l of each layer, not all 0.
    bits : sequence of int
        Width n_l of each layer, the sign included, 1 to 16.

    Returns
    -------
    fractions.Fraction

    Raises
    ------
    ValueError
        If lengths differ, an entry is out of range, or there are no weights.

    Notes
    -----
    [S6.3], ``bitexact``.
    """
    return FLOAT_BITS / average_bits(sizes, bits)


def average_bits(sizes: Sequence[int], bits: Sequence[int]) -> Fraction:
    """Return ``sum n_l N_l / sum N_l``, the mean width of a quantized weight, exactly [S6.3].

    Parameters and errors are those of `compression`.
    """
    counts = [checks.integer(f"sizes[{i}]", size, 0) for i, size in enumerate(sizes)]
    widths = [checks.bit_width(n, name=f"bits[{i}]") for i, n in enumerate(bits)]
    _same_length("bits", widths, counts)
    if sum(counts) == 0:
        raise ValueError("sizes has no weights: expected at least one")
    stored = sum(n * size for n, size in zip(widths, counts, strict=True))
    return Fraction(stored, sum(counts))


def prune_step(
    bits: Sequence[int],
    betas: Sequence[float],
    ks: Sequence[int],
    sizes: Sequence[int],
    alpha: float | Sequence[float],
    target: float,
    n_min: int,
) -> list[int]:
    """Drop ``k_l`` bits of each layer whose low bits are mostly zero, up to a target compression.

    For each layer in order: stop if the compression has reached the target; else, if
    ``beta_l < alpha``, ``n_l <- max(n_l - k_l, n_min)``.

    Parameters
    ----------
    bits : sequence of int
        Width of each layer, the sign included, 1 to 16.
    betas : sequence of float
        LSB-nonzero rate of each layer, in [0, 1].
    ks : sequence of int
        Bits each layer would lose, >= 0.
    sizes : sequence of int
        Number of weights of each layer.
    alpha : float or sequence of float
        Threshold, one or one per layer; compared strictly.
    target : float
        Compression to stop at, positive; may be infinite.
    n_min : int
        Least width.

    Returns
    -------
    list of int
        The new widths.

    Raises
    ------
    TypeError
        If a real argument is not a number.
    ValueError
        If lengths differ or an entry is out of range.

    Notes
    -----
    [S6.1], [S6.2], ``bitexact``: the compression is compared as an exact fraction.
    """
    new = [checks.bit_width(n, name=f"bits[{i}]") for i, n in enumerate(bits)]
    rates = [checks.real(f"betas[{i}]", beta, 0, 1) for i, beta in enumerate(betas)]
    steps = [checks.integer(f"ks[{i}]", k, 0) for i, k in enumerate(ks)]
    limit = checks.real("target", target, 0, open_low=True, allow_infinite=True)
    least = checks.bit_width(n_min, name="n_min")
    thresholds = _per_layer("alpha", alpha, len(new))
    _same_length("betas", rates, new)
    _same_length("ks", steps, new)
    for layer, (beta, k, threshold) in enumerate(zip(rates, steps, thresholds, strict=True)):
        if compression(sizes, new) >= limit:
            break
        if beta < threshold:
            new[layer] = max(new[layer] - k, least)
    return new


def _per_layer(name: str, value: float | Sequence[float], count: int) -> list[float]:
    if isinstance(value, Sequence | np.ndarray) and np.ndim(value) == 1:
        each = [checks.real(f"{name}[{i}]", item) for i, item in enumerate(value)]
    else:
        each = [checks.real(name, value, -math.inf, math.inf)] * count
    if len(each) != count:
        raise ValueError(f"{name} has {len(each)} entries: expected {count}")
    return each


def _same_length(name: str, values: Sequence[object], others: Sequence[object]) -> None:
    if len(values) != len(others):
        raise ValueError(f"{name} has {len(values)} entries: expected {len(others)}")
