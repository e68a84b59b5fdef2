"""Sensitivity, schedule, compression and update in rational arithmetic [S5], [S6], [S12]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from msq_ref.conformance.vectors.exact.answer import Answer, array, numbers
from msq_ref.conformance.vectors.exact.ieee import add, multiply, rounded, square_root, subtract

__all__ = ["assign_k", "compression", "prune_step", "sensitivity", "sgd_step"]

CHUNK, LANES = 8192, 32
"""Of the order of a sum [S0.5]."""


def sensitivity(trace: float, quantized: Any, weights: Any) -> Answer:
    """``Tr(H) ||W_n - W||_2``, every operation rounded in float64 [S5.5]."""
    differences = [
        subtract(one, other, "float64")
        for one, other in zip(numbers(quantized), numbers(weights), strict=True)
    ]
    total = _ordered_sum([multiply(value, value, "float64") for value in differences])
    norm = square_root(Fraction(total))
    intermediates = {"sum_of_squares": total, "norm": norm}
    flags = {"Chunks"} if len(differences) > CHUNK else set()
    return Answer(multiply(float(trace), norm, "float64"), intermediates, flags)


def assign_k(omegas: Sequence[float]) -> Answer:
    """2 where ``L Omega_l < sum Omega``, else 1 [S5.6]."""
    exact = [Fraction(omega) for omega in omegas]
    total = sum(exact)
    flags = {"Tie"} if any(len(exact) * omega == total for omega in exact) else set()
    return Answer([2 if len(exact) * omega < total else 1 for omega in exact], {}, flags)


def compression(sizes: Sequence[int], bits: Sequence[int]) -> Answer:
    """``32 sum N_l / sum n_l N_l`` [S6.3]."""
    stored = sum(n * size for n, size in zip(bits, sizes, strict=True))
    intermediates = {"weights": sum(sizes), "stored_bits": stored}
    return Answer(Fraction(32 * sum(sizes), stored), intermediates)


def prune_step(
    bits: Sequence[int], betas: Sequence[float], ks: Sequence[int], sizes: Sequence[int],
    alpha: Any, target: float, n_min: int,
) -> Answer:  # fmt: skip
    """One round, layer by layer, until the compression is reached [S6.1], [S6.2]."""
    new = list(bits)
    alphas = list(alpha) if isinstance(alpha, list | tuple) else [alpha] * len(new)
    before, flags = [], set()
    for layer in range(len(new)):
        reached: Fraction = compression(sizes, new).value
        before.append(reached)
        if not math.isinf(target) and reached >= Fraction(target):
            flags.add("TargetReached")
            break
        flags |= {"Tie"} if betas[layer] == alphas[layer] else set()
        if betas[layer] < alphas[layer]:
            new[layer] = max(new[layer] - ks[layer], n_min)
    return Answer(new, {"compression_before_each_layer": before}, flags)


def sgd_step(
    w: Any, grad: Any, velocity: Any, lr: float, momentum: float, weight_decay: float
) -> Answer:
    """``g + wd w``, ``mu v + g``, ``w - lr v``, each operation rounded [S12.1]."""
    name = w.dtype.name
    rate, mu, decay = (rounded(Fraction(value), name) for value in (lr, momentum, weight_decay))
    total, new, moved, flags = [], [], [], set()
    for weight, g, v in zip(numbers(w), numbers(grad), numbers(velocity), strict=True):
        total.append(add(g, multiply(decay, weight, name), name))
        new.append(add(multiply(mu, v, name), total[-1], name))
        moved.append(subtract(weight, multiply(rate, new[-1], name), name))
        once = (
            rounded(Fraction(g) + Fraction(decay) * Fraction(weight), name),
            rounded(Fraction(mu) * Fraction(v) + Fraction(total[-1]), name)
            if math.isfinite(total[-1]) else new[-1],
            rounded(Fraction(weight) - Fraction(rate) * Fraction(new[-1]), name)
            if math.isfinite(new[-1]) else moved[-1],
        )  # fmt: skip
        flags |= {"FusedMultiplyAdd"} if once != (total[-1], new[-1], moved[-1]) else set()
    if any(math.isinf(value) for value in new + moved):
        flags.add("Overflow")
    value = (array(moved, name, w.shape), array(new, name, w.shape))
    return Answer(value, {"gradient_with_decay": array(total, name, w.shape)}, flags)


def _ordered_sum(values: Sequence[float]) -> float:
    """Chunks of 8192, 32 lanes in a chunk, lanes then chunks in index order [S0.5]."""
    result = 0.0
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        total = 0.0
        for lane in range(LANES):
            part = 0.0
            for value in chunk[lane::LANES]:
                part = add(part, value, "float64")
            total = add(total, part, "float64")
        result = add(result, total, "float64")
    return result
