"""Wrong bit planes [S3.3], [S9.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, mutant, raw_mutant

C, S = i32(6, 1, 11), i32(-3, 2, -8)


def _split(codes, bits):
    c = codes.astype(np.int64)
    return np.stack([c >> j & 1 for j in range(bits)])


@mutant("bit_planes", "most significant plane first", at(C, 4))
def msb_first(codes, bits, signed=False):
    return _split(codes, bits)[::-1]


@mutant("bit_planes", "bits in place, not shifted down", at(C, 4))
def masked_not_shifted(codes, bits, signed=False):
    return np.stack([codes.astype(np.int64) & (1 << j) for j in range(bits)])


@mutant("bit_planes", "Gray code", at(C, 4))
def gray(codes, bits, signed=False):
    c = codes.astype(np.int64)
    return _split(c ^ c >> 1, bits)


@mutant("bit_planes", "sign and magnitude", at(S, 4, signed=True))
def sign_magnitude(codes, bits, signed=False):
    if not signed:
        return _split(codes, bits)
    return np.concatenate([_split(np.abs(codes.astype(np.int64)), bits - 1),
                           (codes < 0)[None]] if bits > 1 else [(codes < 0)[None]])  # fmt: skip


@mutant("bit_planes", "ones' complement", at(S, 4, signed=True))
def ones_complement(codes, bits, signed=False):
    c = codes.astype(np.int64)
    return _split(np.where(c < 0, ~-c, c), bits)


@mutant("bit_planes", "offset binary", at(S, 4, signed=True))
def offset_binary(codes, bits, signed=False):
    return _split(codes.astype(np.int64) + (2 ** (bits - 1) if signed else 0), bits)


@mutant("bit_planes", "division truncates negatives, as in C", at(S, 4, signed=True))
def c_division(codes, bits, signed=False):
    c = codes.astype(np.int64)
    return np.stack([np.abs(np.trunc(c / 2**j)).astype(np.int64) % 2 for j in range(bits)])


@mutant("bit_planes", "magnitude bits only", at(S, 4, signed=True))
def magnitude_planes(codes, bits, signed=False):
    return _split(np.abs(codes.astype(np.int64)), bits)


@mutant("bit_planes", "the top plane of signed codes is -1", at(S, 4, signed=True))
def top_is_minus_one(codes, bits, signed=False):
    planes = _split(codes, bits)
    planes[-1] *= -1 if signed else 1
    return planes


@mutant("bit_planes", "logical shift of a byte: high planes of negatives are 0",
        at(i32(-1), 12, signed=True))  # fmt: skip
def byte_shift(codes, bits, signed=False):
    return _split(np.where(codes < 0, codes.astype(np.int64) & 0xFF, codes), bits)


@mutant("bit_planes", "the last plane is missing", at(C, 4))
def last_missing(codes, bits, signed=False):
    return _split(codes, bits)[:-1]


@mutant("bit_planes", "always 8 planes", at(C, 4))
def always_eight(codes, bits, signed=False):
    return _split(codes, 8)


@mutant("bit_planes", "planes that are all zero are left off at the top", at(i32(1), 4))
def trimmed(codes, bits, signed=False):
    planes = _split(codes, bits)
    return planes[: 1 + max([j for j in range(bits) if planes[j].any()], default=0)]


@mutant("bit_planes", "planes along the last axis", at(C, 4))
def planes_last(codes, bits, signed=False):
    return np.moveaxis(_split(codes, bits), 0, -1)


@mutant("bit_planes", "the other axes transposed", at(np.arange(9).reshape(3, 3), 4))
def transposed(codes, bits, signed=False):
    return _split(codes.T, bits)


@mutant("bit_planes", "unpackbits of a byte: 0 above plane 7", at(i32(300), 9))
def byte_planes(codes, bits, signed=False):
    planes = _split(codes, bits)
    planes[8:] = 0
    return planes


@mutant("bit_planes", "codes through int8: planes above 7 copy plane 7", at(i32(128), 9))
def int8_planes(codes, bits, signed=False):
    return _split(codes.astype(np.int8), bits)


@mutant("bit_planes", "planes of the rounding slices", at(C, 4))
def rounding_slices(codes, bits, signed=False):
    c = codes.astype(np.int64)
    return np.stack([np.abs(np.rint(c / 2**j) - 2 * np.rint(c / 2 ** (j + 1)))
                     for j in range(bits)])  # fmt: skip


@raw_mutant("bit_planes", "packed, eight to a byte", at(np.arange(16, dtype=np.int32), 4))
def packed(codes, bits, signed=False):
    return np.packbits(reference.bit_planes(codes, bits, signed), axis=-1, bitorder="little")


@raw_mutant("bit_planes", "signed ignored: negative codes are refused", at(S, 4, signed=True))
def signed_refused(codes, bits, signed=False):
    return reference.bit_planes(codes, bits)


@raw_mutant("bit_planes", "unsigned codes with the top bit are refused", at(i32(15), 4))
def top_bit_refused(codes, bits, signed=False):
    if codes.size and codes.max() >= 2 ** (bits - 1):
        raise ValueError("out of range")
    return reference.bit_planes(codes, bits, signed)


@raw_mutant("bit_planes", "signed codes may go up to 2^bits - 1", at(i32(15), 4, signed=True))
def signed_range_too_wide(codes, bits, signed=False):
    codes = np.asarray(codes)
    if signed and codes.dtype.kind in "iu" and 0 < bits <= 16 and codes.size:
        codes = np.where((codes >= 2 ** (bits - 1)) & (codes < 2**bits), codes - 2**bits, codes)
    return reference.bit_planes(codes, bits, signed)
