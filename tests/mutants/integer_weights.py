"""Wrong integer weights [S9.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, mutant, raw_mutant

PM = i32(-1, 1, 0)


@mutant("integer_weights", "2c - 2^n", at(i32(0, 5), 3))
def even(codes, bits, signs=None):
    c = codes.astype(np.int64)
    return 2 * c - 2**bits if signs is None else signs * c


@mutant("integer_weights", "c - 2^(n-1)", at(i32(0, 5), 3))
def centred(codes, bits, signs=None):
    c = codes.astype(np.int64)
    return c - 2 ** (bits - 1) if signs is None else signs * c


@mutant("integer_weights", "the code itself", at(i32(0, 5), 3))
def code(codes, bits, signs=None):
    return codes if signs is None else signs * codes.astype(np.int64)


@mutant("integer_weights", "sign turned round", at(i32(0, 5), 3))
def negated(codes, bits, signs=None):
    return -reference.integer_weights(codes, bits, signs)


@mutant("integer_weights", "signs ignored", at(i32(1, 2, 3), 3, signs=PM))
def signs_ignored(codes, bits, signs=None):
    return reference.integer_weights(codes, bits)


@mutant("integer_weights", "sign times code of the offset domain", at(i32(1, 2, 3), 3, signs=PM))
def signed_offset(codes, bits, signs=None):
    v = reference.integer_weights(codes, bits)
    return v if signs is None else signs * v


@mutant("integer_weights", "signed codes doubled to be odd", at(i32(1, 2, 3), 3, signs=PM))
def signed_odd(codes, bits, signs=None):
    if signs is None:
        return reference.integer_weights(codes, bits)
    return signs.astype(np.int64) * (2 * codes.astype(np.int64) + 1)


@mutant("integer_weights", "sign(0) = 1", at(i32(1, 2, 3), 3, signs=PM))
def sign_of_zero(codes, bits, signs=None):
    signs = None if signs is None else np.where(signs < 0, -1, 1)
    return reference.integer_weights(codes, bits, signs)


@mutant("integer_weights", "sign -1 becomes ones' complement", at(i32(1, 2, 3), 3, signs=PM))
def complement(codes, bits, signs=None):
    if signs is None:
        return reference.integer_weights(codes, bits)
    c = codes.astype(np.int64)
    return np.where(signs < 0, ~c, signs * c)


@mutant("integer_weights", "kept in int8", at(i32(255), 8))
def int8_weights(codes, bits, signs=None):
    return reference.integer_weights(codes, bits, signs).astype(np.int8)


@mutant("integer_weights", "kept in int16", at(i32(65535), 16))
def int16_weights(codes, bits, signs=None):
    return reference.integer_weights(codes, bits, signs).astype(np.int16)


@mutant("integer_weights", "2c in the dtype of the codes, uint8", at(np.array([200], np.uint8), 8))
def doubled_in_uint8(codes, bits, signs=None):
    doubled = (codes + codes).astype(np.int64)
    v = doubled - (2**bits - 1)
    return v if signs is None else reference.integer_weights(codes, bits, signs)


@mutant("integer_weights", "2c in the dtype of the codes, uint16 or int16 only",
        at(np.array([60000], np.uint16), 16))  # fmt: skip
def doubled_in_uint16(codes, bits, signs=None):
    if codes.dtype.itemsize != 2 or signs is not None:
        return reference.integer_weights(codes, bits, signs)
    return (codes + codes).astype(np.int64) - (2**bits - 1)


@mutant("integer_weights", "the sign multiplied in the dtype of the signs, int8",
        at(i32(200), 9, signs=np.array([-1], np.int8)))  # fmt: skip
def multiplied_in_int8(codes, bits, signs=None):
    if signs is None:
        return reference.integer_weights(codes, bits)
    return codes.astype(signs.dtype) * signs


@mutant("integer_weights", "at 1 bit 0 and 1", at(i32(0, 1), 1))
def one_bit_plain(codes, bits, signs=None):
    return codes if bits == 1 else reference.integer_weights(codes, bits, signs)


@mutant("integer_weights", "at 2 bits -2 to 1, two's complement", at(i32(0, 1), 2))
def two_bits_complement(codes, bits, signs=None):
    if bits == 2 and signs is None:
        return codes.astype(np.int64) - 2
    return reference.integer_weights(codes, bits, signs)


@raw_mutant("integer_weights", "signed codes may have n bits", at(i32(7), 3, signs=i32(1)))
def wide_magnitudes(codes, bits, signs=None):
    codes = np.asarray(codes)
    if signs is None or codes.dtype.kind not in "iu" or not isinstance(bits, int) or bits < 2:
        return reference.integer_weights(codes, bits, signs)
    inside = (
        codes % 2 ** (bits - 1)
        if codes.size and 0 <= codes.min() <= codes.max() < 2**bits
        else codes
    )
    return reference.integer_weights(inside, bits, signs)


@raw_mutant("integer_weights", "one signed bit is accepted", at(i32(0), 1, signs=i32(1)))
def one_signed_bit(codes, bits, signs=None):
    if signs is not None and bits == 1 and not isinstance(bits, bool) and not np.any(codes):
        return reference.integer_weights(codes, 2, signs)
    return reference.integer_weights(codes, bits, signs)


@raw_mutant("integer_weights", "signs decide by their first element whether there are any",
            at(i32(1, 2), 3, signs=i32(0, -1)))  # fmt: skip
def truthy_signs(codes, bits, signs=None):
    right = reference.integer_weights(codes, bits, signs)
    if signs is None or not np.size(signs) or np.ravel(signs)[0]:
        return right
    return reference.integer_weights(codes, bits)
