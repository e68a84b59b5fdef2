"""Wrong codes from bit planes [S3.3], [S9.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, mutant, raw_mutant

P = np.array([[0, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 1]], np.uint8)


def _join(planes, weights):
    weights = np.array(weights).reshape(-1, *[1] * (planes.ndim - 1))
    return (planes.astype(np.int64) * weights).sum(axis=0)


def _weights(planes, signed):
    powers = [2**j for j in range(len(planes))]
    return [*powers[:-1], -powers[-1]] if signed else powers


@mutant("from_bit_planes", "most significant plane first", at(P))
def from_msb_first(planes, signed=False):
    return _join(planes[::-1], _weights(planes, signed))


@mutant("from_bit_planes", "signed ignored", at(P, signed=True))
def signed_ignored(planes, signed=False):
    return _join(planes, _weights(planes, False))


@mutant("from_bit_planes", "always signed", at(P))
def always_signed(planes, signed=False):
    return _join(planes, _weights(planes, True))


@mutant("from_bit_planes", "the top plane counts -2^bits", at(P, signed=True))
def top_too_heavy(planes, signed=False):
    weights = _weights(planes, signed)
    return _join(planes, [*weights[:-1], weights[-1] * (2 if signed else 1)])


@mutant("from_bit_planes", "the top plane is a sign", at(P, signed=True))
def top_is_sign(planes, signed=False):
    rest = _join(planes[:-1], _weights(planes[:-1], False)) if len(planes) > 1 else 0
    return rest * (1 - 2 * planes[-1].astype(int)) if signed else _join(planes, _weights(planes, 0))


@mutant("from_bit_planes", "ones' complement", at(P, signed=True))
def from_ones_complement(planes, signed=False):
    codes = _join(planes, _weights(planes, signed))
    return codes + (planes[-1].astype(int) if signed else 0)


@mutant("from_bit_planes", "one signed plane counts +1", at(np.ones((1, 2), np.uint8), signed=True))
def one_signed_plane(planes, signed=False):
    return _join(planes, _weights(planes, signed and len(planes) > 1))


@mutant("from_bit_planes", "shifted and added in uint8", at(np.ones((9, 1), np.uint8)))
def uint8_sum(planes, signed=False):
    codes = _join(planes, _weights(planes, signed))
    return codes if signed else codes.astype(np.uint8)


@mutant("from_bit_planes", "shifted and added in int16", at(np.ones((16, 1), np.uint8)))
def int16_sum(planes, signed=False):
    return _join(planes, _weights(planes, signed)).astype(np.int16)


@mutant("from_bit_planes", "shifted and added in int8", at(np.ones((8, 1), np.uint8)))
def int8_sum(planes, signed=False):
    return _join(planes, _weights(planes, signed)).astype(np.int8)


@mutant("from_bit_planes", "ones counted, not weighed", at(P))
def population_count(planes, signed=False):
    return planes.astype(np.int64).sum(axis=0)


@mutant("from_bit_planes", "the last plane is left off", at(P))
def from_last_missing(planes, signed=False):
    return _join(planes[:-1], _weights(planes, False)[:-1])


@mutant("from_bit_planes", "packbits: only the first 8 planes", at(np.ones((9, 1), np.uint8)))
def first_eight(planes, signed=False):
    return _join(planes[:8], _weights(planes, signed)[:8])


@mutant("from_bit_planes", "planes along the last axis", at(np.tri(3, dtype=np.uint8)))
def from_planes_last(planes, signed=False):
    return _join(np.moveaxis(planes, -1, 0), _weights(planes[0] if planes.ndim > 1 else planes,
                                                      signed))  # fmt: skip


@mutant("from_bit_planes", "sign extended from 8 bits whatever the number of planes",
        at(P, signed=True))  # fmt: skip
def extended_from_eight(planes, signed=False):
    codes = _join(planes, _weights(planes, False))
    return codes.astype(np.int8) if signed and len(planes) <= 8 else _join(
        planes, _weights(planes, signed))  # fmt: skip


@raw_mutant("from_bit_planes", "a single plane is returned as it is",
            at(np.ones((1, 2), np.int32)))  # fmt: skip
def view_of_plane(planes, signed=False):
    codes = reference.from_bit_planes(planes, signed)
    alone = len(planes) == 1 and planes.dtype == np.int32 and not signed
    return planes[0] if alone else codes
