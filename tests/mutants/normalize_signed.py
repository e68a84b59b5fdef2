"""Wrong normalizations of the signed domain [S1.4]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, mutant, raw_mutant

MATRIX = np.array([[0.1, -0.3, 0.2], [0.5, 1.5, -0.7]], np.float32)
RISE64 = np.linspace(-1.1, 1.3, 97)
TINY = f32(1e-40, -5e-41)


def _offset(t):
    m = np.abs(t).max()
    return t / (2 * m) + t.dtype.type(0.5) if m else np.full_like(t, 0.5)


def _signed(a):
    m = a.max()
    return a / m if m else np.zeros_like(a)


THIRDS = np.arange(1, 7, dtype=np.float32)


@mutant("normalize_signed", "product with the reciprocal", at(THIRDS))
def signed_reciprocal(w):
    m = np.abs(w).max()
    return np.abs(w) * (w.dtype.type(1) / m) if m else np.zeros_like(w)


@mutant("normalize_signed", "product with the reciprocal in float64 only",
        at(np.arange(1.0, 100.0)))  # fmt: skip
def signed_reciprocal_in_float64(w):
    m = np.abs(w).max()
    if w.dtype == np.float32 or not m:
        return _signed(np.abs(w))
    return np.abs(w) * (1 / m)


@mutant("normalize_signed", "tanh first, as in the offset domain", at(f32(0.5, 1)))
def signed_tanh(w):
    return _signed(np.abs(np.tanh(w)))


@mutant("normalize_signed", "maximum of w, not of |w|", at(f32(-2, 1)))
def signed_maximum_of_w(w):
    return np.abs(w) / w.max() if w.any() else np.zeros_like(w)


@mutant("normalize_signed", "all zero gives NaN", at(f32(0, 0)))
def signed_zero_gives_nan(w):
    return np.abs(w) / np.abs(w).max()


@mutant("normalize_signed", "all zero gives 1/2", at(f32(0, 0)))
def signed_zero_gives_half(w):
    return _signed(np.abs(w)) if w.any() else np.full_like(w, 0.5)


@mutant("normalize_signed", "keeps the sign", at(f32(-0.5, 1)))
def sign_kept(w):
    return w / np.abs(w).max() if w.any() else np.zeros_like(w)


@mutant("normalize_signed", "w / (2m) + 1/2, the offset domain's", at(f32(-0.5, 1)))
def offset_formula(w):
    return _offset(w)


@mutant("normalize_signed", "in float32 for float64", at(RISE64))
def signed_float32_inside(w):
    return _signed(np.abs(w.astype(np.float32)))


@mutant("normalize_signed", "1e-8 added to the denominator", at(f32(1e-6, -5e-7)))
def signed_eps_added(w):
    return np.abs(w) / (np.abs(w).max() + w.dtype.type(1e-8))


@mutant("normalize_signed", "1e-12 added to the denominator: shows in float64", at(RISE64))
def signed_small_eps_added(w):
    return np.abs(w) / (np.abs(w).max() + w.dtype.type(1e-12))


@mutant("normalize_signed", "a maximum below 1e-8 counts as 0", at(f32(1e-9, -1e-9)))
def signed_small_is_zero(w):
    return _signed(np.abs(w)) if np.abs(w).max() > 1e-8 else np.zeros_like(w)


@mutant("normalize_signed", "maximum per channel", at(MATRIX))
def signed_per_channel(w):
    m = np.abs(w).max(axis=tuple(range(w.ndim - 1)), keepdims=True)
    return np.where(m > 0, np.abs(w) / m, 0)


@mutant("normalize_signed", "maximum over the last axis only", at(MATRIX))
def signed_per_row(w):
    m = np.abs(w).max(axis=-1, keepdims=True) if w.ndim else np.abs(w)
    return np.where(m > 0, np.abs(w) / m, 0)


@mutant("normalize_signed", "maximum kept below 1 by an eps", at(f32(1, 2)))
def below_one(w):
    u = _signed(np.abs(w))
    return np.minimum(u, np.nextafter(w.dtype.type(1), w.dtype.type(0)))


@mutant("normalize_signed", "subnormal weights count as 0, undeclared", at(TINY))
def signed_flushed(w):
    return _signed(np.where(np.abs(w) < np.finfo(w.dtype).tiny, 0, np.abs(w)).astype(w.dtype))


@mutant("normalize_signed", "subnormal results are flushed, undeclared", at(f32(1e-39, 1)))
def signed_results_flushed(w):
    u = _signed(np.abs(w))
    return np.where(u < np.finfo(w.dtype).tiny, 0, u)


@mutant("normalize_signed", "times 1 / m, infinite for a subnormal maximum", at(TINY))
def signed_reciprocal_overflows(w):
    a, tiny = np.abs(w), np.finfo(w.dtype).tiny
    return a * (1 / a.max()) if 0 < a.max() < tiny else _signed(a)


@mutant("normalize_signed", "|w| by comparison: minus zero keeps its sign", at(f32(-0.0, 1)))
def minus_zero_kept(w):
    return _signed(np.where(w < 0, -w, w))


@mutant("normalize_signed", "maximum without the last partial vector of 8",
        at(f32(*[0.1] * 8, 1)))  # fmt: skip
def signed_maximum_of_whole_vectors(w):
    flat = np.abs(w).ravel()
    m = flat[: max(flat.size // 8 * 8, 1)].max()
    return np.where(m > 0, np.abs(w) / m, 0)


@raw_mutant("normalize_signed", "empty gives empty", at(f32()))
def signed_empty_accepted(w):
    if w.size == 0 and w.dtype.kind == "f":
        return np.zeros_like(w)
    return reference.normalize_signed(w)
