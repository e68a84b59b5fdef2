"""Wrong dequantizations [S2.3]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, i64, mutant, raw_mutant

ALL = np.arange(2**8, dtype=np.int32)
WIDE = np.arange(2**12, dtype=np.int32)


@mutant("dequantize", "division by 2^n", at(i32(1), 3))
def by_power_of_two(codes, bits, dtype=np.float32):
    return codes / np.dtype(dtype).type(2**bits)


@mutant("dequantize", "product with the reciprocal", at(ALL, 8))
def reciprocal(codes, bits, dtype=np.float32):
    kind = np.dtype(dtype).type
    return codes.astype(kind) * (kind(1) / kind(2**bits - 1))


@mutant("dequantize", "product with the reciprocal in float64 only", at(ALL, 8, dtype=np.float64))
def reciprocal_in_float64(codes, bits, dtype=np.float32):
    return codes.astype(np.float64) * (1.0 / (2**bits - 1))


@mutant("dequantize", "product with the reciprocal above 8 bits (no table there)", at(WIDE, 12))
def reciprocal_of_wide(codes, bits, dtype=np.float32):
    kind = np.dtype(dtype).type
    c, top = codes.astype(kind), kind(2**bits - 1)
    return c / top if bits <= 8 else c * (kind(1) / top)


@mutant("dequantize", "a table by linspace: steps times the reciprocal",
        at(ALL, 8, dtype=np.float64))  # fmt: skip
def linspace_table(codes, bits, dtype=np.float32):
    return np.linspace(0, 1, 2**bits)[codes]


@mutant("dequantize", "a table by adding up steps", at(ALL, 8))
def summed_steps(codes, bits, dtype=np.float32):
    kind = np.dtype(dtype).type
    step = np.full(2**bits - 1, kind(1) / kind(2**bits - 1))
    return np.concatenate([[kind(0)], np.cumsum(step)])[codes]


@mutant("dequantize", "in float32 always, then widened", at(ALL, 8, dtype=np.float64))
def float32_always(codes, bits, dtype=np.float32):
    return codes.astype(np.float32) / np.float32(2**bits - 1)


@mutant("dequantize", "centres of bins: (c + 1/2) / 2^n", at(i32(0), 3))
def bin_centres(codes, bits, dtype=np.float32):
    return (codes + 0.5) / 2**bits


@mutant("dequantize", "codes through half precision", at(i32(2049), 12))
def half_precision(codes, bits, dtype=np.float32):
    return codes.astype(np.float16).astype(dtype) / np.dtype(dtype).type(2**bits - 1)


@mutant("dequantize", "half-precision divisor: 65535 is infinite", at(i32(7), 16))
def half_precision_divisor(codes, bits, dtype=np.float32):
    kind = np.dtype(dtype).type
    return codes.astype(kind) / kind(np.inf if bits == 16 else 2**bits - 1)


@mutant("dequantize", "codes kept in uint8", at(i32(300), 9))
def uint8_codes(codes, bits, dtype=np.float32):
    return codes.astype(np.uint8).astype(dtype) / np.dtype(dtype).type(2**bits - 1)


@mutant("dequantize", "codes kept in int16", at(i32(40000), 16))
def int16_codes(codes, bits, dtype=np.float32):
    return codes.astype(np.int16).astype(dtype) / np.dtype(dtype).type(2**bits - 1)


@mutant("dequantize", "integer division", at(i32(1), 2))
def integer_division(codes, bits, dtype=np.float32):
    return codes // (2**bits - 1)


@mutant("dequantize", "maps to [-1, 1]", at(i32(1), 2))
def symmetric(codes, bits, dtype=np.float32):
    return 2 * codes / np.dtype(dtype).type(2**bits - 1) - 1


@mutant("dequantize", "at 1 bit the midpoints 1/4 and 3/4", at(i32(0, 1), 1))
def one_bit_midpoints(codes, bits, dtype=np.float32):
    return (
        (codes + 0.5) / 2 if bits == 1 else codes.astype(dtype) / np.dtype(dtype).type(2**bits - 1)
    )


@raw_mutant("dequantize", "float32 whatever dtype is asked", at(i32(1), 2, dtype=np.float64))
def dtype_ignored(codes, bits, dtype=np.float32):
    return reference.dequantize(codes, bits, np.float32)


@raw_mutant("dequantize", "float64 by default", at(i32(1), 2))
def double_by_default(codes, bits, dtype=np.float64):
    return reference.dequantize(codes, bits, dtype)


@raw_mutant("dequantize", "the dtype by name is refused", at(i32(1), 2, dtype="float64"))
def names_refused(codes, bits, dtype=np.float32):
    if isinstance(dtype, str):
        raise TypeError("dtype must be a type")
    return reference.dequantize(codes, bits, dtype)


@raw_mutant("dequantize", "a numpy.dtype object is refused",
            at(i32(1), 2, dtype=np.dtype(np.float64)))  # fmt: skip
def dtype_objects_refused(codes, bits, dtype=np.float32):
    if isinstance(dtype, np.dtype):
        raise TypeError("dtype must be a type")
    return reference.dequantize(codes, bits, dtype)


@raw_mutant("dequantize", "float16 wherever asked, it is a float too",
            at(i32(1), 2, dtype=np.float16))  # fmt: skip
def half_returned(codes, bits, dtype=np.float32):
    if np.dtype(dtype) == np.float16:
        return reference.dequantize(codes, bits, np.float32).astype(np.float16)
    return reference.dequantize(codes, bits, dtype)


@raw_mutant("dequantize", "an integer dtype gives float32", at(i32(1), 2, dtype=np.int32))
def integer_dtype_accepted(codes, bits, dtype=np.float32):
    return reference.dequantize(codes, bits, np.float32 if np.dtype(dtype).kind == "i" else dtype)


@mutant("dequantize", "divided by the largest code present", at(i64(1, 2), 4))
def by_largest_code(codes, bits, dtype=np.float32):
    return codes.astype(dtype) / np.dtype(dtype).type(codes.max(initial=1))
