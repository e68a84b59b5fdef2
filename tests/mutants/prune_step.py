"""Wrong pruning rounds [S6.1], [S6.2]."""

import math
from fractions import Fraction

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, mutant, raw_mutant

INF = math.inf
ROUND = ([8, 8, 8], [0.1, 0.1, 0.1], [2, 2, 2], [10, 10, 10], 0.3)


def _sum_bits(bits, sizes):
    return sum(n * size for n, size in zip(bits, sizes, strict=True))


def _prune(
    bits, betas, ks, sizes, alpha, target, n_min, *, below=lambda beta, a: beta < a,
    reached=None, drop=None, order=None, before=True,
):  # fmt: skip
    """The definition with parts to be exchanged."""
    new = [int(n) for n in bits]
    each = list(alpha) if np.ndim(alpha) else [alpha] * len(new)
    reached = reached or (lambda widths: reference.compression(sizes, widths) >= target)
    drop = drop or (lambda n, k: max(n - k, n_min))
    for layer in order or range(len(new)):
        if before and reached(new):
            break
        if below(betas[layer], each[layer]):
            new[layer] = drop(new[layer], ks[layer])
        if not before and reached(new):
            break
    return new


@mutant("prune_step", "beta <= alpha", at([8, 8], [0.3, 0.1], [1, 1], [1, 1], 0.3, INF, 1))
def at_most_alpha(*a):
    return _prune(*a, below=lambda beta, alpha: beta <= alpha)


@mutant("prune_step", "beta > alpha", at(*ROUND, INF, 1))
def above_alpha(*a):
    return _prune(*a, below=lambda beta, alpha: beta > alpha)


@mutant("prune_step", "beta compared in float32",
        at([8], [0.3 - 1e-10], [1], [1], 0.3, INF, 1))  # fmt: skip
def float32_rates(*a):
    return _prune(*a, below=lambda beta, alpha: np.float32(beta) < np.float32(alpha))


@mutant("prune_step", "beta compared with a tolerance",
        at([8], [0.3 + 1e-12], [1], [1], 0.3, INF, 1))  # fmt: skip
def tolerant_rates(*a):
    return _prune(*a, below=lambda beta, alpha: beta < alpha + 1e-9 and beta != alpha)


@mutant("prune_step", "the target is tested only before the round", at(*ROUND, 4.8, 1))
def stops_after_round(bits, betas, ks, sizes, alpha, target, n_min):
    held = reference.compression(sizes, bits) >= target
    return _prune(bits, betas, ks, sizes, alpha, target, n_min, reached=lambda widths: held)


@mutant("prune_step", "the target is tested after each drop, not on entry", at(*ROUND, 4.0, 1))
def tested_after(*a):
    return _prune(*a, before=False)


@mutant("prune_step", "the target is never tested", at(*ROUND, 4.8, 1))
def target_ignored(*a):
    return _prune(*a, reached=lambda widths: False)


@mutant("prune_step", "compression > target", at(*ROUND, 4.0, 1))
def above_target(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  reached=lambda widths: reference.compression(sizes, widths) > target)  # fmt: skip


@mutant("prune_step", "a drop that would overshoot the target is undone", at(*ROUND, 4.2, 1))
def no_overshoot(bits, betas, ks, sizes, alpha, target, n_min):
    new = list(map(int, bits))
    for layer, n in enumerate(_prune(bits, betas, ks, sizes, alpha, target, n_min)):
        tried = [*new[:layer], n, *new[layer + 1 :]]
        if reference.compression(sizes, tried) <= target:
            new = tried
    return new


@mutant("prune_step", "compression compared in float",
        at([3, 2], [0, 0], [1, 1], [1, 1], 0.3, 64 / 5, 1))  # fmt: skip
def float_compression(bits, betas, ks, sizes, alpha, target, n_min):
    def reached(widths):
        return 32 * sum(sizes) / _sum_bits(widths, sizes) >= target

    return _prune(bits, betas, ks, sizes, alpha, target, n_min, reached=reached)


@mutant("prune_step", "compression of the widths on entry", at(*ROUND, 4.8, 1))
def old_compression(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  reached=lambda widths: reference.compression(sizes, bits) >= target)  # fmt: skip


@mutant("prune_step", "compression as the mean over layers, sizes ignored",
        at([8, 8], [0, 0], [4, 4], [1, 99], 0.3, 5.0, 1))  # fmt: skip
def sizes_ignored(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  reached=lambda w: Fraction(32 * len(w), sum(w)) >= target)  # fmt: skip


@mutant("prune_step", "compression without the sign bit",
        at(*ROUND, 4.5, 1))  # fmt: skip
def sign_not_counted(bits, betas, ks, sizes, alpha, target, n_min):
    def reached(widths):
        stored = _sum_bits([n - 1 for n in widths], sizes)
        return stored == 0 or Fraction(32 * sum(sizes), stored) >= target

    return _prune(bits, betas, ks, sizes, alpha, target, n_min, reached=reached)


@mutant("prune_step", "n_min ignored", at([4], [0], [3], [1], 0.3, INF, 3))
def n_min_ignored(*a):
    return _prune(*a, drop=lambda n, k: max(n - k, 1))


@mutant("prune_step", "max(n, n_min) - k", at([4], [0], [3], [1], 0.3, INF, 3))
def maximum_before_minus(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: max(max(n, n_min) - k, 1))  # fmt: skip


@mutant("prune_step", "no drop where it would pass n_min", at([4], [0], [3], [1], 0.3, INF, 2))
def all_or_nothing(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: n - k if n - k >= n_min else n)  # fmt: skip


@mutant("prune_step", "a width below n_min is left there", at([2], [0], [1], [1], 0.3, INF, 4))
def never_raised(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: min(n, max(n - k, n_min)))  # fmt: skip


@mutant("prune_step", "one bit at a time, k ignored", at(*ROUND, INF, 1))
def k_ignored(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: max(n - 1, n_min))  # fmt: skip


@mutant("prune_step", "k capped at 2, the paper's largest", at([8], [0], [3], [1], 0.3, INF, 1))
def k_capped(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: max(n - min(k, 2), n_min))  # fmt: skip


@mutant("prune_step", "at least one bit, also for k = 0", at([8], [0], [0], [1], 0.3, INF, 1))
def k_at_least_one(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha, target, n_min,
                  drop=lambda n, k: max(n - max(k, 1), n_min))  # fmt: skip


@mutant(
    "prune_step", "k of the first layer for all", at([8, 8], [0, 0], [1, 2], [1, 1], 0.3, INF, 1)
)
def first_k(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, [ks[0]] * len(bits), sizes, alpha, target, n_min)


@mutant("prune_step", "alpha of the next layer",
        at([8, 8], [0.2, 0.2], [1, 1], [1, 1], [0.3, 0.1], INF, 1))  # fmt: skip
def next_alpha(bits, betas, ks, sizes, alpha, target, n_min):
    shifted = [*list(alpha)[1:], alpha[0]] if np.ndim(alpha) else alpha
    return _prune(bits, betas, ks, sizes, shifted, target, n_min)


@mutant("prune_step", "the first alpha for all layers",
        at([8, 8], [0.2, 0.2], [1, 1], [1, 1], [0.3, 0.1], INF, 1))  # fmt: skip
def first_alpha(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, alpha[0] if np.ndim(alpha) else alpha, target, n_min)


@mutant("prune_step", "the smallest alpha for all layers",
        at([8, 8], [0.2, 0.2], [1, 1], [1, 1], [0.3, 0.1], INF, 1))  # fmt: skip
def smallest_alpha(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, np.min(alpha), target, n_min)


@mutant("prune_step", "the defaults 0.3 and 0.1 whatever alpha is",
        at([8], [0.4], [1], [1], 0.5, INF, 1))  # fmt: skip
def default_alpha(bits, betas, ks, sizes, alpha, target, n_min):
    return _prune(bits, betas, ks, sizes, [0.3 if n > 4 else 0.1 for n in bits], target, n_min)


@mutant("prune_step", "last layer first", at(*ROUND, 4.2, 1))
def reversed_order(*a):
    return _prune(*a, order=range(len(a[0]) - 1, -1, -1))


@mutant("prune_step", "largest layer first",
        at([8, 8], [0, 0], [1, 1], [1, 9], 0.3, 4.01, 1))  # fmt: skip
def largest_first(*a):
    return _prune(*a, order=sorted(range(len(a[0])), key=lambda layer: -a[3][layer]))


@mutant("prune_step", "smallest beta first",
        at([8, 8], [0.2, 0.1], [1, 1], [1, 1], 0.3, 4.01, 1))  # fmt: skip
def smallest_beta_first(*a):
    return _prune(*a, order=sorted(range(len(a[0])), key=lambda layer: a[1][layer]))


@mutant("prune_step", "one layer a round", at(*ROUND, INF, 1))
def one_layer(*a):
    new = _prune(*a)
    changed = [layer for layer, n in enumerate(a[0]) if new[layer] != n][:1]
    return [new[layer] if layer in changed else n for layer, n in enumerate(a[0])]


@mutant("prune_step", "the round ends at the first layer that is not dropped",
        at([8, 8], [0.9, 0], [1, 1], [1, 1], 0.3, INF, 1))  # fmt: skip
def ends_at_first_kept(bits, betas, ks, sizes, alpha, target, n_min):
    right = _prune(bits, betas, ks, sizes, alpha, target, n_min)
    each = list(alpha) if np.ndim(alpha) else [alpha] * len(right)
    kept = [i for i, (beta, a) in enumerate(zip(betas, each, strict=True)) if not beta < a]
    return [*right[: kept[0]], *map(int, bits[kept[0] :])] if kept else right


@mutant("prune_step", "layers without weights are passed over",
        at([8, 8], [0, 0], [1, 1], [0, 1], 0.3, INF, 1))  # fmt: skip
def empty_layers_skipped(bits, betas, ks, sizes, alpha, target, n_min):
    new = _prune(bits, betas, ks, sizes, alpha, target, n_min)
    return [n if size else old for n, size, old in zip(new, sizes, bits, strict=True)]


@mutant("prune_step", "a layer of which nothing is nonzero is dropped to n_min",
        at([8], [0.0], [1], [1], 0.3, INF, 1))  # fmt: skip
def zero_rate_drops_all(bits, betas, ks, sizes, alpha, target, n_min):
    eager = [n if beta == 0 else k for n, beta, k in zip(bits, betas, ks, strict=True)]
    return _prune(bits, betas, eager, sizes, alpha, target, n_min)


@mutant(
    "prune_step", "compression in int32", at([8, 8], [0, 0], [1, 1], [2**30, 2**30], 0.3, 4.0, 1)
)
def int32_compression(bits, betas, ks, sizes, alpha, target, n_min):
    def reached(widths):
        stored = int(np.array(_sum_bits(widths, sizes)).astype(np.int32))
        return stored > 0 and Fraction(32 * sum(sizes), stored) >= target

    return _prune(bits, betas, ks, sizes, alpha, target, n_min, reached=reached)


@raw_mutant("prune_step", "changes the list it was given", at(*ROUND, INF, 1))
def in_place(bits, betas, ks, sizes, alpha, target, n_min):
    new = reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)
    if isinstance(bits, list):
        bits[:] = new
    return new


@raw_mutant("prune_step", "an infinite target is refused", at(*ROUND, INF, 1))
def infinity_refused(bits, betas, ks, sizes, alpha, target, n_min):
    if isinstance(target, float) and math.isinf(target):
        raise ValueError("target must be finite")
    return reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)


@raw_mutant("prune_step", "a tuple of alphas is refused", at(*ROUND[:4], (0.3, 0.3, 0.3), INF, 1))
def tuple_refused(bits, betas, ks, sizes, alpha, target, n_min):
    if isinstance(alpha, tuple):
        raise TypeError("alpha must be a float or a list")
    return reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)


@raw_mutant("prune_step", "an array", at(*ROUND, INF, 1))
def bits_as_array(*a):
    return np.array(reference.prune_step(*a))


@raw_mutant("prune_step", "None: the list is changed instead", at(*ROUND, INF, 1))
def changes_list_only(bits, betas, ks, sizes, alpha, target, n_min):
    bits[:] = reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)


@raw_mutant("prune_step", "compression over no weights counts as reached", at(
    [8], [0], [1], [0], 0.3, INF, 1))  # fmt: skip
def no_weights_accepted(bits, betas, ks, sizes, alpha, target, n_min):
    if all(isinstance(size, int) and size == 0 for size in sizes):
        return list(bits)
    return reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)
