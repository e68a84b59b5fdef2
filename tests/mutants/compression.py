"""Wrong compressions [S6.3]."""

from fractions import Fraction

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, mutant, raw_mutant


def _sum_bits(bits, sizes):
    return sum(n * size for n, size in zip(bits, sizes, strict=True))


@mutant("compression", "a fraction of a rounded float", at([3, 5], [7, 5]))
def of_float(sizes, bits):
    return Fraction(32 * sum(sizes) / _sum_bits(bits, sizes))


@mutant("compression", "mean over layers, sizes ignored", at([3, 5], [7, 5]))
def over_layers(sizes, bits):
    return Fraction(32 * len(bits), sum(bits))


@mutant("compression", "mean of the layers' own compressions", at([3, 5], [7, 5]))
def mean_of_ratios(sizes, bits):
    return sum(size * Fraction(32, n) for size, n in zip(sizes, bits, strict=True)) / sum(sizes)


@mutant("compression", "the sign bit is not counted", at([3, 5], [7, 5]))
def without_sign(sizes, bits):
    stored = _sum_bits([n - 1 for n in bits], sizes)
    return Fraction(32 * sum(sizes), stored) if stored else Fraction(32)


@mutant("compression", "a sign bit is added", at([3, 5], [7, 5]))
def sign_added(sizes, bits):
    return Fraction(32 * sum(sizes), _sum_bits([n + 1 for n in bits], sizes))


@mutant("compression", "against 16-bit floats", at([3, 5], [7, 5]))
def against_half(sizes, bits):
    return Fraction(16 * sum(sizes), _sum_bits(bits, sizes))


@mutant("compression", "upside down", at([3, 5], [7, 5]))
def inverted(sizes, bits):
    return Fraction(_sum_bits(bits, sizes), 32 * sum(sizes))


@mutant("compression", "average width instead", at([3, 5], [7, 5]))
def average_width(sizes, bits):
    return Fraction(_sum_bits(bits, sizes), sum(sizes))


@mutant("compression", "fraction of bits saved", at([3, 5], [7, 5]))
def saved(sizes, bits):
    return 1 - Fraction(_sum_bits(bits, sizes), 32 * sum(sizes))


@mutant("compression", "widths rounded up to bytes", at([3, 5], [7, 5]))
def whole_bytes(sizes, bits):
    return Fraction(32 * sum(sizes), _sum_bits([-(-n // 8) * 8 for n in bits], sizes))


@mutant("compression", "layers rounded up to bytes", at([3, 5], [7, 5]))
def layers_in_bytes(sizes, bits):
    return Fraction(
        32 * sum(sizes), sum(-(-n * s // 8) * 8 for n, s in zip(bits, sizes, strict=True))
    )


@mutant("compression", "rounded to a denominator of at most 1000", at([1009, 2003], [7, 5]))
def simple_fraction(sizes, bits):
    return Fraction(32 * sum(sizes), _sum_bits(bits, sizes)).limit_denominator(1000)


@mutant("compression", "integer division", at([3, 5], [7, 5]))
def integer_division(sizes, bits):
    return Fraction(32 * sum(sizes) // _sum_bits(bits, sizes))


@mutant("compression", "sums in int32", at([2**29, 5], [7, 5]))
def int32_sums(sizes, bits):
    stored = int(np.array(_sum_bits(bits, sizes)).astype(np.int32))
    return Fraction(32 * sum(sizes), stored or 1)


@mutant("compression", "32 N in int32", at([2**27, 5], [7, 5]))
def int32_float_bits(sizes, bits):
    return Fraction(int(np.array(32 * sum(sizes)).astype(np.int32)), _sum_bits(bits, sizes))


@mutant("compression", "sums in float64, exact to 2^53", at([2**53 + 1, 0], [7, 5]))
def float_sums(sizes, bits):
    return Fraction(32 * int(float(sum(sizes))), int(float(_sum_bits(bits, sizes))))


@mutant("compression", "the last layer left out", at([3, 5], [7, 5]))
def last_left_out(sizes, bits):
    if len(sizes) < 2 or not sum(sizes[:-1]):
        return reference.compression(sizes, bits)
    return Fraction(32 * sum(sizes[:-1]), _sum_bits(bits[:-1], sizes[:-1]))


@raw_mutant("compression", "a float", at([3, 5], [7, 5]))
def as_float(sizes, bits):
    return float(reference.compression(sizes, bits))


@raw_mutant("compression", "an integer where it is one", at([3, 5], [8, 8]))
def as_integer(sizes, bits):
    ratio = reference.compression(sizes, bits)
    return float(ratio) if ratio.denominator == 1 else ratio


@raw_mutant("compression", "a layer without weights is refused", at([0, 5], [7, 5]))
def empty_layer_refused(sizes, bits):
    if 0 in list(sizes):
        raise ValueError("sizes must be positive")
    return reference.compression(sizes, bits)


@raw_mutant("compression", "no weights give 32", at([0, 0], [7, 5]))
def no_weights_give_32(sizes, bits):
    if all(isinstance(size, int) and size == 0 for size in sizes) and len(sizes) == len(bits):
        return Fraction(32)
    return reference.compression(sizes, bits)


@raw_mutant("compression", "the longer of two lists is cut, as zip does", at([3, 5], [7, 5, 3]))
def lengths_cut(sizes, bits):
    shorter = min(len(sizes), len(bits))
    return reference.compression(list(sizes)[:shorter], list(bits)[:shorter])
