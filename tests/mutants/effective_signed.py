"""Wrong maps from magnitudes and signs to weights [S1.4]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, f64, i32, mutant, raw_mutant

GRID = np.arange(256, dtype=np.float32) / np.float32(255)
GRID64 = np.arange(256) / 255.0
SIGNS = np.where(np.arange(256) % 2, -1, 1).astype(np.int32)


@mutant("effective_signed", "signs ignored", at(f32(0.5), i32(-1), 1.0))
def signs_ignored(q, signs, scale):
    return q.dtype.type(scale) * q


@mutant("effective_signed", "sign(0) = 1", at(f32(0.5), i32(0), 1.0))
def sign_of_zero(q, signs, scale):
    return q.dtype.type(scale) * np.where(signs < 0, -1, 1).astype(q.dtype) * q


@mutant("effective_signed", "copysign: a zero sign counts as positive, minus zero as negative",
        at(f32(0.5), f32(-0.0), 1.0))  # fmt: skip
def copysign(q, signs, scale):
    return np.copysign(q.dtype.type(scale) * q, signs.astype(q.dtype))


@mutant("effective_signed", "the scale is not rounded to the dtype first", at(GRID, SIGNS, 0.7))
def signed_wide_scale(q, signs, scale):
    return scale * signs.astype(np.float64) * q.astype(np.float64)


@mutant("effective_signed", "in float32 for float64", at(GRID64, SIGNS, 0.7))
def signed_float32_inside(q, signs, scale):
    return np.float32(scale) * signs.astype(np.float32) * q.astype(np.float32)


@mutant("effective_signed", "scale * sign * (2q - 1)", at(f32(0.5), i32(1), 1.0))
def offset_formula(q, signs, scale):
    return q.dtype.type(scale) * signs.astype(q.dtype) * (2 * q - 1)


@mutant("effective_signed", "signs as uint8: -1 becomes 255", at(f32(0.5), i32(-1), 1.0))
def unsigned_signs(q, signs, scale):
    return q.dtype.type(scale) * signs.astype(np.int8).view(np.uint8).astype(q.dtype) * q


@mutant("effective_signed", "signs as booleans: negative weights vanish",
        at(f32(0.5), i32(-1), 1.0))  # fmt: skip
def boolean_signs(q, signs, scale):
    return q.dtype.type(scale) * (signs > 0).astype(q.dtype) * q


@mutant("effective_signed", "0 added at the end: minus zero loses its sign",
        at(f32(0), i32(-1), 1.0))  # fmt: skip
def zero_added(q, signs, scale):
    return q.dtype.type(scale) * signs.astype(q.dtype) * q + q.dtype.type(0)


@mutant("effective_signed", "the scale is missing", at(f32(1), i32(1), 2.0))
def signed_scale_missing(q, signs, scale):
    return signs.astype(q.dtype) * q


@mutant("effective_signed", "subnormal results are flushed, undeclared",
        at(f32(1), i32(1), 1e-40))  # fmt: skip
def signed_flushed(q, signs, scale):
    w = q.dtype.type(scale) * signs.astype(q.dtype) * q
    return np.where(np.abs(w) < np.finfo(w.dtype).tiny, 0, w)


@raw_mutant("effective_signed", "float signs are refused", at(f64(0.7), f64(-1), 2.0))
def float_signs_refused(q, signs, scale):
    if np.asarray(signs).dtype.kind != "i":
        raise TypeError("signs must be integers")
    return reference.effective_signed(q, signs, scale)


@raw_mutant("effective_signed", "integer signs are refused", at(f32(0.7), i32(-1), 2.0))
def integer_signs_refused(q, signs, scale):
    if np.asarray(signs).dtype.kind != "f":
        raise TypeError("signs must be floats")
    return reference.effective_signed(q, signs, scale)


@raw_mutant("effective_signed", "float64 signs lift float32 weights to float64",
            at(f32(0.7), f64(-1), 2.0))  # fmt: skip
def promoted_by_signs(q, signs, scale):
    w = reference.effective_signed(q, signs, scale)
    return w.astype(np.float64) if np.asarray(signs).dtype == np.float64 else w
