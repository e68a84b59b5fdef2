"""Wrong DoReFa quantizers [S2.2]."""

import numpy as np

from tests.mutants.registry import at, f32, f64, mutant

# The nearest floats to bin edges (j + 1/2) / (2^n - 1), and their neighbours: how the product is
# rounded decides there.
EDGES = np.array([(j + 0.5) / 4095 for j in range(4095)])
NEAR32 = np.concatenate([np.nextafter(EDGES.astype(np.float32), np.float32(side))
                         for side in (0, 1)] + [EDGES.astype(np.float32)])  # fmt: skip
NEAR64 = np.concatenate([np.nextafter(EDGES, side) for side in (0, 1)] + [EDGES])


@mutant("dorefa", "product in float64 also for float32", at(NEAR32, 12))
def float64_product(u, bits):
    return np.rint((2**bits - 1) * u.astype(np.float64))


@mutant("dorefa", "product in float32 also for float64", at(NEAR64, 12))
def float32_product(u, bits):
    return np.rint(np.float32(2**bits - 1) * u.astype(np.float32))


@mutant("dorefa", "product in extended precision also for float64 (x87, or fused with rint)",
        at(NEAR64, 12))  # fmt: skip
def extended_product(u, bits):
    return np.rint((2**bits - 1) * u.astype(np.longdouble))


@mutant("dorefa", "division by the step 1 / (2^n - 1)", at(NEAR32, 12))
def divided_by_step(u, bits):
    one = u.dtype.type(1)
    return np.rint(u / (one / u.dtype.type(2**bits - 1)))


@mutant("dorefa", "division by the step, wrong in float64 only", at(NEAR64, 12))
def divided_by_step_in_float64(u, bits):
    n = u.dtype.type(2**bits - 1)
    return np.rint(u / (1 / n) if u.dtype == np.float64 else u * n)


@mutant("dorefa", "scale 2^n with a clamp, RoundClamp's", at(f32(0.07), 3))
def roundclamp_scale(u, bits):
    return np.minimum(np.rint(2.0**bits * u), 2**bits - 1)


@mutant("dorefa", "scale 2^(n-1) - 1", at(f32(1), 3))
def half_scale(u, bits):
    return np.rint((2 ** (bits - 1) - 1) * u)


@mutant("dorefa", "ties away from zero", at(f32(0.5), 1))
def ties_away(u, bits):
    return np.floor(((2**bits - 1) * u).astype(float) + 0.5)


@mutant("dorefa", "ties down", at(f32(0.5), 2))
def ties_down(u, bits):
    return np.ceil(((2**bits - 1) * u).astype(float) - 0.5)


@mutant("dorefa", "floor", at(f32(0.99), 3))
def floor(u, bits):
    return np.floor((2**bits - 1) * u)


@mutant("dorefa", "floor(u 2^n), bins of equal width", at(f32(0.12), 3))
def equal_bins(u, bits):
    return np.minimum(np.floor(2.0**bits * u), 2**bits - 1)


@mutant("dorefa", "at 1 bit u >= 1/2 gives 1", at(f64(0.5), 1))
def one_bit_tie_up(u, bits):
    return u >= 0.5 if bits == 1 else np.rint(u.dtype.type(2**bits - 1) * u)


@mutant("dorefa", "codes kept in uint8", at(f32(1), 12))
def uint8_codes(u, bits):
    return np.rint((2**bits - 1) * u).astype(np.int64).astype(np.uint8)


@mutant("dorefa", "codes kept in int16", at(f32(1), 16))
def int16_codes(u, bits):
    return np.rint((2**bits - 1) * u).astype(np.int64).astype(np.int16)


@mutant("dorefa", "scale in half precision: 65535 is infinite", at(f32(0.5), 16))
def half_precision_scale(u, bits):
    return np.clip(np.rint(np.float16(2**bits - 1) * u.astype(float)), 0, 2**bits - 1)


@mutant("dorefa", "returns the rounded u instead of the code", at(f32(0.3), 3))
def returns_q(u, bits):
    return np.rint((2**bits - 1) * u) / (2**bits - 1)


@mutant("dorefa", "u nudged by 1e-6 against float noise", at(f64(0.5), 2))
def nudged(u, bits):
    return np.rint(u.dtype.type(2**bits - 1) * np.maximum(u - u.dtype.type(1e-6), 0))
