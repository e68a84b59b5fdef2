"""Wrong normalizations of the offset domain [S1.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, f64, mutant, raw_mutant

MATRIX = np.array([[0.1, -0.3, 0.2], [0.5, 1.5, -0.7]], np.float32)
RISE64 = np.linspace(-1.1, 1.3, 97)
TINY = f32(1e-40, -5e-41)


def _offset(t):
    m = np.abs(t).max()
    return t / (2 * m) + t.dtype.type(0.5) if m else np.full_like(t, 0.5)


@mutant("normalize", "no tanh", at(f32(0.5, 1)))
def tanh_missing(w):
    return _offset(w)


@mutant("normalize", "maximum of t, not of |t|", at(f32(-2, 1)))
def signed_maximum(w):
    t = np.tanh(w)
    return t / (2 * t.max()) + w.dtype.type(0.5) if t.any() else _offset(t)


@mutant("normalize", "the element of largest |t| with its sign", at(f32(-2, 1)))
def maximum_with_sign(w):
    t = np.tanh(w)
    return t / (2 * t.flat[np.abs(t).argmax()]) + w.dtype.type(0.5) if t.any() else _offset(t)


@mutant("normalize", "maximum over the last axis only", at(MATRIX))
def per_row(w):
    t = np.tanh(w)
    m = np.abs(t).max(axis=-1, keepdims=True) if w.ndim else np.abs(t)
    return np.where(m > 0, t / (2 * m), 0) + w.dtype.type(0.5)


@mutant("normalize", "maximum over all axes but the last (per channel)", at(MATRIX))
def per_channel(w):
    t = np.tanh(w)
    m = np.abs(t).max(axis=tuple(range(w.ndim - 1)), keepdims=True)
    return np.where(m > 0, t / (2 * m), 0) + w.dtype.type(0.5)


@mutant("normalize", "1e-8 added to the denominator", at(f32(1e-6, -5e-7)))
def eps_added(w):
    t = np.tanh(w)
    return t / (2 * np.abs(t).max() + w.dtype.type(1e-8)) + w.dtype.type(0.5)


@mutant("normalize", "1e-12 added to the denominator: shows in float64", at(f64(0.5, -0.25)))
def small_eps_added(w):
    t = np.tanh(w)
    return t / (2 * np.abs(t).max() + w.dtype.type(1e-12)) + w.dtype.type(0.5)


@mutant("normalize", "the half is not added", at(f32(0.5, -0.25)))
def half_missing(w):
    return _offset(np.tanh(w)) - w.dtype.type(0.5)


@mutant("normalize", "the factor 2 is missing", at(f32(0.5, -0.25)))
def factor_missing(w):
    t = np.tanh(w)
    return np.where(t == 0, 0, t / np.abs(t).max()) + w.dtype.type(0.5)


@mutant("normalize", "all zero gives NaN", at(f32(0, 0)))
def zero_gives_nan(w):
    t = np.tanh(w)
    return t / (2 * np.abs(t).max()) + w.dtype.type(0.5)


@mutant("normalize", "all zero gives 0", at(f32(0, 0)))
def zero_gives_zero(w):
    return _offset(np.tanh(w)) if w.any() else np.zeros_like(w)


@mutant("normalize", "a maximum below 1e-6 counts as 0", at(f32(1e-7, -1e-7)))
def small_is_zero(w):
    t = np.tanh(w)
    return _offset(t if np.abs(t).max() > 1e-6 else np.zeros_like(t))


@mutant("normalize", "in float32 for float64", at(RISE64))
def float32_inside(w):
    return _offset(np.tanh(w.astype(np.float32)))


@mutant("normalize", "tanh in half precision (autocast)", at(f32(0.123, 0.7)))
def half_tanh(w):
    return _offset(np.tanh(w.astype(np.float16)).astype(w.dtype))


@mutant("normalize", "tanh by exponentials: tiny weights cancel", at(f32(1e-6, 3e-6)))
def exponential_tanh(w):
    e = np.exp(-2 * np.abs(w))
    return _offset(np.sign(w) * (1 - e) / (1 + e))


@mutant("normalize", "tanh by (e^2w - 1) / (e^2w + 1), which overflows", at(f32(100, 0.5)))
def overflowing_tanh(w):
    e = np.exp(2 * w)
    return _offset(np.where(np.abs(w) < 1, np.tanh(w), (e - 1) / (e + 1)).astype(w.dtype))


@mutant("normalize", "tanh by a rational function, good to 1e-4", at(f32(0.9, 2)))
def rational_tanh(w):
    x = np.clip(w, -3, 3)
    return _offset((x * (27 + x * x) / (27 + 9 * x * x)).astype(w.dtype))


@mutant("normalize", "minimum to 0 and maximum to 1", at(f32(0.5, -0.25)))
def min_max(w):
    t = np.tanh(w)
    low, high = t.min(), t.max()
    return (t - low) / (high - low) if high > low else np.full_like(w, 0.5)


@mutant("normalize", "the mean is taken off first", at(f32(0.5, -0.25)))
def centred(w):
    return _offset(np.tanh(w - w.mean()))


@mutant("normalize", "divided by a 99.9 % percentile and clipped", at(RISE64))
def percentile(w):
    t = np.tanh(w)
    m = np.quantile(np.abs(t), 0.999)
    return np.clip(t / (2 * m), -0.5, 0.5) + 0.5 if m else _offset(t)


@mutant("normalize", "subnormal weights count as 0, undeclared", at(TINY))
def flushed(w):
    return _offset(np.tanh(np.where(np.abs(w) < np.finfo(w.dtype).tiny, 0, w).astype(w.dtype)))


@mutant("normalize", "times 1 / (2m), infinite for a subnormal maximum", at(f32(1e-39, -5e-40)))
def reciprocal_overflows(w):
    t = np.tanh(w)
    return t * (1 / (2 * np.abs(t).max())) + w.dtype.type(0.5) if t.any() else _offset(t)


@mutant("normalize", "maximum without the last partial vector of 8",
        at(f32(*[0.1] * 8, 1)))  # fmt: skip
def maximum_of_whole_vectors(w):
    t = np.tanh(w)
    flat = np.abs(t).ravel()
    m = flat[: max(flat.size // 8 * 8, 1)].max()
    return np.where(m > 0, t / (2 * m), 0) + w.dtype.type(0.5)


@mutant("normalize", "maximum of the first 65536 elements",
        at(np.append(np.full(65536, 0.1, np.float32), np.float32(1))))  # fmt: skip
def maximum_of_first_block(w):
    t = np.tanh(w)
    m = np.abs(t).ravel()[:65536].max()
    return np.where(m > 0, t / (2 * m), 0) + w.dtype.type(0.5)


@mutant("normalize", "a single weight gives 1/2", at(f32(0.3)))
def single_weight(w):
    return _offset(np.tanh(w)) if w.size > 1 else np.full_like(w, 0.5)


@raw_mutant("normalize", "empty gives empty", at(f32()))
def empty_accepted(w):
    return np.zeros_like(w) if w.size == 0 and w.dtype.kind == "f" else reference.normalize(w)
