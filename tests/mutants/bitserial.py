"""Wrong bit-serial products [S9.3]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, i64, mutant

X = np.array([[1, -2, 3], [4, 5, -6], [0, 7, 100]], np.int32)
CODES = np.array([[0, 5, 7], [3, 2, 1], [6, 4, 7]], np.int32)
BIG = np.full((1, 300), 32767, np.int32)
PLANES = reference.bit_planes(CODES, 3)


def _partials(x, planes):
    return [x.astype(np.int64) @ plane.astype(np.int64) for plane in planes]


def _plane_sum(x, planes, weights):
    y = np.zeros((*x.shape[:-1], planes.shape[2]), np.int64)
    for weight, partial in zip(weights, _partials(x, planes), strict=True):
        y += weight * partial
    return y


def _weights(planes, signed):
    powers = [2**j for j in range(len(planes))]
    return [*powers[:-1], -powers[-1]] if signed else powers


@mutant("bitserial_linear", "offset correction applied", at(X, PLANES))
def serial_correction(x, planes, signed=False):
    y = _plane_sum(x, planes, _weights(planes, signed))
    return (
        y if signed else 2 * y - (2 ** len(planes) - 1) * x.astype(np.int64).sum(-1, keepdims=True)
    )


@mutant("bitserial_linear", "signed ignored: the top plane is positive", at(X, PLANES, signed=True))
def top_positive(x, planes, signed=False):
    return _plane_sum(x, planes, _weights(planes, False))


@mutant("bitserial_linear", "the top plane is always negative", at(X, PLANES))
def top_negative(x, planes, signed=False):
    return _plane_sum(x, planes, _weights(planes, True))


@mutant("bitserial_linear", "the top plane counts -2^bits", at(X, PLANES, signed=True))
def top_too_heavy(x, planes, signed=False):
    weights = _weights(planes, signed)
    return _plane_sum(x, planes, [*weights[:-1], weights[-1] * (2 if signed else 1)])


@mutant("bitserial_linear", "the top plane turns the sign of the sum", at(X, PLANES, signed=True))
def top_is_sign(x, planes, signed=False):
    if not signed:
        return _plane_sum(x, planes, _weights(planes, False))
    rest = np.zeros_like(planes[0], np.int64)
    for weight, plane in zip(_weights(planes, False)[:-1], planes[:-1], strict=True):
        rest += weight * plane.astype(np.int64)
    return x.astype(np.int64) @ (rest * (1 - 2 * planes[-1].astype(np.int64)))


@mutant("bitserial_linear", "one signed plane counts +1", at(X, PLANES[:1], signed=True))
def one_signed_plane(x, planes, signed=False):
    return _plane_sum(x, planes, _weights(planes, signed and len(planes) > 1))


@mutant("bitserial_linear", "most significant plane first", at(X, PLANES))
def msb_first(x, planes, signed=False):
    return _plane_sum(x, planes[::-1], _weights(planes, signed))


@mutant("bitserial_linear", "the last plane is missing", at(X, PLANES))
def last_missing(x, planes, signed=False):
    return _plane_sum(x, planes[:-1], _weights(planes, signed)[:-1])


@mutant("bitserial_linear", "planes are not shifted", at(X, PLANES))
def unshifted(x, planes, signed=False):
    return _plane_sum(x, planes, [1] * len(planes))


@mutant("bitserial_linear", "bits count -1 and 1 (XNOR)", at(X, PLANES))
def xnor(x, planes, signed=False):
    return _plane_sum(x, 2 * planes.astype(np.int64) - 1, _weights(planes, signed))


@mutant("bitserial_linear", "accumulates in int32",
        at(BIG[0], np.ones((16, 300, 1), np.uint8)))  # fmt: skip
def serial_int32(x, planes, signed=False):
    return _plane_sum(x, planes, _weights(planes, signed)).astype(np.int32)


@mutant("bitserial_linear", "a plane's partial sum in int16",
        at(i32(30000, 30000), np.ones((1, 2, 1), np.uint8)))  # fmt: skip
def int16_partial(x, planes, signed=False):
    y = np.zeros((*x.shape[:-1], planes.shape[2]), np.int64)
    for weight, partial in zip(_weights(planes, signed), _partials(x, planes), strict=True):
        y += weight * partial.astype(np.int16).astype(np.int64)
    return y


@mutant("bitserial_linear", "a plane's partial sum in int32, also for wide activations",
        at(i64(2**31), np.ones((1, 1, 1), np.uint8)))  # fmt: skip
def int32_partial(x, planes, signed=False):
    y = np.zeros((*x.shape[:-1], planes.shape[2]), np.int64)
    for weight, partial in zip(_weights(planes, signed), _partials(x, planes), strict=True):
        y += weight * partial.astype(np.int32).astype(np.int64)
    return y


@mutant("bitserial_linear", "shift of the partial sum in int32",
        at(i32(65536), np.ones((16, 1, 1), np.uint8)))  # fmt: skip
def int32_shift(x, planes, signed=False):
    y = np.zeros((*x.shape[:-1], planes.shape[2]), np.int64)
    for weight, partial in zip(_weights(planes, signed), _partials(x, planes), strict=True):
        y += (weight * partial).astype(np.int32).astype(np.int64)
    return y


@mutant("bitserial_linear", "products in float32",
        at(i32(2**24 + 1), np.ones((1, 1, 1), np.uint8)))  # fmt: skip
def serial_float32(x, planes, signed=False):
    y = np.zeros((*x.shape[:-1], planes.shape[2]), np.float32)
    for weight, plane in zip(_weights(planes, signed), planes, strict=True):
        y += np.float32(weight) * (x.astype(np.float32) @ plane.astype(np.float32))
    return y


@mutant("bitserial_linear", "products in float64",
        at(i64(2**53 + 1), np.ones((1, 1, 1), np.uint8)))  # fmt: skip
def serial_float64(x, planes, signed=False):
    y = np.zeros((*x.shape[:-1], planes.shape[2]))
    for weight, plane in zip(_weights(planes, signed), planes, strict=True):
        y += weight * (x.astype(np.float64) @ plane.astype(np.float64))
    return y


@mutant("bitserial_linear", "activations unsigned: negatives masked to a byte", at(X, PLANES))
def masked_activations(x, planes, signed=False):
    x = np.where(x < 0, x.astype(np.int64) & 0xFF, x)
    return _plane_sum(x, planes, _weights(planes, signed))


@mutant("bitserial_linear", "planes transposed where they are square", at(X, PLANES))
def planes_transposed(x, planes, signed=False):
    square = planes.shape[1] == planes.shape[2]
    return _plane_sum(x, planes.swapaxes(1, 2) if square else planes, _weights(planes, signed))


@mutant("bitserial_linear", "K cut to whole words of 64",
        at(np.ones(65, np.int32), np.ones((2, 65, 1), np.uint8)))  # fmt: skip
def serial_word_tail(x, planes, signed=False):
    k = x.shape[-1] // 64 * 64 if x.shape[-1] > 64 else x.shape[-1]
    return _plane_sum(x[..., :k], planes[:, :k], _weights(planes, signed))


@mutant("bitserial_linear", "K cut to whole bytes", at(X, PLANES))
def serial_byte_tail(x, planes, signed=False):
    k = x.shape[-1] // 8 * 8
    return _plane_sum(x[..., :k], planes[:, :k], _weights(planes, signed))


@mutant("bitserial_linear", "at most 8 planes", at(i32(1), np.ones((9, 1, 1), np.uint8)))
def eight_planes(x, planes, signed=False):
    if signed:
        return reference.bitserial_linear(x, planes, signed)
    return _plane_sum(x, planes[:8], _weights(planes[:8], False))


@mutant("bitserial_linear", "outputs beyond the first 64 stay 0",
        at(i32(1), np.ones((1, 1, 65), np.uint8)))  # fmt: skip
def output_tail(x, planes, signed=False):
    y = _plane_sum(x, planes, _weights(planes, signed))
    y[..., 64:] = 0
    return y
