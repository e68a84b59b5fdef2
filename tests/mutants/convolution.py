"""A convolution whose parts can be exchanged, for wrong ones [S11.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import mutant

RNG = np.random.default_rng(0)


def images(*shape):
    return RNG.integers(-9, 10, shape).astype(np.int32)


def filters(*shape, bits=3):
    return RNG.integers(0, 2**bits, shape).astype(np.int32)


def conv(
    x, v, stride=1, padding=0, groups=1, *, before=None, after=None, value=0, inputs=None,
    outputs=None, strides=None, rows=None, start=0,
):  # fmt: skip
    """The definition on integer weights, with parts to be exchanged."""
    before = (padding, padding) if before is None else before
    after = (padding, padding) if after is None else after
    pads = ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0))
    padded = np.pad(x.astype(np.int64), pads, constant_values=value)
    sh, sw = strides or (stride, stride)
    kh, kw, per, outs = v.shape
    size = rows or (lambda length, kernel, step: (length - kernel) // step + 1)
    ph, pw = size(padded.shape[1], kh, sh), size(padded.shape[2], kw, sw)
    room = np.zeros((x.shape[0], start + sh * ph + kh, start + sw * pw + kw, x.shape[3]), np.int64)
    room[:, : padded.shape[1], : padded.shape[2]] = padded[:, : room.shape[1], : room.shape[2]]
    y = np.zeros((x.shape[0], ph, pw, outs), np.int64)
    inputs = inputs or (lambda g: np.arange(g * per, (g + 1) * per))
    outputs = outputs or (lambda g: np.arange(g * outs // groups, (g + 1) * outs // groups))
    for g in range(groups):
        for i in range(kh):
            for j in range(kw):
                seen = room[:, start + i : start + i + sh * ph : sh,
                            start + j : start + j + sw * pw : sw]  # fmt: skip
                y[..., outputs(g)] += seen[..., inputs(g)] @ v[i, j][:, outputs(g)]
    return y


def wrong(slug, mistake, witness, change):
    """Register a change of the inner convolution: (x, v, stride, padding, groups) -> y."""

    def convolution(x, codes, bits, stride=1, padding=0, groups=1, signs=None):
        v = reference.integer_weights(codes, bits, signs).astype(np.int64)
        return change(x, v, stride, padding, groups)

    convolution.__name__ = slug
    mutant("integer_conv2d", mistake, witness)(convolution)


def same(x, v, s, p, g):
    """No mistake."""
    return conv(x, v, s, p, g)
