"""Wrong groups, sums and corrections of convolutions [S9.1], [S9.2], [S11.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.convolution import RNG, conv, filters, images, same, wrong
from tests.mutants.registry import at, i64, mutant, raw_mutant

X, C = images(2, 6, 5, 4), filters(3, 3, 4, 4)
XG, CG = images(1, 4, 4, 4), filters(3, 3, 2, 4)
XD, CD = images(1, 4, 4, 3), filters(3, 3, 1, 6)
SIGNS = RNG.integers(-1, 2, C.shape).astype(np.int32)
PLAIN, GROUPED = at(X, C, 3), at(XG, CG, 3, groups=2)

wrong(
    "groups_interleaved",
    "inputs of a group g: channels g, g + groups, ...",
    GROUPED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, inputs=lambda i: np.arange(i, x.shape[3], g)),
)
wrong(
    "outputs_interleaved",
    "outputs of a group g: channels g, g + groups, ...",
    GROUPED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, outputs=lambda i: np.arange(i, v.shape[3], g)),
)
wrong(
    "groups_reversed",
    "groups read their inputs in reverse",
    GROUPED,
    lambda x, v, s, p, g: conv(
        x, v, s, p, g, inputs=lambda i: np.arange(v.shape[2]) + (g - 1 - i) * v.shape[2]
    ),
)
wrong(
    "first_group_only",
    "all groups read the first channels",
    GROUPED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, inputs=lambda i: np.arange(v.shape[2])),
)
wrong(
    "multiplier_order",
    "depthwise outputs ordered multiplier first",
    at(XD, CD, 3, groups=3),
    lambda x, v, s, p, g: (
        conv(x, v, s, p, g)
        if v.shape[2] > 1 or g == 1
        else conv(x, v, s, p, g, outputs=lambda i: np.arange(i, v.shape[3], g))
    ),
)
wrong(
    "multiplier_ignored",
    "depthwise: only one output a channel",
    at(XD, CD, 3, groups=3),
    lambda x, v, s, p, g: (
        same(x, v, s, p, g)
        if v.shape[2] > 1 or g == 1
        else same(x, np.repeat(v[..., :: v.shape[3] // g], v.shape[3] // g, axis=3), s, p, g)
    ),
)
wrong(
    "depthwise_summed",
    "depthwise: inputs added over all channels",
    at(XD, CD, 3, groups=3),
    lambda x, v, s, p, g: (
        same(x, v, s, p, g)
        if v.shape[2] > 1 or g == 1
        else same(np.repeat(x.astype(np.int64).sum(3, keepdims=True), g, axis=3), v, s, p, g)
    ),
)
wrong(
    "int32_sum",
    "accumulates in int32",
    at(np.full((1, 3, 3, 8), 32767, np.int32), np.full((3, 3, 8, 1), 65535, np.int32), 16),
    lambda x, v, s, p, g: same(x, v, s, p, g).astype(np.int32),
)
wrong(
    "float32_sum",
    "in float32, exact to 2^24",
    at(np.full((1, 3, 3, 1), 257, np.int32), np.full((3, 3, 1, 1), 65535, np.int32), 16),
    lambda x, v, s, p, g: same(x, v, s, p, g).astype(np.float32),
)
wrong(
    "float64_sum",
    "in float64, exact to 2^53",
    at(np.full((1, 1, 1, 1), 2**53 + 1), np.ones((1, 1, 1, 1), np.int32), 1),
    lambda x, v, s, p, g: same(x, v, s, p, g).astype(np.float64),
)
wrong(
    "int8_activations",
    "activations through int8",
    at(np.full((1, 1, 1, 1), 200), np.ones((1, 1, 1, 1), np.int32), 1),
    lambda x, v, s, p, g: same(x.astype(np.int8), v, s, p, g),
)
wrong(
    "uint8_activations",
    "activations through uint8",
    PLAIN,
    lambda x, v, s, p, g: same(x.astype(np.uint8), v, s, p, g),
)
wrong(
    "int16_activations",
    "activations through int16",
    at(np.full((1, 1, 1, 1), 40000), np.ones((1, 1, 1, 1), np.int32), 1),
    lambda x, v, s, p, g: same(x.astype(np.int16), v, s, p, g),
)
wrong(
    "int32_activations",
    "activations through int32",
    at(np.full((1, 1, 1, 1), 2**40), np.ones((1, 1, 1, 1), np.int32), 1),
    lambda x, v, s, p, g: same(x.astype(np.int32), v, s, p, g),
)
wrong(
    "int8_weights",
    "weights through int8",
    at(X, np.full((1, 1, 4, 1), 255), 8),
    lambda x, v, s, p, g: same(x, v.astype(np.int8).astype(np.int64), s, p, g),
)


@mutant("integer_conv2d", "signs ignored", at(X, C // 2, 3, signs=SIGNS))
def signs_ignored(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    return reference.integer_conv2d(x, codes, bits, stride, padding, groups)


@mutant("integer_conv2d", "offset weights c - 2^(n-1)", at(X, C, 3))
def centred_weights(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    if signs is not None:
        return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)
    return conv(x, codes.astype(np.int64) - 2 ** (bits - 1), stride, padding, groups)


def _corrected(x, codes, bits, stride, padding, groups, signs, total):
    if signs is not None:
        return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)
    return 2 * conv(x, codes.astype(np.int64), stride, padding, groups) - (2**bits - 1) * total


@mutant("integer_conv2d", "correction sums the channels of all groups", at(XG, CG, 3, groups=2))
def correction_of_all_groups(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    ones = np.ones((*codes.shape[:2], x.shape[3], 1), np.int64)
    total = conv(x, ones, stride, padding)
    return _corrected(x, codes, bits, stride, padding, groups, signs, total)


@mutant("integer_conv2d", "correction counts padded positions as the edge", at(X, C, 3, padding=1))
def correction_over_padding(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    if not x.size:
        return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)
    ones = np.ones(codes.shape, np.int64)
    pads = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    total = conv(np.pad(x, pads, "edge"), ones, stride, 0, groups)
    return _corrected(x, codes, bits, stride, padding, groups, signs, total)


@mutant("integer_conv2d", "padded with code 0, so that padding weighs -(2^n - 1)",
        at(X, C, 3, padding=1))  # fmt: skip
def correction_of_full_windows(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    total = conv(x, np.ones(codes.shape, np.int64), stride, padding, groups, value=1)
    return _corrected(x, codes, bits, stride, padding, groups, signs, total)


@mutant("integer_conv2d", "correction of the middle tap only", at(X, C, 3))
def correction_of_middle(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    ones = np.zeros(codes.shape, np.int64)
    ones[codes.shape[0] // 2, codes.shape[1] // 2] = 1
    total = conv(x, ones, stride, padding, groups)
    return _corrected(x, codes, bits, stride, padding, groups, signs, total)


@raw_mutant("integer_conv2d", "default stride 2", at(X, C, 3))
def default_stride(x, codes, bits, stride=2, padding=0, groups=1, signs=None):
    return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)


@raw_mutant("integer_conv2d", "default padding keeps the size", at(X, C, 3))
def default_padding(x, codes, bits, stride=1, padding=None, groups=1, signs=None):
    padding = np.shape(codes)[0] // 2 if padding is None else padding
    return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)


@raw_mutant("integer_conv2d", "an image smaller than the kernel gives an empty result",
            at(images(1, 2, 2, 4), C, 3))  # fmt: skip
def small_image_accepted(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    x, codes = np.asarray(x), np.asarray(codes)
    if x.ndim == codes.ndim == 4 and x.shape[3] == codes.shape[2] and x.shape[1] < codes.shape[0]:
        return np.zeros((x.shape[0], 0, 0, codes.shape[3]), np.int64)
    return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)


@raw_mutant("integer_conv2d", "outputs that do not divide into groups are cut",
            at(XG, filters(3, 3, 2, 5), 3, groups=2))  # fmt: skip
def outputs_cut(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    codes = np.asarray(codes)
    if codes.ndim == 4 and isinstance(groups, int) and groups > 1 and codes.shape[3] > groups:
        codes = codes[..., : codes.shape[3] // groups * groups]
    return reference.integer_conv2d(x, codes, bits, stride, padding, groups, signs)


@raw_mutant("integer_conv2d", "no proof against overflow",
            at(i64(2**62).reshape(1, 1, 1, 1), i64(65535).reshape(1, 1, 1, 1), 16))  # fmt: skip
def no_bound(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
    x = np.asarray(x)
    small = x % 2 if x.dtype.kind in "iu" else x
    reference.integer_conv2d(small, codes, bits, stride, padding, groups, signs)
    v = reference.integer_weights(codes, bits, signs).astype(np.int64)
    with np.errstate(over="ignore"):
        return conv(x, v, stride, padding, groups)
