"""One round of the pruning schedule, and the compression it works towards, in C [S6]."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from msq_ref import checks, reference
from msq_ref.backends.c.library import call

__all__ = ["compression", "prune_step"]

MOST_WEIGHTS = 2**58
"""Networks of so many weights are left to the definition: the C library counts in int64."""


def compression(sizes: Sequence[int], bits: Sequence[int]) -> Fraction:
    """Return ``32 sum N_l / sum n_l N_l`` [S6.3], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.compression`. Networks of 2^58 weights
    and more are handed to it.
    """
    counts = [checks.integer(f"sizes[{i}]", size, 0) for i, size in enumerate(sizes)]
    widths = [checks.bit_width(n, name=f"bits[{i}]") for i, n in enumerate(bits)]
    _weights(counts, widths)
    if sum(counts) >= MOST_WEIGHTS:
        return reference.compression(counts, widths)
    total, stored = np.empty(1, np.int64), np.empty(1, np.int64)
    call(
        "stored_bits", len(widths), np.array(counts, np.int64), np.array(widths, np.int32),
        total, stored,
    )  # fmt: skip
    return Fraction(32 * int(total[0]), int(stored[0]))


def prune_step(
    bits: Sequence[int],
    betas: Sequence[float],
    ks: Sequence[int],
    sizes: Sequence[int],
    alpha: float | Sequence[float],
    target: float,
    n_min: int,
) -> list[int]:
    """Drop bits of layers whose low bits are mostly zero [S6.1], [S6.2], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.prune_step`; the comparison with the
    target is exact in C. Networks of 2^58 weights and more are handed to the definition.
    """
    widths = [checks.bit_width(n, name=f"bits[{i}]") for i, n in enumerate(bits)]
    rates = [checks.real(f"betas[{i}]", beta, 0, 1) for i, beta in enumerate(betas)]
    steps = [checks.integer(f"ks[{i}]", k, 0) for i, k in enumerate(ks)]
    limit = checks.real("target", target, 0, open_low=True, allow_infinite=True)
    least = checks.bit_width(n_min, name="n_min")
    layers = len(widths)
    thresholds = _thresholds(alpha, layers)
    _one_per_layer("betas", rates, layers)
    _one_per_layer("ks", steps, layers)
    if not layers:
        return []
    counts = [checks.integer(f"sizes[{i}]", size, 0) for i, size in enumerate(sizes)]
    _weights(counts, widths)
    if sum(counts) >= MOST_WEIGHTS:
        return reference.prune_step(widths, rates, steps, counts, thresholds, limit, least)
    following = np.empty(layers, np.int32)
    call(
        "prune_step", layers, np.array(widths, np.int32), np.array(rates),
        np.array([min(k, checks.MAX_BITS) for k in steps], np.int32),  # to n_min, and no more
        np.array(counts, np.int64), np.array(thresholds), limit, least, following,
    )  # fmt: skip
    return [int(n) for n in following]


def _weights(counts: Sequence[int], widths: Sequence[int]) -> None:
    _one_per_layer("bits", widths, len(counts))
    if sum(counts) == 0:
        raise ValueError("sizes has no weights: expected at least one")


def _thresholds(alpha: float | Sequence[float], layers: int) -> list[float]:
    if isinstance(alpha, Sequence | np.ndarray) and np.ndim(alpha) == 1:
        each = [checks.real(f"alpha[{i}]", item) for i, item in enumerate(alpha)]
    else:
        each = [checks.real("alpha", alpha)] * layers
    _one_per_layer("alpha", each, layers)
    return each


def _one_per_layer(name: str, values: Sequence[object], layers: int) -> None:
    if len(values) != layers:
        raise ValueError(f"{name} has {len(values)} entries: expected {layers}")
