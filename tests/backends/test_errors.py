"""Bad arguments are refused with the definition's own error, in every backend."""

import numpy as np
import pytest

import msq_ref as reference
from msq_ref.contract import OPERATIONS

U = np.array([0.25, 0.5], np.float32)
W = np.array([0.5, -1.0])
C = np.array([0, 1, 3])
NAN, INF = np.array([0.5, np.nan]), np.array([0.5, np.inf])
NO_BITS = (0, 17, -1, True, 2.0, "3", None, np.float64(3), np.array([3]), 1j, 10**30)
NO_SCALE = (0.0, -1.0, np.nan, np.inf, "1", None, True, 1j, [1.0], 1e-400, -0.0, 10**400)
NO_FLOATS = (C, C.astype(bool), U.astype(np.float16), U.astype(complex), ["a"], None, NAN, INF)
NO_UNIT = (*NO_FLOATS, np.array([-1e-9]), np.array([1.0000001]), np.array([-np.inf]))
NO_CODES = (U, C.astype(bool), ["a"], None, np.array([-1]), np.array([4]), np.array([2**40]), 1j)
EMPTY = np.zeros((2, 0))

x, weights = np.arange(6).reshape(2, 3), np.ones((3, 2), np.int32)
images, filters = np.arange(32).reshape(1, 4, 4, 2), np.ones((3, 3, 2, 4), np.int32)
planes = np.ones((2, 3, 2), np.uint8)
acc = np.arange(6).reshape(2, 3)


def _with(good, **wrong):
    """Put each wrong value in its place; a place is the name of its index: _0, _1, ..."""
    for place, values in wrong.items():
        for value in values:
            arguments = list(good)
            arguments[int(place[1:])] = value
            yield tuple(arguments)


def _sliced(extra=()):
    return [
        *_with((U, 4, 2), _0=(*NO_UNIT, *extra), _1=NO_BITS, _2=(0, 4, 16, -1, True, 1.0, "1")),
        (U, 1, 1), (U, 2, 2),
    ]  # fmt: skip


def _gradient():
    shapes = W[:1], W[None], np.float64(1), W.astype(np.float32)
    return [*_with((W, W), _0=(*NO_FLOATS, *shapes), _1=(*NO_FLOATS, EMPTY)), (EMPTY, EMPTY)]


BAD = {
    "normalize": [(w,) for w in (*NO_FLOATS, EMPTY)],
    "normalize_signed": [(w,) for w in (*NO_FLOATS, EMPTY)],
    "normalize_backward": _gradient(),
    "normalize_signed_backward": _gradient(),
    "roundclamp": [*_with((U, 4), _0=NO_UNIT, _1=NO_BITS)],
    "dorefa": [*_with((U, 4), _0=NO_UNIT, _1=NO_BITS)],
    "dequantize": [
        *_with((C, 2), _0=NO_CODES, _1=NO_BITS),
        *_with((C, 2, np.float32), _2=(np.float16, int, "x", complex, bool, "longdouble", 7)),
    ],
    "effective": [*_with((U, 1.0), _0=NO_UNIT, _1=(*NO_SCALE, 1e-60, 1e60))],
    "effective_signed": [
        *_with((U, np.array([1, -1]), 1.0), _0=NO_UNIT, _2=(*NO_SCALE, 1e-60, 1e60)),
        *_with((U, 0, 1.0), _1=(np.array([2, 0]), np.array([0.5, 1]), np.ones(3), np.ones(2, bool),
                                np.ones(2, np.uint8), ["a", "b"], NAN, 1)),
    ],
    "lsb": _sliced(), "lsb_l1": _sliced(), "lsb_l1_codes": _sliced(), "lsb_l1_grad": _sliced(),
    "lsb_nonzero_rate": _sliced((EMPTY,)),
    "bit_planes": [
        *_with((C, 2), _0=NO_CODES, _1=NO_BITS),
        *_with((C, 2, True), _0=(np.array([2]), np.array([-3]))),
    ],
    "from_bit_planes": [
        (bad,) for bad in (np.array(1), np.zeros((0, 3), int), np.zeros((17, 3), int), [[2]],
                           [[-1]], U, C.astype(bool), None, "1")
    ],
    "sensitivity": [
        *_with((1.0, W, W), _0=(np.nan, np.inf, -np.inf, "1", None, True, 1j, 10**400),
               _1=(*NO_FLOATS, W[:1]), _2=(*NO_FLOATS, W[:1], W[None], W.astype(np.float32))),
    ],
    "assign_k": [
        (bad,) for bad in ([], [np.nan], [1.0, np.inf], ["1"], [True], [None], [10**400], [1j])
    ],
    "compression": [
        ([], []), ([0], [8]), ([1], [8, 8]), ([1, 1], [8]), ([-1, 2], [8, 8]), ([1.0], [8]),
        ([True], [8]), *(([1], [n]) for n in NO_BITS),
    ],
    "prune_step": [*_with(
        ([8, 4], [0.1, 0.2], [1, 2], [5, 6], 0.3, 4.0, 1),
        _0=([8], [8, 17], [8, 0], [8, 4.0], [8, True]),
        _1=([0.1], [0.1, -0.1], [0.1, 1.1], [0.1, np.nan], [0.1, "0"], [0.1, True], []),
        _2=([1], [1, -1], [1, 2.0], [1, True], [1, None]),
        _3=([5], [0, 0], [5, -6], [5, 6.0], [True, 6], [], [2**60, -1]),
        _4=("0.3", None, [0.3], [0.3, np.nan], np.nan, np.inf, True, [0.3] * 3, [0.3, "0"]),
        _5=(0.0, -1.0, np.nan, "4", None, True), _6=NO_BITS,
    )],
    "activation_codes": [*_with(
        (W, 0.1, 8, True), _0=NO_FLOATS, _1=NO_SCALE, _2=NO_BITS,
    ), (U, 1e-60, 8, True), (U, 1e60, 8, True)],
    "integer_weights": [
        *_with((C, 2), _0=NO_CODES, _1=NO_BITS),
        *_with((C, 3, np.array([1, 0, -1])), _0=NO_CODES, _1=(*NO_BITS, 1),
               _2=(np.array([1, 0]), np.array([2, 0, 0]), U, np.ones(3, bool), ["a"] * 3)),
    ],
    "integer_linear": [
        *_with((x, weights, 2), _0=(x[:, :2], x * 1.0, x > 0, x[..., None], np.int64(3), None),
               _1=(weights[0], weights * 5, -weights, weights * 1.0, weights[None]), _2=NO_BITS),
        (np.full((1, 3), 2**61), weights, 2), (np.full((1, 3), -(2**63)), weights, 1),
        (np.full((1, 3), 2**64 - 1, np.uint64), weights, 1), (x, weights, 1, weights),
    ],
    "integer_conv2d": [
        *_with((images, filters, 2, 1, 0, 1),
               _0=(images[0], images * 1.0, images[..., :1], images[:, :2], images > 0),
               _1=(filters[0], filters[:, :0], filters[:, :, :1], filters * 4, filters * 1.0),
               _2=NO_BITS, _3=(0, -1, True, 1.0), _4=(-1, True, 1.0, None),
               _5=(0, 2, 3, True, "1")),
        (images + 2**58, filters, 2), (images, filters, 2, 1, 0, 1, filters[..., :2]),
    ],
    "bitserial_linear": [*_with(
        (x, planes), _0=(x[:, :2], x * 1.0, x > 0, None, np.int64(3)),
        _1=(planes[0], planes * 2, planes * 1.0, planes[:0], planes[:, :2],
            np.ones((17, 3, 2), int)),
    ), (np.full((1, 3), 2**61), planes)],
    "requantize": [*_with(
        (acc, 2**30, 31, 0, 8, True),
        _0=(acc * 1.0, acc > 0, acc + 2**31, acc - 2**31, None),
        _1=(0, 2**30 - 1, 2**31, 2.0**30, np.array([2**30]), np.array([2**30, 1, 2**30]), True),
        _2=(0, 63, -1, 31.0, np.array([31, 31]), np.array([31, 31, 0]), True),
        _3=(-129, 128, 0.0, np.array([0, 0]), np.array([0, 0, 200]), None), _4=NO_BITS,
    ), (acc, 2**30, 31, -1, 8, False), (acc, np.full((2, 3), 2**30), 31, 0, 8, True)],
    "sgd_step": [*_with(
        (W, W, W, 0.1, 0.9, 0.0), _0=(*NO_FLOATS, W[:1]), _1=(*NO_FLOATS, W[:1], W[None]),
        _2=(*NO_FLOATS, W[:1], W.astype(np.float32)), _3=(-0.1, np.nan, np.inf, "0", True, None),
        _4=(-0.1, np.nan, np.inf, "0", True, None), _5=(-0.1, np.nan, np.inf, "0", True, None),
    )],
}  # fmt: skip


def test_every_operation_has_bad_arguments():
    assert set(BAD) == {entry.name for entry in OPERATIONS}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_errors_are_those_of_the_definition(backend, name):
    """[S0.2] [S0.3] The same type and the same text: argument, value, what was expected."""
    for arguments in BAD[name]:
        with pytest.raises((TypeError, ValueError)) as expected:
            getattr(reference, name)(*arguments)
        with pytest.raises((TypeError, ValueError)) as got:
            getattr(backend, name)(*arguments)
        assert (got.type, str(got.value)) == (expected.type, str(expected.value)), arguments
