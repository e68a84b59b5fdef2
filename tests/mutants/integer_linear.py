"""Wrong integer linear layers [S9.1], [S9.2]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, i32, i64, mutant, raw_mutant

X = np.array([[1, -2, 3], [4, 5, -6], [0, 7, 100]], np.int32)
CODES = np.array([[0, 5, 7], [3, 2, 1], [6, 4, 7]], np.int32)
S = np.array([[1, -1, 0], [-1, 1, 1], [1, 1, -1]], np.int32)
SMALL = CODES // 2
BIG = np.full((1, 300), 32767, np.int32)
TOP = np.full((300, 1), 65535, np.int32)


def _v(codes, bits, signs=None):
    return reference.integer_weights(codes, bits, signs).astype(np.int64)


def _with_correction(x, codes, bits, signs, correction):
    if signs is not None:
        return reference.integer_linear(x, codes, bits, signs)
    return 2 * (x.astype(np.int64) @ codes.astype(np.int64)) - correction


@mutant("integer_linear", "accumulates in int32", at(BIG, TOP, 16))
def int32_sum(x, codes, bits, signs=None):
    return (x.astype(np.int64) @ _v(codes, bits, signs)).astype(np.int32)


@mutant("integer_linear", "saturates at int32", at(BIG, TOP, 16))
def saturates(x, codes, bits, signs=None):
    return np.clip(x.astype(np.int64) @ _v(codes, bits, signs), -(2**31), 2**31 - 1)


@mutant(
    "integer_linear",
    "products in float32, exact to 2^24",
    at(i32(257, 1), i32(65535, 0)[:, None], 16),
)
def float32_product(x, codes, bits, signs=None):
    return x.astype(np.float32) @ _v(codes, bits, signs).astype(np.float32)


@mutant("integer_linear", "products in float64, exact to 2^53",
        at(i64(2**45 + 1, 1), i64(65535, 65534)[:, None], 16))  # fmt: skip
def float64_product(x, codes, bits, signs=None):
    return x.astype(np.float64) @ _v(codes, bits, signs).astype(np.float64)


@mutant("integer_linear", "activations through int32", at(i64(2**40), i32(1)[:, None], 2))
def int32_activations(x, codes, bits, signs=None):
    return x.astype(np.int32).astype(np.int64) @ _v(codes, bits, signs)


@mutant("integer_linear", "activations through int8", at(i32(200), i32(3)[:, None], 2))
def int8_activations(x, codes, bits, signs=None):
    return x.astype(np.int8).astype(np.int64) @ _v(codes, bits, signs)


@mutant("integer_linear", "activations through uint8: negatives turn large", at(X, CODES, 3))
def uint8_activations(x, codes, bits, signs=None):
    return x.astype(np.uint8).astype(np.int64) @ _v(codes, bits, signs)


@mutant("integer_linear", "activations through int16", at(i32(40000), i32(3)[:, None], 2))
def int16_activations(x, codes, bits, signs=None):
    return x.astype(np.int16).astype(np.int64) @ _v(codes, bits, signs)


@mutant("integer_linear", "weights through int8", at(i32(1), i32(255)[:, None], 8))
def int8_linear_weights(x, codes, bits, signs=None):
    return x.astype(np.int64) @ _v(codes, bits, signs).astype(np.int8).astype(np.int64)


@mutant("integer_linear", "weights through int16", at(i32(1), i32(65535)[:, None], 16))
def int16_linear_weights(x, codes, bits, signs=None):
    return x.astype(np.int64) @ _v(codes, bits, signs).astype(np.int16).astype(np.int64)


@mutant("integer_linear", "pairs of products added in int16, saturating (pmaddubsw)",
        at(i32(255, 255), i32(255, 255)[:, None], 8))  # fmt: skip
def saturating_pairs(x, codes, bits, signs=None):
    v = _v(codes, bits, signs)
    if bits > 8 or (np.abs(x.astype(np.int64)) > 255).any():
        return x.astype(np.int64) @ v
    y = np.zeros((*x.shape[:-1], v.shape[1]), np.int64)
    for k in range(0, v.shape[0], 2):
        y += np.clip(x[..., k : k + 2].astype(np.int64) @ v[k : k + 2], -32768, 32767)
    return y


@mutant("integer_linear", "codes transposed where they are square", at(X, CODES, 3))
def transposed(x, codes, bits, signs=None):
    v = _v(codes, bits, signs)
    return x.astype(np.int64) @ (v.T if v.shape[0] == v.shape[1] else v)


@mutant("integer_linear", "no correction: 2 sum c x", at(X, CODES, 3))
def correction_missing(x, codes, bits, signs=None):
    return _with_correction(x, codes, bits, signs, 0)


@mutant("integer_linear", "correction with 2^n", at(X, CODES, 3))
def correction_even(x, codes, bits, signs=None):
    total = x.astype(np.int64).sum(-1, keepdims=True)
    return _with_correction(x, codes, bits, signs, 2**bits * total)


@mutant("integer_linear", "sum c x without the 2", at(X, CODES, 3))
def factor_missing(x, codes, bits, signs=None):
    if signs is not None:
        return reference.integer_linear(x, codes, bits, signs)
    x = x.astype(np.int64)
    return x @ codes.astype(np.int64) - (2**bits - 1) * x.sum(-1, keepdims=True)


@mutant("integer_linear", "correction added", at(X, CODES, 3))
def correction_added(x, codes, bits, signs=None):
    total = x.astype(np.int64).sum(-1, keepdims=True)
    return _with_correction(x, codes, bits, signs, -(2**bits - 1) * total)


@mutant("integer_linear", "correction summed over the batch", at(X, CODES, 3))
def correction_of_batch(x, codes, bits, signs=None):
    total = x.astype(np.int64).reshape(-1, x.shape[-1]).sum()
    return _with_correction(x, codes, bits, signs, (2**bits - 1) * total)


@mutant("integer_linear", "correction summed over the wrong axis of a square", at(X, CODES, 3))
def correction_axis(x, codes, bits, signs=None):
    square = x.ndim == 2 and x.shape[0] == x.shape[1]
    total = (x.T if square else x).astype(np.int64).sum(-1, keepdims=True)
    return _with_correction(x, codes, bits, signs, (2**bits - 1) * total)


@mutant("integer_linear", "correction along the outputs of a square", at(X, CODES, 3))
def correction_of_outputs(x, codes, bits, signs=None):
    total = x.astype(np.int64).sum(-1, keepdims=True)
    square = x.ndim == 2 and x.shape[0] == codes.shape[1]
    return _with_correction(x, codes, bits, signs, (2**bits - 1) * (total.T if square else total))


@mutant("integer_linear", "correction of the codes, not of the activations", at(X, CODES, 3))
def correction_of_codes(x, codes, bits, signs=None):
    return _with_correction(x, codes, bits, signs, (2**bits - 1) * codes.astype(np.int64).sum(0))


@mutant("integer_linear", "the correction's sum in int32",
        at(i64(*[2**29] * 8), np.ones((8, 1), np.int32), 2))  # fmt: skip
def correction_in_int32(x, codes, bits, signs=None):
    total = x.astype(np.int64).sum(-1, keepdims=True).astype(np.int32).astype(np.int64)
    return _with_correction(x, codes, bits, signs, (2**bits - 1) * total)


@mutant("integer_linear", "correction also with signs", at(X, SMALL, 3, signs=S))
def correction_with_signs(x, codes, bits, signs=None):
    y = reference.integer_linear(x, codes, bits, signs)
    total = x.astype(np.int64).sum(-1, keepdims=True)
    return y if signs is None else 2 * y - (2**bits - 1) * total


@mutant("integer_linear", "signs ignored", at(X, SMALL, 3, signs=S))
def linear_signs_ignored(x, codes, bits, signs=None):
    return x.astype(np.int64) @ _v(codes, bits)


@mutant("integer_linear", "signs without their code: n bits of offset weights",
        at(X, SMALL, 3, signs=S))  # fmt: skip
def linear_signed_offset(x, codes, bits, signs=None):
    v = _v(codes, bits)
    return x.astype(np.int64) @ (v if signs is None else signs.astype(np.int64) * v)


@mutant("integer_linear", "signs of one output for all", at(X, SMALL, 3, signs=S))
def first_signs(x, codes, bits, signs=None):
    first = signs if signs is None or not signs.size else np.broadcast_to(signs[:, :1], signs.shape)
    return reference.integer_linear(x, codes, bits, first)


@mutant("integer_linear", "the last of K left out when K is odd", at(X, CODES, 3))
def odd_tail(x, codes, bits, signs=None):
    k = x.shape[-1] // 2 * 2
    return x[..., :k].astype(np.int64) @ _v(codes, bits, signs)[:k]


@mutant(
    "integer_linear",
    "K cut to whole words of 64",
    at(np.ones(65, np.int32), np.ones((65, 1), np.int32), 2),
)
def word_tail(x, codes, bits, signs=None):
    k = x.shape[-1] // 64 * 64 if x.shape[-1] > 64 else x.shape[-1]
    return x[..., :k].astype(np.int64) @ _v(codes, bits, signs)[:k]


@mutant("integer_linear", "rows beyond the first 256 of a batch stay 0",
        at(np.ones((257, 1), np.int32), i32(3)[:, None], 2))  # fmt: skip
def batch_tail(x, codes, bits, signs=None):
    y = reference.integer_linear(x, codes, bits, signs)
    y.reshape(-1, y.shape[-1])[256:] = 0
    return y


@mutant("integer_linear", "a vector gives one row", at(i32(1, 2, 3), CODES, 3))
def vector_to_row(x, codes, bits, signs=None):
    return np.atleast_2d(reference.integer_linear(x, codes, bits, signs))


@mutant("integer_linear", "leading axes are flattened", at(X.reshape(3, 1, 3), CODES, 3))
def axes_flattened(x, codes, bits, signs=None):
    y = reference.integer_linear(x, codes, bits, signs)
    return y.reshape(-1, y.shape[-1]) if y.ndim > 2 else y


@raw_mutant(
    "integer_linear",
    "K = 0 is refused",
    at(np.zeros((2, 0), np.int32), np.zeros((0, 3), np.int32), 2),
)
def no_length_refused(x, codes, bits, signs=None):
    if np.shape(x)[-1:] == (0,):
        raise ValueError("nothing to add")
    return reference.integer_linear(x, codes, bits, signs)


@raw_mutant("integer_linear", "anything that may pass 2^31 is refused", at(BIG, TOP, 16))
def int32_bound(x, codes, bits, signs=None):
    y = reference.integer_linear(x, codes, bits, signs)
    if 2 * np.shape(codes)[0] * (2**bits - 1) * int(np.abs(x).max(initial=0)) >= 2**31:
        raise ValueError("would overflow")
    return y


@raw_mutant("integer_linear", "no proof against overflow",
            at(i64(2**62), i32(65535)[:, None], 16))  # fmt: skip
def no_bound(x, codes, bits, signs=None):
    x = np.asarray(x)
    small = x % 2 if x.dtype.kind in "iu" else x
    reference.integer_linear(small, codes, bits, signs)
    with np.errstate(over="ignore"):
        return x.astype(np.int64) @ _v(codes, bits, signs)


@raw_mutant("integer_linear", "overflow is looked for in the result, the bound ignored",
            at(i64(2**62), i32(1)[:, None], 2))  # fmt: skip
def bound_of_result(x, codes, bits, signs=None):
    x = np.asarray(x)
    small = x % 2 if x.dtype.kind in "iu" else x
    reference.integer_linear(small, codes, bits, signs)
    exact = x.astype(object) @ _v(codes, bits, signs).astype(object)
    if any(abs(value) >= 2**63 for value in np.ravel(exact)):
        raise ValueError("overflow")
    return np.asarray(exact).astype(np.int64)
