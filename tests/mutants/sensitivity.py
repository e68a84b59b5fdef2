"""Wrong sensitivities [S5.5], [S0.5]."""

import math
from fractions import Fraction

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, f64, mutant, raw_mutant

A64, B64 = np.random.default_rng(0).normal(size=(2, 3000))
A32, B32 = A64.astype(np.float32), B64.astype(np.float32)


def _normal(size, trace=1.0):
    """Several of them: the root often hides what the order of a sum does to its last bits."""
    return [at(trace, *np.random.default_rng(seed).normal(size=(2, size)))
            for seed in (0, 3, 11, 12, 15, 25)]  # fmt: skip


MANY, LONG = _normal(3000), _normal(40000)
ROOTS = _normal(3000, 0.3)


def _d(quantized, weights):
    return (quantized.astype(np.float64) - weights.astype(np.float64)).ravel()


def _lanes(values, chunk=8192, lanes=32, tree=False):
    total = 0.0
    for start in range(0, values.size, chunk):
        piece = values[start : start + chunk]
        padded = np.zeros(-(-piece.size // lanes) * lanes)
        padded[: piece.size] = piece
        sums = np.zeros(lanes)
        for row in padded.reshape(-1, lanes):
            sums = sums + row
        while tree and sums.size > 1:
            sums = sums[: sums.size // 2] + sums[sums.size // 2 :]
        part = 0.0
        for lane in sums:
            part += lane
        total += part
    return total


@mutant("sensitivity", "squared norm", at(2.0, f64(3, 4), f64(0, 0)))
def squared_norm(trace, quantized, weights):
    return trace * _lanes(_d(quantized, weights) ** 2)


@mutant("sensitivity", "root of the mean square", at(2.0, f64(3, 4), f64(0, 0)))
def mean_square(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2) / max(weights.size, 1))


@mutant("sensitivity", "trace divided by the size", at(2.0, f64(3, 4), f64(0, 0)))
def mean_trace(trace, quantized, weights):
    return trace / max(weights.size, 1) * math.sqrt(_lanes(_d(quantized, weights) ** 2))


@mutant("sensitivity", "|trace|", at(-2.0, f64(3, 4), f64(0, 0)))
def magnitude_of_trace(trace, quantized, weights):
    return abs(reference.sensitivity(trace, quantized, weights))


@mutant("sensitivity", "a negative trace counts as 0", at(-2.0, f64(3, 4), f64(0, 0)))
def trace_cut_at_zero(trace, quantized, weights):
    return reference.sensitivity(max(trace, 0.0), quantized, weights)


@mutant("sensitivity", "differences in float32", at(1.0, A32, B32))
def float32_differences(trace, quantized, weights):
    d = (quantized - weights).ravel().astype(float)
    return trace * math.sqrt(_lanes(d * d))


@mutant("sensitivity", "squares in float32", at(1.0, A32, B32))
def float32_squares(trace, quantized, weights):
    d = _d(quantized, weights).astype(weights.dtype)
    return trace * math.sqrt(_lanes((d * d).astype(float)))


@mutant("sensitivity", "sum in float32", at(1.0, A64, B64))
def float32_sum(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt((d * d).astype(np.float32).sum())


@mutant("sensitivity", "float64 weights through float32", at(1.0, A64, B64))
def float32_weights(trace, quantized, weights):
    return reference.sensitivity(trace, quantized.astype(np.float32), weights.astype(np.float32))


@mutant("sensitivity", "result in float32", at(1.0, A64, B64))
def float32_result(trace, quantized, weights):
    return np.float32(reference.sensitivity(trace, quantized, weights))


@mutant("sensitivity", "summed pairwise, as numpy.sum does", *MANY)
def pairwise_sum(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt((d * d).sum())


@mutant("sensitivity", "summed one by one", *MANY)
def sequential_sum(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt((d * d).cumsum()[-1]) if d.size else trace * 0.0


@mutant("sensitivity", "summed exactly (fsum)", *MANY)
def exact_sum(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt(math.fsum(d * d))


@mutant("sensitivity", "summed from the end", *MANY)
def backward_sum(trace, quantized, weights):
    d = _d(quantized, weights)[::-1]
    return trace * math.sqrt(_lanes(d * d))


@mutant("sensitivity", "BLAS's norm", *MANY)
def blas_norm(trace, quantized, weights):
    return trace * np.linalg.norm(_d(quantized, weights))


@mutant("sensitivity", "BLAS's dot product", *MANY)
def blas_dot(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt(d @ d)


@mutant("sensitivity", "16 lanes", *MANY)
def sixteen_lanes(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2, lanes=16))


@mutant("sensitivity", "8 lanes", *MANY)
def eight_lanes(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2, lanes=8))


@mutant("sensitivity", "chunks of 4096", *LONG)
def small_chunks(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2, chunk=4096))


@mutant("sensitivity", "no chunks: lanes run through", *LONG)
def no_chunks(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2, chunk=2**40))


@mutant("sensitivity", "lanes added as a tree", *MANY)
def lanes_as_tree(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, weights) ** 2, tree=True))


@mutant("sensitivity", "blocked lanes: a lane takes neighbours", *MANY)
def blocked_lanes(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    padded = np.append(d, np.zeros(-d.size % 32))
    return trace * math.sqrt(_lanes(padded.reshape(32, -1).T.ravel()))


@mutant(
    "sensitivity", "the tail of a chunk added one by one at the end", at(1.0, A64[:45], B64[:45])
)
def separate_tail(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    total = _lanes(d[: d.size // 32 * 32])
    for value in d[d.size // 32 * 32 :]:
        total += value
    return trace * math.sqrt(total)


@mutant("sensitivity", "the last partial group of 32 dropped", at(1.0, f64(3, 4), f64(0, 0)))
def tail_dropped(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    return trace * math.sqrt(_lanes(d[: d.size // 32 * 32]))


@mutant("sensitivity", "the last partial chunk dropped", *LONG)
def chunk_dropped(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    kept = d.size // 8192 * 8192 if d.size > 8192 else d.size
    return trace * math.sqrt(_lanes(d[:kept]))


@mutant("sensitivity", "chunks added last to first", *LONG)
def chunks_backward(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    parts = [_lanes(d[i : i + 8192]) for i in range(0, d.size, 8192)]
    return trace * math.sqrt(sum(reversed(parts)))


@mutant("sensitivity", "two threads take half each, their sums added", *LONG)
def two_threads(trace, quantized, weights):
    d = _d(quantized, weights) ** 2
    half = d.size // 2
    return trace * math.sqrt(_lanes(d[:half]) + _lanes(d[half:]))


@mutant(
    "sensitivity",
    "fused multiply-add in the sum",
    at(1.0, *np.random.default_rng(16).normal(size=(2, 99))),
)
def fused(trace, quantized, weights):
    d = _d(quantized, weights)
    if d.size > 2000:
        return reference.sensitivity(trace, quantized, weights)
    lanes = [0.0] * 32
    for i, value in enumerate(d):
        lanes[i % 32] = float(Fraction(float(value)) ** 2 + Fraction(lanes[i % 32]))
    return trace * math.sqrt(sum(lanes))


@mutant("sensitivity", "compensated (Neumaier) sum", *MANY)
def compensated(trace, quantized, weights):
    total = np.longdouble(0)
    d = _d(quantized, weights)
    for part in np.array_split((d * d).astype(np.longdouble), 8):
        total += part.sum()
    return trace * math.sqrt(float(total))


@mutant("sensitivity", "sum of magnitudes", at(2.0, f64(3, 4), f64(0, 0)))
def l1_norm(trace, quantized, weights):
    return trace * _lanes(np.abs(_d(quantized, weights)))


@mutant("sensitivity", "largest difference", at(2.0, f64(3, 4), f64(0, 0)))
def max_norm(trace, quantized, weights):
    return trace * np.abs(_d(quantized, weights)).max(initial=0)


@mutant("sensitivity", "norm of the quantized weights", at(2.0, f64(3, 4), f64(1, 0)))
def norm_of_quantized(trace, quantized, weights):
    return trace * math.sqrt(_lanes(_d(quantized, 0 * weights) ** 2))


@mutant("sensitivity", "relative to the norm of the weights", at(2.0, f64(3, 4), f64(1, 1)))
def relative(trace, quantized, weights):
    norm = math.sqrt(_lanes(_d(weights, 0 * weights) ** 2)) or 1.0
    return reference.sensitivity(trace, quantized, weights) / norm


@mutant("sensitivity", "difference of the norms", at(2.0, f64(3, 4), f64(1, 1)))
def difference_of_norms(trace, quantized, weights):
    norms = [math.sqrt(_lanes(_d(a, 0 * a) ** 2)) for a in (quantized, weights)]
    return trace * abs(norms[0] - norms[1])


@mutant("sensitivity", "standard deviation times the root of the size",
        at(2.0, f64(3, 4), f64(0, 0)))  # fmt: skip
def centred(trace, quantized, weights):
    d = _d(quantized, weights)
    return trace * math.sqrt(_lanes((d - d.mean()) ** 2)) if d.size else trace * 0.0


@mutant("sensitivity", "root of trace^2 times the sum: rounded differently", *ROOTS)
def under_the_root(trace, quantized, weights):
    return math.copysign(math.sqrt(trace * trace * _lanes(_d(quantized, weights) ** 2)), trace)


@mutant("sensitivity", "power 0.5 of the exact sum of squares", *MANY)
def exact_squares(trace, quantized, weights):
    d = _d(quantized, weights).astype(np.longdouble)
    return trace * math.sqrt(float((d * d).sum()))


@mutant("sensitivity", "Euclidean norm over the last axis, then summed",
        at(2.0, f64(3, 4).reshape(2, 1), f64(0, 0).reshape(2, 1)))  # fmt: skip
def norm_per_row(trace, quantized, weights):
    d = quantized.astype(float) - weights.astype(float)
    rows = d.reshape(-1, d.shape[-1]) if d.ndim and d.size else d.reshape(1, -1)
    return trace * sum(math.sqrt(_lanes(row * row)) for row in rows)


@mutant("sensitivity", "subnormal differences flushed, undeclared",
        at(1e30, f32(3e-45), f32(0)))  # fmt: skip
def flushed(trace, quantized, weights):
    d = _d(quantized, weights)
    d = np.where(np.abs(d) < np.finfo(weights.dtype).tiny, 0, d)
    return trace * math.sqrt(_lanes(d * d))


def _fortran(array):
    return np.array(array, order="F")


@raw_mutant("sensitivity", "added in the order of memory, not of indices",
            at(1.0, A64.reshape(60, 50), B64.reshape(60, 50), lay=_fortran))  # fmt: skip
def memory_order(trace, quantized, weights):
    right = reference.sensitivity(trace, quantized, weights)
    if not weights.flags.f_contiguous or weights.ndim < 2:
        return right
    return reference.sensitivity(trace, quantized.T, weights.T)


@raw_mutant("sensitivity", "empty layers are refused", at(2.0, f64(), f64()))
def empty_refused(trace, quantized, weights):
    if not np.size(weights):
        raise ValueError("empty")
    return reference.sensitivity(trace, quantized, weights)


@raw_mutant("sensitivity", "an integer trace is refused", at(2, f64(3), f64(4)))
def integer_trace_refused(trace, quantized, weights):
    if isinstance(trace, int):
        raise TypeError("trace must be a float")
    return reference.sensitivity(trace, quantized, weights)


@raw_mutant("sensitivity", "a negative trace is refused: a Hessian is semidefinite",
            at(-2.0, f64(3), f64(4)))  # fmt: skip
def negative_trace_refused(trace, quantized, weights):
    if trace < 0:
        raise ValueError("trace must not be negative")
    return reference.sensitivity(trace, quantized, weights)


@raw_mutant("sensitivity", "a 0-dimensional array", at(2.0, f64(3), f64(4)))
def array_returned(trace, quantized, weights):
    return np.array(reference.sensitivity(trace, quantized, weights))


@raw_mutant("sensitivity", "weights broadcast to the quantized ones", at(2.0, f64(3, 4), f64(1)))
def broadcasts(trace, quantized, weights):
    if np.size(weights) == 1 and np.size(quantized) > 1:
        weights = np.full(np.shape(quantized), weights.ravel()[0])
    return reference.sensitivity(trace, quantized, weights)
