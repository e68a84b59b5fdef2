"""What holds for integer products and requantization, whoever computes them [S8], [S9]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import (
    Scope,
    code_arrays,
    dtypes,
    finite_arrays,
    positive,
    shapes,
    widths,
)

__all__: list[str] = []

Array = NDArray[Any]

LINES, LENGTH, OUTPUTS = 2, 6, 4


@st.composite
def _codes(draw: Any, scope: Scope) -> tuple[Array, int]:
    n = draw(widths())
    return draw(code_arrays(draw(shapes(scope)), 0, 2**n - 1)), n


@about("integer_weights", clauses="S9.1", given=_codes)
def odd_and_symmetric(call: Calls, codes: Array, n: int) -> bool:
    """The weights are odd, and those of the complements are their negatives."""
    v = np.asarray(call("integer_weights", codes, n))
    mirrored = call("integer_weights", 2**n - 1 - codes, n)
    return bool((v % 2 == 1).all() and (mirrored == -v).all() and (np.abs(v) < 2**n).all())


@st.composite
def _signed_codes(draw: Any, scope: Scope) -> tuple[Array, Array, int]:
    n, shape = draw(widths(2)), draw(shapes(scope))
    codes = draw(code_arrays(shape, 0, 2 ** (n - 1) - 1))
    return codes, draw(code_arrays(shape, -1, 1, np.int8)), n


@about("integer_weights", clauses="S9.1", given=_signed_codes)
def sign_and_magnitude(call: Calls, codes: Array, signs: Array, n: int) -> bool:
    """In the signed domain a weight has its sign, and its code as magnitude."""
    v = np.asarray(call("integer_weights", codes, n, signs=signs))
    return bool((np.abs(v) == np.where(signs == 0, 0, codes)).all() and (v * signs >= 0).all())


@st.composite
def _product(draw: Any, scope: Scope) -> tuple[Array, Array, int, Array | None]:
    n = draw(widths())
    signs = draw(code_arrays((LENGTH, OUTPUTS), -1, 1, np.int8)) if n > 1 else None
    if draw(st.booleans()):
        signs = None
    top = 2 ** (n - (signs is not None)) - 1
    bound = draw(st.sampled_from([8, 2**20, 2**40]))
    x = draw(code_arrays((LINES, LENGTH), -bound, bound, np.int64))
    return x, draw(code_arrays((LENGTH, OUTPUTS), 0, top)), n, signs


def _signs(signs: Array | None, part: Any = ...) -> dict[str, Any]:
    return {} if signs is None else {"signs": signs[part].copy()}


@about("integer_linear", clauses="S9.1 S9.2", given=_product)
def linear_in_x(call: Calls, x: Array, codes: Array, n: int, signs: Array | None) -> bool:
    """The product with a sum is the sum of the products, and that with -x the negative."""
    optional = _signs(signs)
    one = call("integer_linear", x, codes, n, **optional)
    other = call("integer_linear", -x[::-1].copy(), codes, n, **optional)
    both = call("integer_linear", x - x[::-1], codes, n, **optional)
    return bool((one + other == both).all() and (other == -one[::-1]).all())


@about("integer_linear", clauses="S9.1", given=_product)
def split_reduction(call: Calls, x: Array, codes: Array, n: int, signs: Array | None) -> bool:
    """The product is the sum of the products over two parts of the reduction."""
    half = slice(0, LENGTH // 2), slice(LENGTH // 2, LENGTH)
    parts = [
        call("integer_linear", x[:, part].copy(), codes[part].copy(), n, **_signs(signs, part))
        for part in half
    ]
    return bool((call("integer_linear", x, codes, n, **_signs(signs)) == sum(parts)).all())


@about("integer_linear", clauses="S9.1", given=_product)
def split_batch_and_outputs(
    call: Calls, x: Array, codes: Array, n: int, signs: Array | None
) -> bool:
    """Every line and every output is the product of its own."""
    whole = call("integer_linear", x, codes, n, **_signs(signs))
    line = call("integer_linear", x[1].copy(), codes, n, **_signs(signs))
    part = np.s_[:, 1:3]
    outputs = call("integer_linear", x, codes[part].copy(), n, **_signs(signs, part))
    return bool((whole[1] == line).all() and (whole[part] == outputs).all())


@about("integer_linear", "bit_planes", "bitserial_linear", clauses="S9.1 S9.3", given=_product)
def from_planes(call: Calls, x: Array, codes: Array, n: int, signs: Array | None) -> bool:
    """The product comes from the plane sum: twice it less (2^n - 1) sum x, or signed planes."""
    whole = call("integer_linear", x, codes, n, **_signs(signs))
    if signs is None:
        planes = call("bit_planes", codes, n)
        total = x.sum(axis=1, keepdims=True)
        return bool((whole == 2 * call("bitserial_linear", x, planes) - (2**n - 1) * total).all())
    planes = call("bit_planes", signs * codes, n, signed=True)
    return bool((whole == call("bitserial_linear", x, planes, signed=True)).all())


@st.composite
def _planes(draw: Any, scope: Scope) -> tuple[Array, Array, bool]:
    bound = draw(st.sampled_from([8, 2**20, 2**40]))
    x = draw(code_arrays((LINES, LENGTH), -bound, bound, np.int64))
    planes = draw(code_arrays((draw(widths()), LENGTH, OUTPUTS), 0, 1, np.uint8))
    return x, planes, draw(st.booleans())


@about("bitserial_linear", clauses="S9.3", given=_planes)
def one_plane_at_a_time(call: Calls, x: Array, planes: Array, signed: bool) -> bool:
    """The plane sum is that of 2^j times the product with plane j, the top one negative."""
    total = np.zeros((LINES, OUTPUTS), np.int64)
    for j in range(len(planes)):
        weight = -(2**j) if signed and j == len(planes) - 1 else 2**j
        total += weight * call("bitserial_linear", x, planes[j : j + 1].copy())
    return bool((call("bitserial_linear", x, planes, signed=signed) == total).all())


@about("bitserial_linear", clauses="S9.3", given=_planes)
def split_reduction_of_planes(call: Calls, x: Array, planes: Array, signed: bool) -> bool:
    """The plane sum is that of the sums over two parts of the reduction."""
    half = slice(0, LENGTH // 2), slice(LENGTH // 2, LENGTH)
    parts = [
        call("bitserial_linear", x[:, part].copy(), planes[:, part].copy(), signed=signed)
        for part in half
    ]
    return bool((call("bitserial_linear", x, planes, signed=signed) == sum(parts)).all())


@st.composite
def _convolution(draw: Any, scope: Scope) -> tuple[Array, Array, int]:
    n = draw(widths())
    x = draw(code_arrays((2, 4, 5, 4), -128, 127, np.int16))
    return x, draw(code_arrays((2, 3, 2, 4), 0, 2**n - 1)), n


@about("integer_conv2d", clauses="S9.1 S11.1", given=_convolution)
def explicit_padding(call: Calls, x: Array, codes: Array, n: int) -> bool:
    """Padding is a border of the integer 0."""
    bordered = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    padded = call("integer_conv2d", x, codes, n, padding=1, groups=2)
    return bool((padded == call("integer_conv2d", bordered, codes, n, groups=2)).all())


@about("integer_conv2d", clauses="S9.1 S11.1", given=_convolution)
def groups_apart(call: Calls, x: Array, codes: Array, n: int) -> bool:
    """Groups are convolutions of their own, side by side."""
    whole = call("integer_conv2d", x, codes, n, groups=2)
    parts = [
        call("integer_conv2d", x[..., part].copy(), codes[..., part].copy(), n)
        for part in (slice(0, 2), slice(2, 4))
    ]
    return bool((whole == np.concatenate(parts, axis=-1)).all())


@about("integer_conv2d", clauses="S11.1", given=_convolution)
def stride_skips(call: Calls, x: Array, codes: Array, n: int) -> bool:
    """A stride of 2 takes every other position, a batch image by image."""
    every = call("integer_conv2d", x, codes, n, groups=2)
    other = call("integer_conv2d", x, codes, n, groups=2, stride=2)
    image = call("integer_conv2d", x[1:].copy(), codes, n, groups=2)
    return bool((every[:, ::2, ::2] == other).all() and (every[1:] == image).all())


@about("integer_conv2d", clauses="S9.1 S11.1", given=_convolution)
def split_channels(call: Calls, x: Array, codes: Array, n: int) -> bool:
    """The result is the sum of those over two parts of the channels."""
    x = x[..., :2].copy()
    parts = [
        call("integer_conv2d", x[..., c : c + 1].copy(), codes[:, :, c : c + 1].copy(), n)
        for c in range(2)
    ]
    return bool((call("integer_conv2d", x, codes, n) == sum(parts)).all())


@about("integer_conv2d", "integer_linear", clauses="S9.1 S11.1", given=_convolution)
def pointwise(call: Calls, x: Array, codes: Array, n: int) -> bool:
    """A 1x1 kernel is a matrix product at every position."""
    taps = codes[:1, :1].copy()
    matrix = call("integer_linear", x[..., :2].copy(), taps[0, 0].copy(), n)
    return bool((call("integer_conv2d", x[..., :2].copy(), taps, n) == matrix).all())


@st.composite
def _activations(draw: Any, scope: Scope) -> tuple[Array, float, int]:
    n, dtype = draw(widths()), draw(dtypes())
    x = draw(finite_arrays(scope, draw(shapes(scope)), dtype, 1e3))
    return np.where(np.abs(x) < 1e-6, 0, x).astype(dtype), draw(positive()), n


@about("activation_codes", clauses="S8.1", given=_activations)
def monotone(call: Calls, x: Array, scale: float, n: int) -> bool:
    """Codes do not fall as x grows, and lie in their range; a negative x has no unsigned code."""
    x = np.sort(x.ravel())
    signed = np.asarray(call("activation_codes", x, scale, n, True))
    unsigned = np.asarray(call("activation_codes", x, scale, n, False))
    ranges = (signed >= -(2 ** (n - 1))) & (signed < 2 ** (n - 1)) & (unsigned < 2**n)
    rising = (np.diff(signed) >= 0).all() and (np.diff(unsigned) >= 0).all()
    return bool(rising and (ranges & (unsigned >= 0) & ((x >= 0) | (unsigned == 0))).all())


@about("activation_codes", clauses="S8.1 S0.1", given=_activations)
def odd(call: Calls, x: Array, scale: float, n: int) -> bool:
    """Signed codes of -x are the negatives, but for the clamp: ties are to even on both sides."""
    there = np.asarray(call("activation_codes", x, scale, n, True))
    back = np.asarray(call("activation_codes", -x, scale, n, True))
    most = 2 ** (n - 1) - 1
    return bool((np.clip(-there, -most, most) == np.clip(back, -most, most)).all())


@about("activation_codes", clauses="S8.1", given=_activations)
def scale_free(call: Calls, x: Array, scale: float, n: int) -> bool:
    """Activations and scale times a power of two have the same codes."""
    scale = float(x.dtype.type(scale))
    codes = call("activation_codes", x, scale, n, True)
    return bool((codes == call("activation_codes", 8 * x, 8 * scale, n, True)).all())


@st.composite
def _accumulators(draw: Any, scope: Scope) -> tuple[Array, int, int, int]:
    bound = draw(st.sampled_from([100, 2**16, 2**31 - 2]))
    acc = draw(code_arrays(draw(shapes(scope)), -bound, bound, np.int64))
    return acc, draw(st.integers(2**30, 2**31 - 1)), draw(st.integers(1, 62)), draw(widths())


@about("requantize", clauses="S9.4", given=_accumulators)
def rising(call: Calls, acc: Array, multiplier: int, shift: int, n: int) -> bool:
    """Codes do not fall as the accumulator grows, and lie in their range."""
    acc = np.sort(acc.ravel())
    codes = np.asarray(call("requantize", acc, multiplier, shift, 0, n, True))
    inside = (codes >= -(2 ** (n - 1))) & (codes < 2 ** (n - 1))
    return bool((np.diff(codes) >= 0).all() and inside.all())


@about("requantize", clauses="S9.4", given=_accumulators)
def zero_point_is_added(call: Calls, acc: Array, multiplier: int, shift: int, n: int) -> bool:
    """A zero point moves the codes by as much, before they are clamped."""
    low, high = -(2 ** (n - 1)), 2 ** (n - 1) - 1
    plain = np.asarray(call("requantize", acc, multiplier, shift, 0, 16, True), np.int64)
    moved = np.asarray(call("requantize", acc, multiplier, shift, high, n, True))
    inside = np.abs(plain) < 2**15 - 1
    return bool((~inside | (np.clip(plain + high, low, high) == moved)).all())


@about("requantize", clauses="S9.4", given=_accumulators)
def half_up(call: Calls, acc: Array, _multiplier: int, shift: int, _n: int) -> bool:
    """With a factor 2^-j, the code is the accumulator over 2^j plus 1/2, rounded down."""
    j = shift % 20
    codes = call("requantize", acc, 2**30, 30 + j, 0, 16, True)
    exact = (2 * acc + 2**j) // 2 ** (j + 1)
    return bool((codes == np.clip(exact, -(2**15), 2**15 - 1)).all())


@about("requantize", clauses="S9.4", given=_accumulators)
def same_per_channel(call: Calls, acc: Array, multiplier: int, shift: int, n: int) -> bool:
    """Equal parameters for each channel are one parameter for all."""
    acc = acc.reshape(-1, 1) if acc.ndim == 0 else acc
    channels = acc.shape[-1]
    each = (np.full(channels, value, np.int64) for value in (multiplier, shift, 0))
    one = call("requantize", acc, multiplier, shift, 0, n, True)
    return bool((one == call("requantize", acc, *each, n, True)).all())
