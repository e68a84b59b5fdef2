"""Wrong maps from the unit interval to weights [S1.2]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, mutant, raw_mutant

GRID = np.arange(256, dtype=np.float32) / np.float32(255)
GRID64 = np.arange(256) / 255.0


@mutant("effective", "2 scale q - scale", at(GRID, 0.7))
def distributed(q, scale):
    s = q.dtype.type(scale)
    return 2 * s * q - s


@mutant("effective", "the scale is not rounded to the dtype first", at(GRID, 0.7))
def wide_scale(q, scale):
    return scale * (2 * q - q.dtype.type(1)).astype(np.float64)


@mutant("effective", "in float64, rounded once", at(f32(2**-26 * 1.3), 0.7))
def float64_inside(q, scale):
    return float(q.dtype.type(scale)) * (2 * q.astype(np.float64) - 1)


@mutant("effective", "in float32 for float64", at(GRID64, 0.7))
def float32_inside(q, scale):
    return np.float32(scale) * (2 * q.astype(np.float32) - 1)


@mutant("effective", "the factor 2 is missing", at(f32(1), 1.0))
def factor_missing(q, scale):
    return q.dtype.type(scale) * (q - q.dtype.type(0.5))


@mutant("effective", "the scale is missing", at(f32(1), 2.0))
def scale_missing(q, scale):
    return 2 * q - 1


@mutant("effective", "divided by the scale", at(f32(1), 2.0))
def divided(q, scale):
    return (2 * q - 1) / q.dtype.type(scale)


@mutant("effective", "scale * q, the signed domain's", at(f32(0), 1.0))
def signed_formula(q, scale):
    return q.dtype.type(scale) * q


@mutant("effective", "clipped to [-1, 1]", at(f32(1), 2.0))
def clipped(q, scale):
    return np.clip(q.dtype.type(scale) * (2 * q - 1), -1, 1)


@mutant("effective", "-scale (1 - 2q): zero gets a sign", at(f32(0.5), 1.0))
def minus_zero(q, scale):
    return -(q.dtype.type(scale) * (1 - 2 * q))


@mutant("effective", "the scale is doubled first and overflows", at(f32(0.5, 0.75), 2e38))
def doubled_scale(q, scale):
    return (2 * q.dtype.type(scale)) * (q - q.dtype.type(0.5))


@mutant("effective", "subnormal results are flushed, undeclared", at(f32(1), 1e-40))
def flushed(q, scale):
    w = q.dtype.type(scale) * (2 * q - 1)
    return np.where(np.abs(w) < np.finfo(w.dtype).tiny, 0, w)


@raw_mutant("effective", "an integer scale is refused", at(f32(0.7), 2))
def integer_scale_refused(q, scale):
    if not isinstance(scale, float):
        raise TypeError("scale must be a float")
    return reference.effective(q, scale)


@raw_mutant("effective", "a float32 scale is refused", at(f32(0.7), np.float32(2)))
def numpy_scale_refused(q, scale):
    if isinstance(scale, np.generic) and not isinstance(scale, float):
        raise TypeError("scale must be a float")
    return reference.effective(q, scale)


@raw_mutant("effective", "a float64 scale lifts float32 weights to float64",
            at(f32(0.7), np.float64(2)))  # fmt: skip
def promoted_by_scale(q, scale):
    w = reference.effective(q, scale)
    return w.astype(np.float64) if isinstance(scale, np.float64) else w
