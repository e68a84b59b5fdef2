"""What holds for sensitivities and pruning, whoever computes them [S5], [S6]."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.definition import ARGUMENTS
from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import Scope, dtypes, finite_arrays

__all__: list[str] = []

Array = NDArray[Any]


@st.composite
def _pair(draw: Any, scope: Scope) -> tuple[float, Array, Array]:
    shape = draw(st.sampled_from([(7,), (33,)]))
    dtype = draw(dtypes())
    q, w = (draw(finite_arrays(scope, shape, dtype, 1e3)) for _ in range(2))
    # No square underflows, so that powers of two come out exactly.
    q, w = (np.where(np.abs(x) < 1e-3, 0, x).astype(dtype) for x in (q, w))
    return draw(st.integers(-1000, 1000)) / 7, q, w


@about("sensitivity", clauses="S5.5", given=_pair)
def symmetric(call: Calls, trace: float, q: Array, w: Array) -> bool:
    """The norm of a difference does not depend on which is subtracted."""
    return bool(call("sensitivity", trace, q, w) == call("sensitivity", trace, w, q))


@about("sensitivity", clauses="S5.5", given=_pair)
def proportional(call: Calls, trace: float, q: Array, w: Array) -> bool:
    """Twice the trace, and four times the weights, give eight times the value."""
    once = call("sensitivity", trace, q, w)
    return bool(call("sensitivity", 2 * trace, 4 * q, 4 * w) == 8 * once)


@about("sensitivity", clauses="S5.5", given=_pair)
def odd_in_the_trace(call: Calls, trace: float, q: Array, w: Array) -> bool:
    """A negative trace gives a negative value: the sign is kept."""
    return bool(call("sensitivity", -trace, q, w) == -call("sensitivity", trace, q, w))


@about("sensitivity", clauses="S5.5 S0.5", given=_pair)
def same_in_both_dtypes(call: Calls, trace: float, q: Array, w: Array) -> bool:
    """A float32 array gives what the same numbers in float64 give, to the bit."""
    q, w = q.astype(np.float32), w.astype(np.float32)
    wide = call("sensitivity", trace, q.astype(np.float64), w.astype(np.float64))
    return bool(call("sensitivity", trace, q, w) == wide)


@about("sensitivity", clauses="S5.5", given=_pair)
def nothing_moved(call: Calls, trace: float, q: Array, _w: Array) -> bool:
    """Where quantization moves nothing, nothing is sensitive."""
    return bool(call("sensitivity", trace, q, q.copy()) == 0)


@st.composite
def _omegas(draw: Any, scope: Scope) -> tuple[list[float], Any]:
    (omegas,), _ = ARGUMENTS["assign_k"](draw, scope)
    return omegas, draw(st.permutations(range(len(omegas))))


@about("assign_k", clauses="S5.6", given=_omegas)
def permuted(call: Calls, omegas: list[float], order: list[int]) -> bool:
    """Permuted layers get permuted k."""
    ks = call("assign_k", omegas)
    return list(call("assign_k", [omegas[i] for i in order])) == [ks[i] for i in order]


@about("assign_k", clauses="S5.6", given=_omegas)
def below_the_mean(call: Calls, omegas: list[float], _order: list[int]) -> bool:
    """Exactly the layers strictly below the exact mean get 2."""
    mean = sum(map(Fraction, omegas)) / len(omegas)
    return list(call("assign_k", omegas)) == [1 + (Fraction(omega) < mean) for omega in omegas]


@about("assign_k", clauses="S5.6", given=_omegas)
def scale_free(call: Calls, omegas: list[float], _order: list[int]) -> bool:
    """Sensitivities times a power of two give the same k."""
    omegas = [float(np.float32(omega)) if abs(omega) < 1e30 else 1e30 for omega in omegas]
    return list(call("assign_k", omegas)) == list(call("assign_k", [64 * o for o in omegas]))


@st.composite
def _round(draw: Any, scope: Scope) -> tuple[tuple[Any, ...], Any]:
    required, _ = ARGUMENTS["prune_step"](draw, scope)
    return required, draw(st.permutations(range(len(required[0]))))


@about("prune_step", clauses="S6.1 S6.2", given=_round)
def permuted_without_target(call: Calls, required: Any, order: list[int]) -> bool:
    """Without a target, permuted layers get permuted widths."""
    bits, betas, ks, sizes, alpha, _, n_min = required
    alphas = alpha if isinstance(alpha, list) else [alpha] * len(bits)
    layers = bits, betas, ks, sizes, alphas
    there = call("prune_step", *layers, math.inf, n_min)
    back = call("prune_step", *([row[i] for i in order] for row in layers), math.inf, n_min)
    return list(back) == [there[i] for i in order]


@about("prune_step", clauses="S6.1", given=_round)
def one_alpha_for_all(call: Calls, required: Any, _order: list[int]) -> bool:
    """One threshold is the same as that threshold for each layer."""
    bits, betas, ks, sizes, alpha, target, n_min = required
    one = alpha[0] if isinstance(alpha, list) else alpha
    each = call("prune_step", bits, betas, ks, sizes, [one] * len(bits), target, n_min)
    return list(each) == list(call("prune_step", bits, betas, ks, sizes, one, target, n_min))


@about("prune_step", clauses="S6.2", given=_round)
def stops_in_the_middle(call: Calls, required: Any, _order: list[int]) -> bool:
    """The round is that without a target up to the first layer that finds the target reached."""
    bits, betas, ks, sizes, alpha, target, n_min = required
    free = call("prune_step", bits, betas, ks, sizes, alpha, math.inf, n_min)
    new = list(bits)
    for layer, wanted in enumerate(free):
        stored = sum(n * size for n, size in zip(new, sizes, strict=True))
        if Fraction(32 * sum(sizes), stored) >= target:
            break
        new[layer] = wanted
    return list(call("prune_step", *required)) == new


@st.composite
def _sizes(draw: Any, scope: Scope) -> tuple[list[int], list[int], Any]:
    (sizes, bits), _ = ARGUMENTS["compression"](draw, scope)
    return sizes, bits, draw(st.permutations(range(len(sizes))))


@about("compression", clauses="S6.3", given=_sizes)
def permuted_layers(call: Calls, sizes: list[int], bits: list[int], order: list[int]) -> bool:
    """The order of the layers does not matter."""
    permuted = call("compression", [sizes[i] for i in order], [bits[i] for i in order])
    return bool(call("compression", sizes, bits) == permuted)


@about("compression", clauses="S6.3", given=_sizes)
def split_layer(call: Calls, sizes: list[int], bits: list[int], _order: list[int]) -> bool:
    """A layer may be counted as two of the same width, and all sizes thrice."""
    parts = [sizes[0] // 3, sizes[0] - sizes[0] // 3, *sizes[1:]]
    split = call("compression", [3 * size for size in parts], [bits[0], *bits])
    return bool(call("compression", sizes, bits) == split)


@about("compression", clauses="S6.3", given=_sizes)
def uniform(call: Calls, sizes: list[int], bits: list[int], _order: list[int]) -> bool:
    """Layers of one width n are compressed by 32 / n, exactly."""
    return bool(call("compression", sizes, bits[:1] * len(sizes)) == Fraction(32, bits[0]))
